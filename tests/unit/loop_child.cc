#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loop_world.h"
#include "neurond/base/text.h"
#include "neurond/loop/child.h"

using namespace neuron;

namespace {

/// Keeps what it is told.
struct Parent final : ChildOwner {
    void on_exit(pid_t pid, ExitStatus status) override {
        CHECK(ended.count(pid) == 0);
        ended[pid] = status.to_string();
    }
    std::map<pid_t, std::string> ended;
};

SpawnPlan shell(const std::string& script) {
    SpawnPlan plan;
    plan.path = "/bin/sh";
    plan.argv = {"sh", "-c", script};
    plan.env = {"PATH=/usr/bin:/bin"};
    return plan;
}

pid_t must_spawn(const SpawnPlan& plan) {
    const Result<pid_t> pid = spawn(plan);
    REQUIRE(pid);
    return *pid;
}

/// A program and a pipe from its stdout. Its stdin is empty.
struct Started {
    explicit Started(SpawnPlan plan) {
        FdPair pipe = make_pipe(0);
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        plan.fds.insert(plan.fds.begin(),
                        {{null.get(), 0}, {pipe.second.get(), 1}, {2, 2}});
        pid = must_spawn(plan);
        output = std::move(pipe.first);
    }
    Started(const Started&) = delete;
    Started& operator=(const Started&) = delete;
    /// Nobody of a test that has failed is left for the next.
    ~Started() {
        siginfo_t info{};
        if (::waitid(P_PID, static_cast<id_t>(pid), &info,
                     WEXITED | WNOHANG | WNOWAIT) == 0) {
            ::kill(-pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }
    /// Everything until all who could write have ended.
    std::string all() const {
        std::string text;
        for (std::string more = next(4096); !more.empty(); more = next(4096)) {
            text += more;
        }
        return text;
    }
    std::string line() const {
        std::string text;
        std::string more;
        do {
            more = next(1);
            text += more;
        } while (!more.empty() && more != "\n");
        return text;
    }
    /// Nothing when nothing came in all the time that a test gets: a failed check goes on,
    /// and a read would wait for as long as the child lives.
    std::string next(size_t max) const {
        pollfd wait{output.get(), POLLIN, 0};
        const bool ready = ::poll(&wait, 1, kGiveUpMillis) == 1;
        CHECK(ready);
        return ready ? take(output, max) : std::string();
    }
    pid_t pid;
    Fd output;
};

/// What a program prints before it ends.
std::string output_of(const SpawnPlan& plan) {
    const Started program(plan);
    std::string text = program.all();
    CHECK(::waitpid(program.pid, nullptr, 0) == program.pid);
    return text;
}

/// The numbers below 256 of the descriptors that a child of `plan` has.
std::string descriptors(SpawnPlan plan) {
    plan.argv.back() =
        "n=0; while [ $n -lt 256 ]; do "
        "if [ -L /proc/$$/fd/$n ]; then printf '%s ' $n; fi; n=$((n+1)); done";
    return output_of(plan);
}

bool has_children() {
    return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

TEST_CASE("an exit status says how a process ended") {
    struct Row {
        ExitStatus status;
        const char* text;
        bool clean;
    };
    for (const Row& row : {
             Row{{0, 0}, "exited with status 0", true},
             Row{{3, 0}, "exited with status 3", false},
             Row{{255, 0}, "exited with status 255", false},
             Row{{0, SIGKILL}, "killed by SIGKILL", false},
             Row{{0, SIGSEGV}, "killed by SIGSEGV", false},
             Row{{0, 40}, "killed by 40", false},  // a real-time signal has no name
         }) {
        CHECK(row.status.to_string() == row.text);
        CHECK(row.status.clean() == row.clean);
    }
}

TEST_CASE("each end of a child is told once, with its status") {
    World world;
    Parent parent;
    struct Row {
        const char* script;
        const char* status;
    };
    std::map<pid_t, std::string> expected;
    for (const Row& row : {
             Row{"exit 0", "exited with status 0"},
             Row{"exit 17", "exited with status 17"},
             Row{"kill -TERM $$", "killed by SIGTERM"},
             Row{"kill -KILL $$", "killed by SIGKILL"},
         }) {
        const pid_t pid = must_spawn(shell(row.script));
        world.children.watch(pid, parent);
        expected[pid] = row.status;
    }
    CHECK(world.children.size() == expected.size());
    CHECK(world.until([&] { return parent.ended.size() == expected.size(); }));
    CHECK(parent.ended == expected);
    CHECK(world.children.size() == 0);
    CHECK_FALSE(has_children());
}

TEST_CASE("a child has no signal blocked or ignored, whatever we do with ours") {
    const DaemonSignals blocked;
    SpawnPlan plan;
    plan.path = "/bin/cat";
    plan.argv = {"cat", "/proc/self/status"};
    const uint64_t libc_own = uint64_t{3} << 31;  // 32 and 33, which nobody can send
    int seen = 0;
    const std::string status = output_of(plan);
    for (const std::string_view line : split(status, '\n')) {
        if (starts_with(line, "SigBlk:") || starts_with(line, "SigIgn:")) {
            const std::string hex(line.substr(8));
            CHECK((std::stoull(hex, nullptr, 16) & ~libc_own) == 0);
            ++seen;
        }
    }
    CHECK(seen == 2);
}

TEST_CASE("a child leads a session and a process group of its own") {
    SpawnPlan plan;
    plan.path = "/bin/cat";
    plan.argv = {"cat", "/proc/self/stat"};
    const std::string text = output_of(plan);
    const std::vector<std::string_view> fields = split(text, ' ');
    REQUIRE(fields.size() > 6);
    CHECK(fields[4] == fields[0]);  // the group
    CHECK(fields[5] == fields[0]);  // the session
    CHECK(fields[3] == std::to_string(::getpid()));
}

TEST_CASE("a child has the environment, arguments and directory of its plan only") {
    SpawnPlan plan;
    plan.path = "/usr/bin/env";
    plan.argv = {"env"};
    CHECK(output_of(plan).empty());
    plan.env = {"A=1", "EMPTY=", "B=two words\nand a line"};
    CHECK(output_of(plan) == "A=1\nEMPTY=\nB=two words\nand a line\n");
    plan = shell("printf '%s|' \"$0\" \"$@\"; pwd -P");
    plan.argv.insert(plan.argv.end(), {"zero", "a b", "$HOME", ""});
    plan.cwd = "/usr";
    CHECK(output_of(plan) == "zero|a b|$HOME||/usr\n");
}

TEST_CASE("a child has the descriptors of its plan and no other") {
    const FdPair pipe = make_pipe();
    // Somebody started us with these open; nothing says close-on-exec.
    const Fd low(::fcntl(pipe.first.get(), F_DUPFD, 3));
    const Fd high(::fcntl(pipe.first.get(), F_DUPFD, 200));
    REQUIRE(low);
    REQUIRE(high);
    SpawnPlan plan = shell("");
    CHECK(descriptors(plan) == "0 1 2 ");
    plan.fds = {{pipe.first.get(), 5}, {high.get(), 9}};
    CHECK(descriptors(plan) == "0 1 2 5 9 ");
    plan.fds = {{high.get(), high.get()}};  // kept under its own number
    CHECK(descriptors(plan) == "0 1 2 200 ");
}

TEST_CASE("descriptors may change places on their way into a child") {
    const FdPair pipes[2] = {make_pipe(0), make_pipe(0)};
    const int a = pipes[0].first.get();
    const int b = pipes[1].first.get();
    // Each other's numbers, and those where copies of them may come to lie.
    std::vector<std::pair<int, int>> targets = {{b, a}};
    for (int n = b + 1; n < b + 16; ++n) {
        targets.emplace_back(n + 1, n);
    }
    for (const auto& [to, other] : targets) {
        put(pipes[0].second, "from a\n");
        put(pipes[1].second, "from b\n");
        SpawnPlan plan = shell("");
        plan.argv = {"sh", "-c",
                     "read x </proc/self/fd/$0; read y </proc/self/fd/$1; "
                     "echo $x, $y",
                     std::to_string(to), std::to_string(other)};
        plan.fds = {{a, to}, {b, other}};
        CHECK(output_of(plan) == "from a, from b\n");
    }
}

TEST_CASE("a program that cannot be started is an error, and leaves no child") {
    struct Row {
        SpawnPlan plan;
        const char* error;
    };
    SpawnPlan nowhere = shell("exit 0");
    nowhere.cwd = "/nonexistent/directory";
    SpawnPlan in_file = shell("exit 0");
    in_file.cwd = "/bin/sh";
    SpawnPlan closed = shell("exit 0");
    closed.fds = {{-1, 0}};
    for (const Row& row : {
             Row{{"/nonexistent/program", {"x"}, {}, {}, {}},
                 "start /nonexistent/program: No such file or directory"},
             Row{{"/etc/passwd", {"x"}, {}, {}, {}},
                 "start /etc/passwd: Permission denied"},
             Row{{"/", {"x"}, {}, {}, {}}, "start /: Permission denied"},
             Row{nowhere,
                 "change directory to /nonexistent/directory: "
                 "No such file or directory"},
             Row{in_file, "change directory to /bin/sh: Not a directory"},
             Row{closed, "pass descriptors to /bin/sh: Bad file descriptor"},
         }) {
        const Result<pid_t> pid = spawn(row.plan);
        REQUIRE_FALSE(pid);
        CHECK(pid.error().message == row.error);
    }
    CHECK_FALSE(has_children());
}

TEST_CASE("what is left of a child's group dies with it") {
    World world;
    Parent parent;
    const Started leader(shell("sleep 1000 & sleep 1000 & echo up; exit 4"));
    world.children.watch(leader.pid, parent);
    CHECK(leader.line() == "up\n");
    CHECK(world.until([&] { return parent.ended.size() == 1; }));
    CHECK(parent.ended[leader.pid] == "exited with status 4");
    CHECK(leader.all().empty());  // an end of file: nobody has the pipe any more
}

TEST_CASE("a watched child's group can be signalled, nobody else's") {
    World world;
    Parent parent;
    const Started leader(
        shell("sleep 1000 & trap '' TERM; echo up; wait; echo told; exit 0"));
    CHECK(leader.line() == "up\n");
    world.children.kill_group(leader.pid, SIGKILL);  // not watched: nothing happens
    world.children.watch(leader.pid, parent);
    world.children.kill_group(leader.pid, SIGTERM);
    CHECK(world.until([&] { return parent.ended.size() == 1; }));
    CHECK(parent.ended[leader.pid] == "exited with status 0");
    CHECK(leader.all() == "told\n");
    world.children.kill_group(leader.pid, SIGKILL);  // reaped: nothing happens
}

TEST_CASE("unknown and forgotten children are reaped, and nobody is told") {
    World world;
    Parent parent;
    must_spawn(shell("exit 1"));  // unknown
    const pid_t forgotten = must_spawn(shell("exit 2"));
    world.children.watch(forgotten, parent);
    world.children.forget(forgotten);
    CHECK(world.until([] { return !has_children(); }));
    CHECK(parent.ended.empty());
    CHECK(world.children.size() == 0);
}

TEST_CASE("an owner may start and watch the next child from within") {
    World world;
    struct Restarter final : ChildOwner {
        explicit Restarter(World& w) : world(w) { start(); }
        void start() { world.children.watch(must_spawn(shell("exit 0")), *this); }
        void on_exit(pid_t, ExitStatus) override {
            if (++ends < 3) {
                start();
            }
        }
        World& world;
        int ends = 0;
    } restarter(world);
    CHECK(world.until([&] { return restarter.ends == 3; }));
    CHECK(world.children.size() == 0);
}

TEST_CASE("no descendant survives, in whatever session it hides") {
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    const Started family(shell(
        "setsid sh -c 'setsid sleep 1000 & setsid sleep 1000 & echo up; sleep 1000' &"
        "trap '' TERM INT HUP; sleep 1000 & wait"));
    CHECK(family.line() == "up\n");
    kill_descendants(0, 10000);
    CHECK(family.all().empty());  // an end of file
    CHECK_FALSE(has_children());
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

TEST_CASE("orphans of a dead child are found as a subreaper") {
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    const Started family(shell("setsid sh -c 'echo up; exec sleep 1000' & exit 0"));
    CHECK(family.line() == "up\n");
    REQUIRE(::waitpid(family.pid, nullptr, 0) == family.pid);
    kill_descendants(0, 10000);
    CHECK(family.all().empty());
    CHECK_FALSE(has_children());
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

TEST_CASE("what hides from a child's session ends with the child, not with another") {
    World world;
    Parent parent;
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    // An intermediate process ends at once, a clean environment, sessions of their own.
    const std::string hide =
        "env -i setsid sh -c 'setsid sh -c \"echo up; exec sleep 1000\" & exit 0'; ";
    SpawnPlan plan = shell(hide + "exec sleep 1000");
    plan.family = next_family_mark();
    const Started one(plan);
    world.children.watch(one.pid, parent, plan.family);
    plan.family = next_family_mark();
    const Started other(plan);
    world.children.watch(other.pid, parent, plan.family);
    CHECK(one.line() == "up\n");
    CHECK(other.line() == "up\n");
    world.children.kill_group(one.pid, SIGTERM);
    CHECK(world.until([&] { return parent.ended.size() == 1; }));
    CHECK(world.until([&] {
        pollfd wait{one.output.get(), POLLIN, 0};
        return ::poll(&wait, 1, 0) == 1 && (wait.revents & POLLHUP) != 0;
    }));
    pollfd wait{other.output.get(), POLLIN, 0};
    CHECK(::poll(&wait, 1, 0) == 0);  // all of it lives
    CHECK(parent.ended.count(other.pid) == 0);
    world.children.kill_group(other.pid, SIGTERM);
    CHECK(world.until([&] { return !has_children(); }));
    CHECK(other.all().empty());
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

TEST_CASE("a family mark is of one start only, and is not ours") {
    const FamilyMark mark = next_family_mark();
    CHECK(mark != 0);
    CHECK(next_family_mark() != mark);
    {
        const LentLimit marked(RLIMIT_RTTIME, mark);
        CHECK(family_mark_of(::getpid()) == mark);
        const LentLimit nothing(RLIMIT_RTTIME, 0);
        CHECK(family_mark_of(::getpid()) == mark);
    }
    CHECK(family_mark_of(::getpid()) == 0);
    CHECK(family_mark_of(0x7fffffff) == 0);
}

TEST_CASE("one direct child may be spared") {
    const Started spared(shell("echo up; exec sleep 1000"));
    const Started other(shell("echo up; exec sleep 1000"));
    CHECK(spared.line() == "up\n");
    CHECK(other.line() == "up\n");
    kill_descendants(spared.pid, 10000);
    CHECK(other.all().empty());
    CHECK(::waitpid(spared.pid, nullptr, WNOHANG) == 0);  // runs
    kill_descendants(0, 10000);
    CHECK_FALSE(has_children());
}
