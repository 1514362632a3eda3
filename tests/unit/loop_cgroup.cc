#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "loop_world.h"
#include "neurond/base/text.h"
#include "neurond/loop/cgroup.h"

using namespace neuron;

namespace {

/// A tree of groups in memory. Like the kernel's: a group has files as soon as it is made,
/// controllers come down from above, a group with processes cannot be removed.
class FakeFs final : public CgroupFs {
  public:
    std::map<std::string, std::string> files;
    std::set<std::string> dirs;
    std::set<std::string> refused;  ///< writes of "FILE=TEXT" that fail
    std::set<std::string> busy;     ///< groups that cannot be removed
    std::vector<std::string> log;

    explicit FakeFs(bool root) {
        dirs.insert("/cg");
        files["/cg/cgroup.controllers"] = "cpuset cpu memory pids\n";
        files["/cg/cgroup.subtree_control"] = "";
        files["/cg/cgroup.procs"] = "";
        if (!root) {
            files["/cg/cgroup.type"] = "domain\n";
        }
    }

    Status make(const std::string& dir) override {
        if (dirs.count(dir) != 0 || dirs.count(parent(dir)) == 0) {
            return sys_error("make", dir, dirs.count(dir) != 0 ? EEXIST : ENOENT);
        }
        dirs.insert(dir);
        log.push_back("make " + dir);
        files[dir + "/cgroup.controllers"] = files[parent(dir) + "/cgroup.subtree_control"];
        for (const char* name : {"type", "subtree_control", "procs", "kill"}) {
            files[dir + "/cgroup." + name] = "";
        }
        limit_files(dir);
        return Ok{};
    }
    Status write(const std::string& file, std::string_view text) override {
        const std::string line = file + "=" + std::string(text);
        if (files.count(file) == 0 || refused.count(line) != 0) {
            return sys_error("write", file, files.count(file) == 0 ? ENOENT : EBUSY);
        }
        log.push_back(line);
        if (ends_with(file, "/cgroup.subtree_control") && text.front() == '+') {
            files[file] += " " + std::string(text.substr(1));
        } else {
            files[file] = text;
        }
        if (ends_with(file, "/cgroup.kill")) {
            busy.erase(parent(file));
        }
        return Ok{};
    }
    Result<std::string> read(const std::string& file) override {
        const auto found = files.find(file);
        return found == files.end() ? Result<std::string>(sys_error("open", file, ENOENT))
                                    : Result<std::string>(found->second);
    }
    Status remove(const std::string& dir) override {
        if (dirs.count(dir) == 0 || busy.count(dir) != 0 || !below(dir).empty()) {
            return sys_error("remove", dir, dirs.count(dir) == 0 ? ENOENT : EBUSY);
        }
        dirs.erase(dir);
        log.push_back("remove " + dir);
        return Ok{};
    }
    std::vector<std::string> below(const std::string& dir) override {
        std::vector<std::string> names;
        for (const std::string& each : dirs) {
            if (parent(each) == dir) {
                names.push_back(each.substr(dir.size() + 1));
            }
        }
        return names;
    }

  private:
    static std::string parent(const std::string& path) {
        return path.substr(0, path.rfind('/'));
    }
    void limit_files(const std::string& dir) {
        const std::string known = files[dir + "/cgroup.controllers"];
        const auto give = [&](const char* controller, const char* name) {
            if (known.find(controller) != known.npos) {
                files[dir + name] = "max";
            }
        };
        give("memory", "/memory.max");
        give("memory", "/memory.swap.max");
        give("memory", "/memory.oom.group");
        give("memory", "/memory.events");
        give("pids", "/pids.max");
        give("cpu", "/cpu.max");
    }
};

ChildLimits all_limits() {
    ChildLimits limits;
    limits.memory = 300 << 20;
    limits.processes = 40;
    limits.cpu = 150;
    return limits;
}

using Log = std::vector<std::string>;

}  // namespace

