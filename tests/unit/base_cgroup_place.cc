#include <doctest/doctest.h>

#include <string>

#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/cgroup_place.h"

using namespace neuron;

namespace {

std::string dir(const std::string& mounts, const std::string& membership) {
    const Result<std::string> found = cgroup_dir(mounts, membership);
    return found ? *found : found.error().message;
}

}  // namespace

TEST_CASE("our cgroup is looked up below the mount of version 2") {
    const std::string host =
        "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
    const std::string hybrid =
        "31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "41 24 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    const std::string bind =
        "30 24 0:26 /lxc/a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    constexpr const char* kOutside =
        "find cgroups: our own is not below what is mounted";
    struct Row {
        std::string mounts, membership, want;
    };
    const Row rows[] = {
        {host, "0::/system.slice/neurond.service\n",
         "/sys/fs/cgroup/system.slice/neurond.service"},
        {host, "0::/\n", "/sys/fs/cgroup"},
        // both versions: the line of version 2 alone counts
        {hybrid, "4:memory:/x\n0::/y\n", "/sys/fs/cgroup/unified/y"},
        // part of the tree is mounted, as in containers
        {bind, "0::/lxc/a/b\n", "/sys/fs/cgroup/b"},
        {bind, "0::/lxc/a\n", "/sys/fs/cgroup"},
        {bind, "0::/lxc/ab\n", kOutside},
        {bind, "0::/\n", kOutside},
        // moved out of its own namespace
        {host, "0::/../other\n", kOutside},
        {host, "4:memory:/x\n", kOutside},
        {host, "", kOutside},
        {"24 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "0::/\n",
         "find cgroups: version 2 is not mounted"},
        {"24 -\n\n", "0::/\n", "find cgroups: version 2 is not mounted"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.membership);
        CHECK(dir(row.mounts, row.membership) == row.want);
    }
}

TEST_CASE("controllers are whole words") {
    CHECK(has_controller("cpuset cpu io memory pids\n", "cpu"));
    CHECK(has_controller("cpuset cpu io memory pids\n", "pids"));
    CHECK_FALSE(has_controller("cpuset io\n", "cpu"));
    CHECK_FALSE(has_controller("", "cpu"));
}

TEST_CASE("a group can be used when it may be written and has the controller") {
    Scratch scratch;
    const std::string procs = scratch.path("cgroup.procs");
    const std::string own = procs.substr(0, procs.rfind('/'));
    CHECK_FALSE(check_cgroup_at(own, "memory"));
    REQUIRE(write_file_atomically(procs, "", 0600));
    REQUIRE(write_file_atomically(scratch.path("cgroup.subtree_control"), "", 0600));
    CHECK_FALSE(check_cgroup_at(own, "memory"));
    const std::string known = scratch.path("cgroup.controllers");
    REQUIRE(write_file_atomically(known, "cpu memory\n", 0600));
    CHECK(check_cgroup_at(own, "memory"));
    const Status lacking = check_cgroup_at(own, "pids");
    REQUIRE_FALSE(lacking);
    CHECK(lacking.error().message == "use cgroups: " + own + " has no controller pids");
}
