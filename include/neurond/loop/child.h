#ifndef NEUROND_LOOP_CHILD_H
#define NEUROND_LOOP_CHILD_H

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "neurond/base/result.h"
#include "neurond/loop/family.h"

namespace neuron {

/// How a process ended.
struct ExitStatus {
    int code = 0;    ///< exit code, when signal == 0
    int signal = 0;  ///< the signal that killed it, else 0
    uint64_t max_rss = 0;  ///< bytes it had resident at most; never less than ours

    bool clean() const noexcept { return signal == 0 && code == 0; }
    /// "exited with status 3", "killed by SIGKILL".
    std::string to_string() const;
};

/// What to start. No shell is involved anywhere.
struct SpawnPlan {
    std::string path;                      ///< absolute
    std::vector<std::string> argv;         ///< argv[0] included
    std::vector<std::string> env;          ///< "NAME=value", the whole environment
    std::string cwd;                       ///< empty = ours
    std::vector<std::pair<int, int>> fds;  ///< (ours, its number there); lent
    bool keep_mask = false;  ///< our signal mask, instead of an empty one
    FamilyMark family = 0;   ///< what it and all its descendants are known by
};

/// Starts a process in a session and process group of its own, with an empty signal
/// mask, default handlers and only the descriptors of the plan. An exec that fails is
/// this call's error.
Result<pid_t> spawn(const SpawnPlan& plan);

/// As exec wants them: pointers into `strings`, and a null one.
std::vector<char*> c_strings(const std::vector<std::string>& strings);

/// Raises our soft limit of descriptors to the hard one; children started from now on
/// get the old one back, because programs with select() break above it. Returns the
/// limit in force.
size_t raise_descriptor_limit();

/// Is told once when a watched process has ended and has been reaped.
class ChildOwner {
  public:
    virtual void on_exit(pid_t pid, ExitStatus status) = 0;

  protected:
    ~ChildOwner() = default;
};

/// The one reap path of a process. When a watched child has ended, what is left of its
/// process group is killed while its pid is still a zombie (and so cannot have been
/// given to somebody else), then it is reaped and its owner told. Unknown children
/// (adopted orphans) are reaped too. Orphans of a family whose child has ended are killed
/// as soon as they come to us, which takes this process to be a child subreaper: that is
/// how nothing of a child outlives it, in whatever session it hides.
class Children {
  public:
    /// `family` is that of its plan.
    void watch(pid_t pid, ChildOwner& owner, FamilyMark family = 0) {
        watched_[pid] = {&owner, family};
    }
    /// The child goes on being reaped, but nobody is told.
    void forget(pid_t pid) { watched_[pid].owner = nullptr; }
    /// Call on SIGCHLD. `on_exit` runs inside.
    void reap();
    /// Signals the group of a watched child that has not been reaped yet.
    void kill_group(pid_t pid, int signal) const;
    size_t size() const noexcept { return watched_.size(); }

  private:
    struct Watched {
        ChildOwner* owner = nullptr;
        FamilyMark family = 0;
    };
    bool lives(FamilyMark family) const;
    void kill_orphans() const;

    std::unordered_map<pid_t, Watched> watched_;
};

/// Kills every process below this one, orphans that came to it as a child subreaper
/// included, and reaps them. Blocks until they are gone, at most `max_millis`.
/// For a process that is about to end or has lost the parent of those processes;
/// `spare` (0 = none) is a direct child that stays.
void kill_descendants(pid_t spare, int max_millis);

}  // namespace neuron

#endif