TEST_CASE("the daemon moves into a leaf before it limits what is below") {
    FakeFs fs(false);
    CgroupTree tree(fs, "/cg", 77);
    REQUIRE(tree.open());
    CHECK(tree.dir() == "/cg/neurond-77");
    CHECK(fs.log == Log{"make /cg/neurond-77", "make /cg/neurond-77/daemon",
                        "/cg/neurond-77/daemon/cgroup.procs=77",
                        "/cg/cgroup.subtree_control=+memory",
                        "/cg/neurond-77/cgroup.subtree_control=+memory",
                        "/cg/cgroup.subtree_control=+pids",
                        "/cg/neurond-77/cgroup.subtree_control=+pids",
                        "/cg/cgroup.subtree_control=+cpu",
                        "/cg/neurond-77/cgroup.subtree_control=+cpu"});
    SUBCASE("and undoes all of it in the end") {
        REQUIRE(fs.make("/cg/neurond-77/a-1"));
        fs.busy.insert("/cg/neurond-77/a-1");
        tree.sweep(1000);
        tree.close();
        CHECK(fs.dirs == std::set<std::string>{"/cg"});
        CHECK(fs.files["/cg/cgroup.procs"] == "77");
        CHECK(fs.files["/cg/cgroup.subtree_control"] == "-cpu");
    }
}

TEST_CASE("the root of all groups is not left") {
    FakeFs fs(true);
    fs.files["/cg/cgroup.subtree_control"] = "memory pids";
    CgroupTree tree(fs, "/cg", 77);
    REQUIRE(tree.open());
    CHECK(fs.dirs == std::set<std::string>{"/cg", "/cg/neurond-77"});
    tree.close();
    // what was on before stays on
    CHECK(fs.files["/cg/cgroup.subtree_control"] == "-cpu");
    CHECK(fs.files["/cg/cgroup.procs"].empty());
}

TEST_CASE("a controller that is refused does not cost the others") {
    FakeFs fs(false);
    fs.refused.insert("/cg/cgroup.subtree_control=+memory");
    CgroupTree tree(fs, "/cg", 77);
    REQUIRE(tree.open());
    CHECK(fs.files["/cg/neurond-77/cgroup.subtree_control"] == " pids cpu");
}

TEST_CASE("a daemon that may not move leaves nothing behind") {
    FakeFs fs(false);
    fs.refused.insert("/cg/neurond-77/daemon/cgroup.procs=77");
    CgroupTree tree(fs, "/cg", 77);
    CHECK_FALSE(tree.open());
    CHECK(fs.dirs == std::set<std::string>{"/cg"});
}

TEST_CASE("groups of keepers that are no more are removed, and no others") {
    const pid_t ended = ::fork();
    if (ended == 0) {
        ::_exit(0);
    }
    REQUIRE(::waitpid(ended, nullptr, 0) == ended);
    const std::string stale = "/cg/neurond-" + std::to_string(ended);
    const std::string alive = "/cg/neurond-" + std::to_string(::getppid());
    FakeFs fs(false);
    const std::string other = "/cg/other";
    const std::string leaf = stale + "/daemon";
    for (const std::string& dir : {stale, leaf, stale + "/a-1", alive, other}) {
        REQUIRE(fs.make(dir));
    }
    CgroupTree tree(fs, "/cg", ::getpid());
    REQUIRE(tree.open());
    CHECK(fs.dirs.count(stale) == 0);
    CHECK(fs.dirs.count(alive) == 1);
    CHECK(fs.dirs.count(other) == 1);
}

