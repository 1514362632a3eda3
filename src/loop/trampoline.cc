// Limits and users cannot be had from posix_spawn(), and no code of ours runs between fork
// and exec. So the program is started twice: as itself with the plan in a memory file,
// which sets what is to be set, and then as what was asked for. The program's environment
// comes with the plan, because LD_PRELOAD in it is not meant for us.

#include "neurond/loop/trampoline.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "neurond/base/text.h"
#include "neurond/loop/helper.h"

namespace neuron {

namespace {

constexpr int kReportFd = 3;
constexpr int kPlanFd = 4;
constexpr int kNotStarted = 127;  ///< as shells have it
constexpr size_t kFixedFields = 8;

/// Fields end in NUL: path, cwd, memory, processes, files, user, cgroup, number of
/// arguments, the arguments, the environment.
std::string encode(const SpawnPlan& plan, const ChildLimits& limits) {
    std::string text;
    const auto add = [&text](const std::string& field) {
        text.append(field.c_str()).append(1, '\0');
    };
    add(plan.path);
    add(plan.cwd);
    add(std::to_string(limits.memory));
    add(std::to_string(limits.processes));
    add(std::to_string(limits.files));
    add(limits.user);
    add(limits.cgroup);
    add(std::to_string(plan.argv.size()));
    for (const std::string& arg : plan.argv) {
        add(arg);
    }
    for (const std::string& pair : plan.env) {
        add(pair);
    }
    return text;
}

Result<Fd> memory_file(const std::string& text) {
    Fd fd(::memfd_create("neurond-start", MFD_CLOEXEC));
    if (!fd || ::write(fd.get(), text.data(), text.size()) !=
                   static_cast<ssize_t>(text.size())) {
        return sys_error("write", "the plan of a start");
    }
    return fd;
}

Result<std::string> read_plan() {
    struct stat info {};
    if (::fstat(kPlanFd, &info) != 0) {
        return sys_error("read", "the plan of a start");
    }
    std::string text(static_cast<size_t>(info.st_size), '\0');
    if (::pread(kPlanFd, text.data(), text.size(), 0) !=
        static_cast<ssize_t>(text.size())) {
        return sys_error("read", "the plan of a start");
    }
    ::close(kPlanFd);
    return text;
}

struct Start {
    SpawnPlan plan;
    ChildLimits limits;
};

Result<Start> decode(std::string_view text) {
    std::vector<std::string> fields;
    while (!text.empty()) {
        const size_t end = text.find('\0');
        fields.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    const auto number = [&fields](size_t at) { return parse_u64(fields[at]).value_or(0); };
    if (fields.size() < kFixedFields || fields.size() < kFixedFields + number(7)) {
        return Error{"read the plan of a start: it is cut off"};
    }
    Start out;
    out.plan.path = fields[0];
    out.plan.cwd = fields[1];
    out.limits.memory = number(2);
    out.limits.processes = number(3);
    out.limits.files = number(4);
    out.limits.user = fields[5];
    out.limits.cgroup = fields[6];
    const auto args = fields.begin() + static_cast<ptrdiff_t>(kFixedFields);
    const auto env = args + static_cast<ptrdiff_t>(number(7));
    out.plan.argv.assign(args, env);
    out.plan.env.assign(env, fields.end());
    return out;
}

Status limit(__rlimit_resource_t resource, uint64_t value, const char* name) {
    const rlimit both{value, value};
    if (value != 0 && ::setrlimit(resource, &both) != 0) {
        return sys_error("set", name);
    }
    return Ok{};
}

Status set_limits(const ChildLimits& limits) {
    if (Status set = limit(RLIMIT_NOFILE, limits.files, "limit_files"); !set) {
        return set;
    }
    if (Status set = limit(RLIMIT_NPROC, limits.processes, "limit_processes"); !set) {
        return set;
    }
    return limit(RLIMIT_DATA, limits.memory, "limit_memory");
}

/// Groups first: afterwards we may not any more.
Status become(const std::string& user) {
    if (user.empty()) {
        return Ok{};
    }
    errno = 0;
    const passwd* known = ::getpwnam(user.c_str());
    if (known == nullptr) {
        return sys_error("find user", user, errno == 0 ? ENOENT : errno);
    }
    if (known->pw_uid == ::geteuid() && ::geteuid() != 0) {
        return Ok{};
    }
    if (::initgroups(user.c_str(), known->pw_gid) != 0 ||
        ::setgid(known->pw_gid) != 0 || ::setuid(known->pw_uid) != 0) {
        return sys_error("change to user", user);
    }
    return Ok{};
}

/// As whom we are now: the group is not the user's.
Status enter(const std::string& cgroup) {
    if (cgroup.empty()) {
        return Ok{};
    }
    const std::string path = cgroup + "/cgroup.procs";
    const std::string pid = std::to_string(::getpid());
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file ||
        ::write(file.get(), pid.data(), pid.size()) != static_cast<ssize_t>(pid.size())) {
        return sys_error("enter", cgroup);
    }
    return Ok{};
}

Status start(Start& what) {
    if (Status entered = enter(what.limits.cgroup); !entered) {
        return entered;
    }
    // The user first: its data base may be large, and limits are for the program.
    if (Status changed = become(what.limits.user); !changed) {
        return changed;
    }
    if (Status set = set_limits(what.limits); !set) {
        return set;
    }
    if (!what.plan.cwd.empty() && ::chdir(what.plan.cwd.c_str()) != 0) {
        return sys_error("change directory to", what.plan.cwd);
    }
    ::execve(what.plan.path.c_str(), c_strings(what.plan.argv).data(),
             c_strings(what.plan.env).data());
    return sys_error("start", what.plan.path);
}

}  // namespace

Result<LimitedChild> spawn_limited(const SpawnPlan& plan, const ChildLimits& limits) {
    Result<Fd> memory = memory_file(encode(plan, limits));
    if (!memory) {
        return memory.error();
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return sys_error("pipe");
    }
    LimitedChild child;
    child.report.reset(ends[0]);
    const Fd theirs(ends[1]);
    SpawnPlan step;
    step.path = "/proc/self/exe";
    step.argv = {plan.argv.empty() ? "neurond" : plan.argv.front(),
                 std::string(kHelperOption) + "start"};
    step.family = plan.family;
    step.fds = plan.fds;
    step.fds.emplace_back(theirs.get(), kReportFd);
    step.fds.emplace_back(memory->get(), kPlanFd);
    const Result<pid_t> pid = spawn(step);
    if (!pid) {
        return pid.error();
    }
    child.pid = *pid;
    return child;
}

std::string read_report(const Fd& report) {
    char text[1024];
    const ssize_t n = report ? ::read(report.get(), text, sizeof text) : 0;
    return n > 0 ? std::string(text, static_cast<size_t>(n)) : std::string();
}

int run_starter() {
    ::fcntl(kReportFd, F_SETFD, FD_CLOEXEC);
    const Result<std::string> text = read_plan();
    Result<Start> what = text ? decode(*text) : Result<Start>(text.error());
    const Status failed = what ? start(*what) : Status(what.error());
    const std::string& why = failed.error().message;
    (void)!::write(kReportFd, why.data(), why.size());
    return kNotStarted;
}

}  // namespace neuron
