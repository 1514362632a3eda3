#include <doctest/doctest.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "helper_main.h"
#include "loop_world.h"
#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/text.h"
#include "neurond/loop/helper.h"
#include "neurond/loop/trampoline.h"

using namespace neuron;

namespace {

const bool kSet = [] {
    helper_main = run_helper;
    return true;
}();

struct Outcome {
    std::string output;
    std::string report;
    int status = -1;
};

Outcome outcome(SpawnPlan plan, const ChildLimits& limits) {
    FdPair pipe = make_pipe(0);
    plan.fds = {{0, 0}, {pipe.second.get(), 1}, {2, 2}};
    Result<LimitedChild> child = spawn_limited(plan, limits);
    REQUIRE(child);
    pipe.second.reset();
    Outcome out;
    for (std::string more = take(pipe.first, 4096); !more.empty();
         more = take(pipe.first, 4096)) {
        out.output += more;
    }
    int status = 0;
    CHECK(::waitpid(child->pid, &status, 0) == child->pid);
    out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    out.report = read_report(child->report);
    return out;
}

SpawnPlan shell(const std::string& script) {
    SpawnPlan plan;
    plan.path = "/bin/sh";
    plan.argv = {"sh", "-c", script, "zero", "a b", ""};
    plan.env = {"PATH=/usr/bin:/bin", "A=1\n2"};
    return plan;
}

ChildLimits files(uint64_t count) {
    ChildLimits limits;
    limits.files = count;
    return limits;
}

}  // namespace

TEST_CASE("a limited child is what its plan says and nothing of ours") {
    REQUIRE(kSet);
    SpawnPlan plan = shell(
        "printf '%s|' \"$@\" \"$A\"; pwd; env | grep -c .; "
        "ls /proc/$$/fd; ulimit -n; tr '\\0' ' ' </proc/$$/cmdline");
    plan.cwd = "/usr";
    const Outcome got = outcome(plan, files(77));
    CHECK(got.status == 0);
    CHECK(got.report.empty());
    CHECK(starts_with(got.output, "a b||1\n2|/usr\n"));
    CHECK(got.output.find("0\n1\n2\n77\nsh -c") != std::string::npos);
}

TEST_CASE("each limit is set in the child, before it starts") {
    ChildLimits limits = files(64);
    limits.memory = 64 * 1024 * 1024;
    limits.processes = 33;
    const Outcome got =
        outcome(shell("ulimit -n; ulimit -d; cat /proc/self/limits"), limits);
    CHECK(starts_with(got.output, "64\n65536\n"));
    CHECK(got.output.find("Max processes             33                   33 ") !=
          std::string::npos);
}

TEST_CASE("the family goes through the trampoline") {
    SpawnPlan plan = shell("cat /proc/self/limits");
    plan.family = next_family_mark();
    CHECK(outcome(plan, files(64)).output.find(std::to_string(plan.family)) !=
          std::string::npos);
}

TEST_CASE("a child enters its cgroup before it starts, as whoever we are") {
    Scratch scratch;
    const std::string procs = scratch.path("cgroup.procs");
    REQUIRE(write_file_atomically(procs, "", 0600));
    ChildLimits limits;
    limits.cgroup = procs.substr(0, procs.rfind('/'));
    SpawnPlan plan = shell("echo $$; echo reached");
    const Outcome got = outcome(plan, limits);
    const Result<std::string> pid = read_file(procs, 100);
    REQUIRE(pid);
    CHECK(got.output == *pid + "\nreached\n");
    limits.cgroup = "/nonexistent";
    const Outcome lost = outcome(plan, limits);
    CHECK(lost.report == "enter /nonexistent: No such file or directory");
    CHECK(lost.output.empty());
}

TEST_CASE("a child runs as the user it is to run as, without our groups") {
    if (::geteuid() != 0) {
        return;  // only root may change
    }
    const passwd* nobody = ::getpwnam("nobody");
    REQUIRE((nobody != nullptr));
    const std::string id = std::to_string(nobody->pw_uid);
    const std::string group = std::to_string(nobody->pw_gid);
    ChildLimits limits;
    limits.user = "nobody";
    const Outcome got = outcome(shell("id -u; id -ru; id -g; id -G"), limits);
    CHECK(got.report.empty());
    CHECK(got.output == id + "\n" + id + "\n" + group + "\n" + group + "\n");
}

TEST_CASE("a start that fails says at which step and why") {
    struct Row {
        const char* path;
        const char* cwd;
        ChildLimits limits;
        const char* report;
    };
    ChildLimits stranger = files(64);
    stranger.user = "no such user";
    ChildLimits many = files(uint64_t{1} << 40);  // more than the system allows anybody
    for (const Row& row : {
             Row{"/nonexistent", "", files(64),
                 "start /nonexistent: No such file or directory"},
             Row{"/bin/sh", "/nonexistent", files(64),
                 "change directory to /nonexistent: No such file or directory"},
             Row{"/bin/sh", "", stranger,
                 "find user no such user: No such file or directory"},
             Row{"/bin/sh", "", many, "set limit_files: Operation not permitted"},
         }) {
        SpawnPlan plan = shell("echo reached");
        plan.path = row.path;
        plan.cwd = row.cwd;
        const Outcome got = outcome(plan, row.limits);
        CHECK(got.report == row.report);
        CHECK(got.output.empty());
        CHECK(got.status == 127);
    }
}

TEST_CASE("a variable of the child's is no variable of the trampoline's") {
    SpawnPlan plan = shell("echo $LD_PRELOAD");
    plan.env.push_back("LD_PRELOAD=/nonexistent.so");
    FdPair pipe = make_pipe(0);
    // The loader's complaint comes from the shell and from nobody before it.
    plan.argv[2] = "exit 0";
    plan.fds = {{0, 0}, {1, 1}, {pipe.second.get(), 2}};
    Result<LimitedChild> child = spawn_limited(plan, files(64));
    REQUIRE(child);
    pipe.second.reset();
    CHECK(::waitpid(child->pid, nullptr, 0) == child->pid);
    const std::string complaint = take(pipe.first);
    CHECK(complaint.find("LD_PRELOAD") != std::string::npos);
    CHECK(complaint.find("LD_PRELOAD", complaint.find("LD_PRELOAD") + 10) ==
          std::string::npos);
}
