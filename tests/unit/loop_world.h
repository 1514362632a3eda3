#ifndef NEUROND_TESTS_UNIT_LOOP_WORLD_H
#define NEUROND_TESTS_UNIT_LOOP_WORLD_H

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>
#include <utility>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"
#include "neurond/loop/child.h"
#include "neurond/loop/event_loop.h"
#include "neurond/loop/signals.h"

namespace neuron {

/// Only a test that has failed takes as long, on however busy a machine.
constexpr int kGiveUpMillis = 60 * 1000;

/// Turns the loop until `done()` holds. False after kGiveUpMillis.
template <typename Done>
bool turn_until(EventLoop& loop, Done done) {
    const TimePoint give_up = monotonic_now() + Millis{kGiveUpMillis};
    while (!done() && monotonic_now() < give_up) {
        loop.turn(Millis{1});  // the test may be the peer that is waited for
    }
    return done();
}

/// Returns when the clock is past `when`: what is due together has to be overdue.
inline void spin_past(TimePoint when) {
    while (monotonic_now() <= when) {
    }
}

struct FdPair {
    Fd first;
    Fd second;
};

/// What is written to the second end can be read from the first.
inline FdPair make_pipe(int flags = O_NONBLOCK) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | flags) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

inline FdPair make_socket_pair() {
    int ends[2];
    const int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    REQUIRE(::socketpair(AF_UNIX, kind, 0, ends) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

inline void put(const Fd& fd, std::string_view bytes) {
    REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
}

/// What can be read now.
inline std::string take(const Fd& fd, size_t max = 1024 * 1024) {
    std::string bytes(max, '\0');
    const ssize_t n = ::read(fd.get(), bytes.data(), bytes.size());
    bytes.resize(n < 0 ? 0 : static_cast<size_t>(n));
    return bytes;
}

/// Signals as a daemon process has them, and as they were when the test is over.
class DaemonSignals {
  public:
    DaemonSignals() {
        ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
        ::sigaction(SIGPIPE, nullptr, &pipe_);
        block_signals();
    }
    DaemonSignals(const DaemonSignals&) = delete;
    DaemonSignals& operator=(const DaemonSignals&) = delete;
    ~DaemonSignals() {
        ::sigaction(SIGPIPE, &pipe_, nullptr);
        ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    }

  private:
    sigset_t mask_{};
    struct sigaction pipe_ {};
};

/// A loop whose children are reaped as the daemon's are.
class World final : private SignalSink {
  public:
    World() : signals_(loop, *this) {}

    template <typename Done>
    bool until(Done done) {
        return turn_until(loop, done);
    }

  private:
    DaemonSignals blocked_;

  public:
    EventLoop loop;
    Children children;

  private:
    void on_terminate() override {}
    void on_reload() override {}
    void on_reopen() override {}
    void on_child() override { children.reap(); }

    Signals signals_;
};

}  // namespace neuron

#endif
