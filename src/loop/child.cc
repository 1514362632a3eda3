// Starting, reaping and killing processes. posix_spawn only: no code of ours runs
// between fork and exec.

#include "neurond/loop/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"

namespace neuron {

namespace {

/// What we were given, when we have raised it: a fact of the process, set once.
std::optional<rlimit> inherited_limit;

/// The two objects of posix_spawn, with their destructors.
class SpawnObjects {
  public:
    SpawnObjects() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attr_);
    }
    SpawnObjects(const SpawnObjects&) = delete;
    SpawnObjects& operator=(const SpawnObjects&) = delete;
    ~SpawnObjects() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attr_);
    }

    void fresh_session(bool keep_mask) {
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attr_, &none);
        ::posix_spawnattr_setsigdefault(&attr_, &all);
        const int mask = keep_mask ? 0 : POSIX_SPAWN_SETSIGMASK;
        ::posix_spawnattr_setflags(
            &attr_,
            static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | mask));
    }
    int map_fds(const std::vector<std::pair<int, int>>& fds);
    int change_dir(const std::string& cwd) {
        return ::posix_spawn_file_actions_addchdir_np(&actions_, cwd.c_str());
    }
    int run(pid_t* pid, const char* path, char** argv, char** env) const {
        return ::posix_spawn(pid, path, &actions_, &attr_, argv, env);
    }

  private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attr_;
    std::vector<Fd> lifted_;
};

/// Sources are first lifted above all targets, or one dup2 could close the next source.
/// Everything else is closed by name: what we inherited ourselves may lack FD_CLOEXEC.
int SpawnObjects::map_fds(const std::vector<std::pair<int, int>>& fds) {
    int top = 3;
    for (const auto& [ours, theirs] : fds) {
        top = std::max(top, theirs + 1);
    }
    std::vector<bool> planned(static_cast<size_t>(top));
    for (const auto& [ours, theirs] : fds) {
        Fd high(::fcntl(ours, F_DUPFD_CLOEXEC, top));
        if (!high) {
            return errno;
        }
        if (const int err =
                ::posix_spawn_file_actions_adddup2(&actions_, high.get(), theirs);
            err != 0) {
            return err;
        }
        lifted_.push_back(std::move(high));
        planned[static_cast<size_t>(theirs)] = true;
    }
    for (int fd = 0; fd < top; ++fd) {
        if (planned[static_cast<size_t>(fd)]) {
            continue;
        }
        if (const int err = ::posix_spawn_file_actions_addclose(&actions_, fd);
            err != 0) {
            return err;
        }
    }
    return ::posix_spawn_file_actions_addclosefrom_np(&actions_, top);
}

ExitStatus exit_status(int status, const rusage& used) noexcept {
    const auto max_rss = static_cast<uint64_t>(used.ru_maxrss) * 1024;
    if (WIFEXITED(status)) {
        return {WEXITSTATUS(status), 0, max_rss};
    }
    return {0, WTERMSIG(status), max_rss};
}

}  // namespace

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    out.reserve(strings.size() + 1);
    for (const std::string& s : strings) {
        out.push_back(const_cast<char*>(s.c_str()));
    }
    out.push_back(nullptr);
    return out;
}

std::string ExitStatus::to_string() const {
    if (signal == 0) {
        return "exited with status " + std::to_string(code);
    }
    const char* name = ::sigabbrev_np(signal);
    return "killed by " +
           (name != nullptr ? std::string("SIG") + name : std::to_string(signal));
}

size_t raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (!inherited_limit) {
        inherited_limit = limit;
    }
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<size_t>(limit.rlim_cur);
}

Result<pid_t> spawn(const SpawnPlan& plan) {
    SpawnObjects objects;
    objects.fresh_session(plan.keep_mask);
    if (const int err = objects.map_fds(plan.fds); err != 0) {
        return sys_error("pass descriptors to", plan.path, err);
    }
    if (!plan.cwd.empty()) {
        // Looked at here, because posix_spawn does not say which step failed.
        const int err = ::access((plan.cwd + "/.").c_str(), X_OK) != 0
                            ? errno
                            : objects.change_dir(plan.cwd);
        if (err != 0) {
            return sys_error("change directory to", plan.cwd, err);
        }
    }
    const LentLimit marked(RLIMIT_RTTIME, plan.family);
    const LentLimit files(RLIMIT_NOFILE, inherited_limit ? inherited_limit->rlim_cur : 0);
    pid_t pid = 0;
    const int err = objects.run(&pid, plan.path.c_str(), c_strings(plan.argv).data(),
                                c_strings(plan.env).data());
    if (err != 0) {
        return sys_error("start", plan.path, err);
    }
    return pid;
}

void Children::reap() {
    bool ended = false;
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid == 0) {
            break;
        }
        ended = true;
        const auto found = watched_.find(info.si_pid);
        ChildOwner* owner = nullptr;
        if (found != watched_.end()) {
            ::kill(-info.si_pid, SIGKILL);
            owner = found->second.owner;
            watched_.erase(found);
        }
        int status = 0;
        rusage used{};
        ::wait4(info.si_pid, &status, 0, &used);
        if (owner != nullptr) {
            owner->on_exit(info.si_pid, exit_status(status, used));
        }
    }
    if (ended) {
        kill_orphans();
    }
}

bool Children::lives(FamilyMark family) const {
    return std::any_of(watched_.begin(), watched_.end(), [family](const auto& each) {
        return each.second.family == family;
    });
}

/// What these leave behind comes to us when they end, and is looked at then.
void Children::kill_orphans() const {
    for (const pid_t pid : direct_children()) {
        if (watched_.count(pid) == 0) {
            const FamilyMark family = family_mark_of(pid);
            if (family != 0 && !lives(family)) {
                ::kill(pid, SIGKILL);
            }
        }
    }
}

void Children::kill_group(pid_t pid, int signal) const {
    if (watched_.count(pid) != 0) {
        ::kill(-pid, signal);
    }
}

void kill_descendants(pid_t spare, int max_millis) {
    const TimePoint deadline = monotonic_now() + Millis{max_millis};
    for (;;) {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        std::vector<pid_t> left = direct_children();
        left.erase(std::remove(left.begin(), left.end(), spare), left.end());
        if (left.empty() || monotonic_now() > deadline) {
            return;
        }
        for (const pid_t pid : left) {
            ::kill(pid, SIGKILL);
        }
        ::usleep(1000);  // the next generation arrives as these are reaped
    }
}

}  // namespace neuron
