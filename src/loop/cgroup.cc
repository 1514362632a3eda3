// What a resource limit cannot do: bound what several processes use together, bound root,
// end all of them at once, and say afterwards that it was memory that ran out. cgroup v2
// can, where it lets us; where not, nothing here is needed for a child to run.

#include "neurond/loop/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "neurond/base/atomic_file.h"
#include "neurond/base/cgroup_place.h"
#include "neurond/base/clock.h"
#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr std::string_view kTreePrefix = "neurond-";
constexpr const char* kDaemonLeaf = "/daemon";
constexpr const char* kControllers[] = {"memory", "pids", "cpu"};
constexpr uint64_t kCpuPeriod = 100 * 1000;  ///< microseconds; cpu.max has this default
constexpr Millis kRemoveAgain{20};  ///< the kernel needs a moment to end what was killed

bool is_a_number_of_nobody(std::string_view digits) {
    const auto pid = parse_u64(digits);
    return pid && *pid > 0 && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH;
}

}  // namespace

// --- the files -----------------------------------------------------------------------

Status CgroupFs::make(const std::string& dir) {
    return ::mkdir(dir.c_str(), 0755) == 0 ? Status(Ok{})
                                           : Status(sys_error("make", dir));
}

Status CgroupFs::write(const std::string& file, std::string_view text) {
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), text.data(), text.size()) !=
                   static_cast<ssize_t>(text.size())) {
        return sys_error("write", file);
    }
    return Ok{};
}

Result<std::string> CgroupFs::read(const std::string& file) {
    return read_file(file, kMaxProcFileBytes);
}

Status CgroupFs::give(const std::string& path, const FileOwner& owner) {
    return ::chown(path.c_str(), owner.uid, owner.gid) == 0
               ? Status(Ok{})
               : Status(sys_error("change the owner of", path));
}

Status CgroupFs::remove(const std::string& dir) {
    return ::rmdir(dir.c_str()) == 0 ? Status(Ok{}) : Status(sys_error("remove", dir));
}

/// The kernel says that cgroup.events has changed since it was read.
void CgroupFs::wait_until_empty(const std::string& dir, int max_millis) {
    const std::string path = dir + "/cgroup.events";
    const Fd events(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char text[256];
    const ssize_t n = events ? ::read(events.get(), text, sizeof text) : 0;
    if (n > 0 && std::string_view(text, static_cast<size_t>(n)).find("populated 1") !=
                     std::string_view::npos) {
        pollfd change{events.get(), POLLPRI, 0};
        ::poll(&change, 1, max_millis);
    }
}

std::vector<std::string> CgroupFs::below(const std::string& dir) {
    std::vector<std::string> names;
    DIR* stream = ::opendir(dir.c_str());
    if (stream == nullptr) {
        return names;
    }
    while (const dirent* entry = ::readdir(stream)) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            names.emplace_back(entry->d_name);
        }
    }
    ::closedir(stream);
    return names;
}

// --- the keeper's side ---------------------------------------------------------------

CgroupTree::CgroupTree(CgroupFs& fs, std::string own, pid_t keeper)
    : fs_(fs),
      own_(std::move(own)),
      id_(std::to_string(keeper)),
      dir_(own_ + "/" + std::string(kTreePrefix) + id_) {}

Status CgroupTree::open(const std::optional<FileOwner>& owner) {
    remove_stale();
    if (Status made = fs_.make(dir_); !made) {
        return made;
    }
    open_ = true;
    if (Status moved = move_in(); !moved) {
        close();
        return moved;
    }
    enable();
    Status given = owner ? give_away(*owner) : Ok{};
    if (!given) {
        close();
    }
    return given;
}

/// Who moves a process needs the right to do so in the group above both places, and that
/// of the root of all groups is nobody's but root's.
Status CgroupTree::give_away(const FileOwner& owner) {
    if (!moved_) {
        return Error{"give " + dir_ + " away: it lies in the root of all groups"};
    }
    for (const char* file : {"", "/cgroup.procs", "/cgroup.threads"}) {
        if (Status given = fs_.give(dir_ + file, owner); !given) {
            return given;
        }
    }
    return fs_.give(dir_ + kDaemonLeaf + "/cgroup.procs", owner);
}

/// Only the root of all groups has no type.
Status CgroupTree::move_in() {
    if (!fs_.read(own_ + "/cgroup.type")) {
        return Ok{};
    }
    if (Status made = fs_.make(dir_ + kDaemonLeaf); !made) {
        return made;
    }
    moved_ = true;
    return fs_.write(dir_ + kDaemonLeaf + "/cgroup.procs", id_);
}

