// Signals as events: no code runs in signal context, so no flag and no async-signal-safe
// subset are needed anywhere else.

#include "neurond/loop/signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <csignal>
#include <cstdlib>

#include "neurond/base/log.h"

namespace neuron {

namespace {

sigset_t daemon_signals() noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (const int sig : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) {
        sigaddset(&set, sig);
    }
    return set;
}

int open_signalfd() {
    const sigset_t set = daemon_signals();
    const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        log_error("loop", "signalfd: errno %d", errno);
        std::abort();
    }
    return fd;
}

}  // namespace

void ignore_broken_pipes() noexcept {
    ::signal(SIGPIPE, SIG_IGN);
}

void block_signals() noexcept {
    const sigset_t set = daemon_signals();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ignore_broken_pipes();
}

Signals::Signals(EventLoop& loop, SignalSink& sink)
    : sink_(sink), fd_(open_signalfd()), watch_(loop, fd_.get(), *this) {
    watch_.set(EPOLLIN);
}

void Signals::on_ready(uint32_t) {
    signalfd_siginfo info;
    while (::read(fd_.get(), &info, sizeof info) == ssize_t{sizeof info}) {
        switch (static_cast<int>(info.ssi_signo)) {
            case SIGTERM:
            case SIGINT:
                sink_.on_terminate();
                break;
            case SIGHUP:
                sink_.on_reload();
                break;
            case SIGUSR1:
                sink_.on_reopen();
                break;
            case SIGCHLD:
                sink_.on_child();
                break;
            default:  // USR2 belongs to the keeper
                break;
        }
    }
}

}  // namespace neuron
