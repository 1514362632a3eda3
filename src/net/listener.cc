// Accepting connections without ever taking one that cannot be served.

#include "neurond/net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <cstring>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"

namespace neuron {

namespace {

constexpr Millis kNoDescriptorsPause{1000};
constexpr Millis kFullPause{100};

}  // namespace

Listener::Listener(EventLoop& loop, Fd socket, ListenerOwner& owner)
    : owner_(owner),
      socket_(std::move(socket)),
      address_(Address::local_of(socket_.get())),
      watch_(loop, socket_.get(), *this),
      retry_(loop, [this] { watch_.set(EPOLLIN); }) {
    watch_.set(EPOLLIN);
}

void Listener::resume() {
    retry_.cancel();
    watch_.set(EPOLLIN);
}

void Listener::on_ready(uint32_t) {
    for (int i = 0; i < kAcceptBudget; ++i) {
        if (!accept_one()) {
            return;
        }
    }
}

bool Listener::accept_one() {
    if (!owner_.may_accept(*this)) {
        pause(kFullPause);
        return false;
    }
    Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
        if (!address_.is_unix()) {
            const int on = 1;
            ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        owner_.on_accept(*this, std::move(socket));
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log_warn("net", "accept on %s: %s; pausing for a second",
                 address_.to_string().c_str(), std::strerror(errno));
        pause(kNoDescriptorsPause);
        return false;
    }
    return errno == ECONNABORTED ||
           errno == EINTR;  // that one has gone; the next may not
}

void Listener::pause(Millis delay) {
    watch_.set(0);
    retry_.arm(delay);
}

}  // namespace neuron
