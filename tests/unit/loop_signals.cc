#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "loop_world.h"
#include "neurond/loop/signals.h"

using namespace neuron;

namespace {

/// Writes down what it is told.
struct Sink final : SignalSink {
    void on_terminate() override { told += "terminate "; }
    void on_reload() override { told += "reload "; }
    void on_reopen() override { told += "reopen "; }
    void on_child() override { told += "child "; }
    std::string told;
};

}  // namespace

TEST_CASE("signals become words of the daemon, told from the loop") {
    const DaemonSignals blocked;
    EventLoop loop;
    Sink sink;
    const Signals signals(loop, sink);
    struct Row {
        int signal;
        const char* told;
    };
    for (const Row& row : {
             Row{SIGTERM, "terminate "}, Row{SIGINT, "terminate "},
             Row{SIGHUP, "reload "}, Row{SIGUSR1, "reopen "}, Row{SIGCHLD, "child "},
             Row{SIGUSR2, ""},  // the keeper's
         }) {
        sink.told.clear();
        REQUIRE(::kill(::getpid(), row.signal) == 0);
        CHECK(sink.told.empty());  // not in signal context
        loop.turn(Millis{1000});
        CHECK(sink.told == row.told);
    }
}

TEST_CASE("signals of one turn are all told, each kind once") {
    const DaemonSignals blocked;
    EventLoop loop;
    Sink sink;
    const Signals signals(loop, sink);
    for (const int signal : {SIGHUP, SIGUSR1, SIGHUP, SIGHUP, SIGUSR1}) {
        REQUIRE(::kill(::getpid(), signal) == 0);
    }
    loop.turn(Millis{1000});
    CHECK(sink.told == "reload reopen ");
    loop.turn(Millis{0});
    CHECK(sink.told == "reload reopen ");
}

TEST_CASE("a signal that came before anybody listened is not lost") {
    const DaemonSignals blocked;
    REQUIRE(::kill(::getpid(), SIGTERM) == 0);
    EventLoop loop;
    Sink sink;
    const Signals signals(loop, sink);
    loop.turn(Millis{1000});
    CHECK(sink.told == "terminate ");
}

TEST_CASE("writing to nobody is an error and not a death") {
    const DaemonSignals blocked;
    FdPair pipe = make_pipe();
    pipe.first.reset();
    CHECK(::write(pipe.second.get(), "x", 1) == -1);
    CHECK(errno == EPIPE);
}