TEST_CASE("a group takes over the limits it can keep") {
    FakeFs fs(true);
    CgroupTree tree(fs, "/cg", 77);
    struct Row {
        const char* refused;
        uint64_t memory, processes;  // left to the child's own process
    };
    const Row rows[] = {
        {"", 0, 0},
        {"memory", 300 << 20, 0},
        {"pids", 0, 40},
        {"cpu", 0, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.refused);
        fs.refused = {"/cg/cgroup.subtree_control=+" + std::string(row.refused)};
        REQUIRE(tree.open());
        EventLoop loop;
        Cgroups groups(loop, fs, tree.dir());
        ChildLimits limits = all_limits();
        groups.assign("a", limits);
        CHECK(limits.cgroup == "/cg/neurond-77/a-1");
        CHECK(limits.memory == row.memory);
        CHECK(limits.processes == row.processes);
        if (*row.refused == '\0') {
            CHECK(fs.files["/cg/neurond-77/a-1/memory.max"] == "314572800");
            CHECK(fs.files["/cg/neurond-77/a-1/memory.swap.max"] == "0");
            CHECK(fs.files["/cg/neurond-77/a-1/memory.oom.group"] == "1");
            CHECK(fs.files["/cg/neurond-77/a-1/pids.max"] == "40");
            CHECK(fs.files["/cg/neurond-77/a-1/cpu.max"] == "150000 100000");
        }
        groups.retire(limits.cgroup);
        tree.close();
        fs = FakeFs(true);
    }
}

TEST_CASE("where no group can be made, the limits are left as they are") {
    EventLoop loop;
    FakeFs fs(true);
    ChildLimits limits = all_limits();
    Cgroups none(loop, fs, "");
    none.assign("a", limits);
    Cgroups lost(loop, fs, "/cg/gone");
    lost.assign("a", limits);
    CHECK(limits.cgroup.empty());
    CHECK(limits.memory == 300 << 20);
    CHECK(limits.processes == 40);
    CHECK(fs.log.empty());

    Cgroups groups(loop, fs, "/cg");
    ChildLimits few;
    few.files = 10;
    groups.assign("a", few);
    CHECK(few.cgroup.empty());  // nothing that a group would keep
}

TEST_CASE("a group is killed, and removed once what lived in it is gone") {
    EventLoop loop;
    FakeFs fs(true);
    Cgroups groups(loop, fs, "/cg");
    ChildLimits limits = all_limits();
    groups.assign("a", limits);
    groups.assign("a", limits);
    CHECK(limits.cgroup == "/cg/a-2");  // of each life its own
    groups.kill("/cg/a-2");
    CHECK(fs.files["/cg/a-2/cgroup.kill"] == "1");

    fs.refused.insert("/cg/a-1/cgroup.kill=1");  // it takes its time
    fs.busy.insert("/cg/a-1");
    groups.retire("/cg/a-1");
    groups.retire("/cg/a-2");
    CHECK(groups.retiring() == 1);
    CHECK(fs.dirs.count("/cg/a-2") == 0);
    fs.busy.clear();
    CHECK(turn_until(loop, [&] { return groups.retiring() == 0; }));
    CHECK(fs.dirs == std::set<std::string>{"/cg"});
    groups.retire("/cg/a-1");  // somebody else was faster: nothing to wait for
    CHECK(groups.retiring() == 0);
}

TEST_CASE("the kernel's count of killed processes says what memory did") {
    EventLoop loop;
    FakeFs fs(true);
    Cgroups groups(loop, fs, "/cg");
    struct Row {
        const char* events;
        bool want;
    };
    const Row rows[] = {
        {"low 0\nhigh 0\nmax 31\noom 1\noom_kill 1\noom_group_kill 1\n", true},
        {"low 0\nhigh 0\nmax 31\noom 1\noom_kill 0\n", false},  // a process gave way
        {"oom_kill 12\n", true},
        {"oom_kill\n", false},
        {"", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.events);
        fs.files["/cg/a-1/memory.events"] = row.events;
        CHECK(groups.was_out_of_memory("/cg/a-1") == row.want);
    }
    CHECK_FALSE(groups.was_out_of_memory("/cg/b-1"));
    CHECK_FALSE(groups.was_out_of_memory(""));
}
