#ifndef NEUROND_LOOP_CGROUP_H
#define NEUROND_LOOP_CGROUP_H

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/file_owner.h"
#include "neurond/base/result.h"
#include "neurond/loop/event_loop.h"
#include "neurond/loop/trampoline.h"

namespace neuron {

/// The few things that are done to a tree of cgroups. Its files are in memory: nothing of
/// it waits for a disk. Virtual, because a directory of a test has no kernel behind it.
class CgroupFs {
  public:
    virtual ~CgroupFs() = default;
    virtual Status make(const std::string& dir);
    virtual Status write(const std::string& file, std::string_view text);
    virtual Result<std::string> read(const std::string& file);
    virtual Status give(const std::string& path, const FileOwner& owner);
    /// Fails while there are processes in it.
    virtual Status remove(const std::string& dir);
    /// Returns when no process is left in it, or after `max_millis`.
    virtual void wait_until_empty(const std::string& dir, int max_millis);
    /// The names of the groups below.
    virtual std::vector<std::string> below(const std::string& dir);
};

/// Groups of a daemon, made by its keeper:
///
///     OWN                     where it was started, or what was delegated to it
///       └ neurond-PID
///           ├ daemon          itself; a group with limits for those below holds no process
///           └ NAME-N          one life of a child
///
/// In the root of all groups, which may hold processes, the daemon stays where it is.
class CgroupTree {
  public:
    /// `own` is own_cgroup_dir() of the process `keeper`, which is this one.
    CgroupTree(CgroupFs& fs, std::string own, pid_t keeper);
    CgroupTree(const CgroupTree&) = delete;
    CgroupTree& operator=(const CgroupTree&) = delete;

    /// Makes the groups and moves this process. Fails when no group can be made; which
    /// controllers there are then is written at dir(). Removes what keepers that died
    /// have left beside it. With an owner, they may make groups of children.
    Status open(const std::optional<FileOwner>& owner = {});
    const std::string& dir() const noexcept { return dir_; }
    /// Kills all that lives in groups of children, and removes these. Blocks until they
    /// are gone, at most `max_millis`.
    void sweep(int max_millis);
    /// Undoes open(), as far as that goes. Call sweep() first.
    void close();

  private:
    Status move_in();
    Status give_away(const FileOwner& owner);
    void enable();
    void remove_stale();

    CgroupFs& fs_;
    std::string own_;
    std::string id_;
    std::string dir_;
    bool open_ = false;
    bool moved_ = false;
    std::vector<std::string> enabled_;  ///< controllers for the groups below `own_`
};

/// The groups of children, in a reactor.
class Cgroups {
  public:
    /// `dir` is that of the keeper's tree; empty: there are none, and nothing is limited.
    Cgroups(EventLoop& loop, CgroupFs& fs, std::string dir);

    bool usable() const noexcept { return !dir_.empty(); }
    /// Makes a group for one life of `name`, and takes over from `limits` what the group
    /// sees to; what is left there, the child's own process must. Its `cgroup` is set.
    /// Where no group can be made, `limits` stays as it is.
    void assign(const std::string& name, ChildLimits& limits);
    /// Ends all that lives in it, at once.
    void kill(const std::string& group);
    /// The kernel has ended a process of it for want of memory.
    bool was_out_of_memory(const std::string& group);
    /// Its child has ended: kills what is left, and removes it as soon as that is gone.
    void retire(const std::string& group);
    size_t retiring() const noexcept { return retired_.size(); }

  private:
    bool set(const std::string& group, const char* file, const std::string& value);
    void remove_retired();

    CgroupFs& fs_;
    std::string dir_;
    uint64_t count_ = 0;
    std::vector<std::string> retired_;
    Timer again_;
};

}  // namespace neuron

#endif