/// One by one: where one is refused, the others may still be had.
void CgroupTree::enable() {
    const Result<std::string> known = fs_.read(own_ + "/cgroup.controllers");
    const Result<std::string> before = fs_.read(own_ + "/cgroup.subtree_control");
    for (const std::string name : kControllers) {
        if (!known || !has_controller(*known, name)) {
            continue;
        }
        const std::string on = "+" + name;
        if (!before || !has_controller(*before, name)) {
            if (Status set = fs_.write(own_ + "/cgroup.subtree_control", on); !set) {
                log_warn("keeper", "limits of %s are weaker: %s", name.c_str(),
                         set.error().message.c_str());
                continue;
            }
            enabled_.push_back(name);
        }
        if (Status set = fs_.write(dir_ + "/cgroup.subtree_control", on); !set) {
            log_warn("keeper", "limits of %s are weaker: %s", name.c_str(),
                     set.error().message.c_str());
        }
    }
}

void CgroupTree::remove_stale() {
    for (const std::string& name : fs_.below(own_)) {
        if (!starts_with(name, kTreePrefix) ||
            !is_a_number_of_nobody(std::string_view(name).substr(kTreePrefix.size()))) {
            continue;
        }
        const std::string stale = own_ + "/" + name;
        for (const std::string& group : fs_.below(stale)) {
            (void)fs_.remove(stale + "/" + group);
        }
        (void)fs_.remove(stale);
    }
}

void CgroupTree::sweep(int max_millis) {
    if (!open_) {
        return;
    }
    const TimePoint deadline = monotonic_now() + Millis{max_millis};
    for (const std::string& name : fs_.below(dir_)) {
        const std::string group = dir_ + "/" + name;
        if ("/" + name == kDaemonLeaf) {
            continue;
        }
        (void)fs_.write(group + "/cgroup.kill", "1");
        while (!fs_.remove(group) && monotonic_now() < deadline) {
            fs_.wait_until_empty(group, max_millis);
        }
    }
}

/// Back first, or our own presence would keep the groups; and before that the controllers,
/// or we might not come back.
void CgroupTree::close() {
    if (!open_) {
        return;
    }
    open_ = false;
    for (const std::string& name : enabled_) {
        (void)fs_.write(dir_ + "/cgroup.subtree_control", "-" + name);
        (void)fs_.write(own_ + "/cgroup.subtree_control", "-" + name);
    }
    if (moved_) {
        (void)fs_.write(own_ + "/cgroup.procs", id_);
        (void)fs_.remove(dir_ + kDaemonLeaf);
    }
    (void)fs_.remove(dir_);
}

// --- the reactor's side --------------------------------------------------------------

Cgroups::Cgroups(EventLoop& loop, CgroupFs& fs, std::string dir)
    : fs_(fs), dir_(std::move(dir)), again_(loop, [this] { remove_retired(); }) {}

bool Cgroups::set(const std::string& group, const char* file, const std::string& value) {
    const Status written = fs_.write(group + "/" + file, value);
    if (!written) {
        log_debug("supervisor", "%s", written.error().message.c_str());
    }
    return static_cast<bool>(written);
}

void Cgroups::assign(const std::string& name, ChildLimits& limits) {
    if (!usable() || !limits.wants_group()) {
        return;
    }
    const std::string group = dir_ + "/" + name + "-" + std::to_string(++count_);
    if (Status made = fs_.make(group); !made) {
        log_warn("supervisor", "%s: %s", name.c_str(), made.error().message.c_str());
        return;
    }
    limits.cgroup = group;
    if (limits.memory != 0 && set(group, "memory.max", std::to_string(limits.memory))) {
        set(group, "memory.swap.max", "0");
        set(group, "memory.oom.group", "1");
        limits.memory = 0;
    }
    if (limits.processes != 0 &&
        set(group, "pids.max", std::to_string(limits.processes))) {
        limits.processes = 0;
    }
    if (limits.cpu != 0) {
        set(group, "cpu.max",
            std::to_string(limits.cpu * kCpuPeriod / 100) + " " +
                std::to_string(kCpuPeriod));
    }
}

void Cgroups::kill(const std::string& group) {
    if (!group.empty()) {
        set(group, "cgroup.kill", "1");
    }
}

bool Cgroups::was_out_of_memory(const std::string& group) {
    constexpr std::string_view kKey = "oom_kill ";
    const Result<std::string> events = fs_.read(group + "/memory.events");
    if (group.empty() || !events) {
        return false;
    }
    for (const std::string_view line : split(*events, '\n')) {
        if (starts_with(line, kKey)) {
            return parse_u64(line.substr(kKey.size())).value_or(0) > 0;
        }
    }
    return false;
}

void Cgroups::retire(const std::string& group) {
    if (!group.empty()) {
        kill(group);
        retired_.push_back(group);
        remove_retired();
    }
}

void Cgroups::remove_retired() {
    const auto gone = [this](const std::string& group) {
        const Status removed = fs_.remove(group);
        return removed || removed.error().sys != EBUSY;
    };
    retired_.erase(std::remove_if(retired_.begin(), retired_.end(), gone),
                   retired_.end());
    if (!retired_.empty()) {
        again_.arm(kRemoveAgain);
    }
}

}  // namespace neuron
