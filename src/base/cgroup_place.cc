// Where in the tree of cgroups we are. That decides which limits the kernel keeps for us,
// which the check of a configuration wants to know as well as the daemon.

#include "neurond/base/cgroup_place.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "neurond/base/atomic_file.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kRootField = 3;  ///< of a line of mountinfo (proc_pid_mountinfo(5))
constexpr size_t kPointField = 4;

struct CgroupMount {
    std::string_view root;  ///< the group that is at `point`
    std::string_view point;
};

bool find_mount(std::string_view mounts, CgroupMount& found) {
    for (const std::string_view line : split(mounts, '\n')) {
        const auto fields = split(line, ' ');
        const auto dash = std::find(fields.begin(), fields.end(), "-");
        if (fields.size() > kPointField && fields.end() - dash > 1 &&
            *(dash + 1) == "cgroup2") {
            found = {fields[kRootField], fields[kPointField]};
            return true;
        }
    }
    return false;
}

}  // namespace

Result<std::string> cgroup_dir(std::string_view mounts, std::string_view membership) {
    CgroupMount mount;
    if (!find_mount(mounts, mount)) {
        return Error{"find cgroups: version 2 is not mounted"};
    }
    for (const std::string_view line : split(membership, '\n')) {
        if (!starts_with(line, "0::/")) {
            continue;
        }
        std::string_view path = line.substr(3);
        if (mount.root != "/") {
            const bool below = starts_with(path, mount.root) &&
                               (path.size() == mount.root.size() ||
                                path[mount.root.size()] == '/');
            if (!below) {
                break;
            }
            path.remove_prefix(mount.root.size());
        }
        if (starts_with(path, "/..")) {
            break;
        }
        return std::string(mount.point) + std::string(path == "/" ? "" : path);
    }
    return Error{"find cgroups: our own is not below what is mounted"};
}

Result<std::string> own_cgroup_dir() {
    const Result<std::string> mounts =
        read_file("/proc/self/mountinfo", kMaxProcFileBytes);
    if (!mounts) {
        return mounts.error();
    }
    const Result<std::string> membership =
        read_file("/proc/self/cgroup", kMaxProcFileBytes);
    return membership ? cgroup_dir(*mounts, *membership) : membership;
}

bool has_controller(std::string_view words, std::string_view controller) {
    const auto each = split(trim(words, " \n"), ' ');
    return std::find(each.begin(), each.end(), controller) != each.end();
}

Status check_cgroup_at(const std::string& dir, const std::string& controller) {
    for (const std::string& path :
         {dir, dir + "/cgroup.procs", dir + "/cgroup.subtree_control"}) {
        if (::access(path.c_str(), W_OK) != 0) {
            return sys_error("write", path);
        }
    }
    const Result<std::string> known =
        read_file(dir + "/cgroup.controllers", kMaxProcFileBytes);
    if (!known) {
        return known.error();
    }
    return has_controller(*known, controller)
               ? Status(Ok{})
               : Status(Error{"use cgroups: " + dir + " has no controller " + controller});
}

}  // namespace neuron
