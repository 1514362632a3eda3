// Outgoing TCP connections, without ever waiting for one.

#include "neurond/net/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "neurond/base/text.h"

namespace neuron {

namespace {

Fd open_socket(const Address& address) {
    Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd) {
        const int on = 1;
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        // A peer that vanishes without a word ends a stream that only listens.
        ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        const int idle_seconds = 60;
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds,
                     sizeof idle_seconds);
    }
    return fd;
}

int pending_error(const Fd& socket) {
    int err = 0;
    socklen_t size = sizeof err;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &err, &size) == 0 ? err
                                                                              : errno;
}

}  // namespace

Connector::Connector(EventLoop& loop, ResolverCache& names, ConnectTarget target,
                     Millis timeout, ConnectorOwner& owner)
    : loop_(loop),
      names_(names),
      target_(std::move(target)),
      timeout_(timeout),
      owner_(owner),
      registration_(names.users(), *this),
      attempt_(loop,
               [this] {
                   attempt_failed("connect " + addresses_[next_ - 1].to_string() +
                                  ": no answer in time");
               }),
      deadline_(loop, [this] {
          fail(first_failure_.empty()
                   ? "connect " + target_.host + ": no answer in time"
                   : first_failure_);
      }) {}

void Connector::start() {
    deadline_.arm(timeout_);
    names_.resolve(target_.host, registration_.handle());
}

void Connector::on_resolved(const Result<HostAddresses>& found) {
    if (!deadline_.armed()) {
        return;  // it came too late
    }
    if (!found) {
        fail(found.error().message);
        return;
    }
    std::string refused;
    for (const std::string& ip : *found) {
        Result<Address> address = Address::from_ip(ip, target_.port);
        if (address && target_.loopback_only && !address->is_loopback()) {
            refused = ip;
        } else if (address) {
            addresses_.push_back(std::move(*address));
        }
    }
    if (addresses_.empty()) {
        fail("connect " + target_.host + ": " +
             (refused.empty() ? "it has no usable address"
                              : escape(refused, 64) + " is not a loopback address"));
        return;
    }
    try_next();
}

void Connector::try_next() {
    watch_.reset();
    attempt_.cancel();
    while (next_ < addresses_.size()) {
        const Address& address = addresses_[next_++];
        if (try_one(address)) {
            return;
        }
    }
    fail(first_failure_);
}

/// False when it has failed at once.
bool Connector::try_one(const Address& address) {
    socket_ = open_socket(address);
    if (!socket_) {
        first_failure_ = sys_error("socket for", address.to_string()).message;
        return false;
    }
    if (::connect(socket_.get(), address.get(), address.size()) != 0 &&
        errno != EINPROGRESS) {
        const std::string why = sys_error("connect", address.to_string()).message;
        first_failure_ = first_failure_.empty() ? why : first_failure_;
        return false;
    }
    watch_.emplace(loop_, socket_.get(), static_cast<EventHandler&>(*this));
    watch_->set(EPOLLOUT);
    const auto left = std::chrono::ceil<Millis>(deadline_.deadline() - loop_.now());
    const auto others = static_cast<int64_t>(addresses_.size() - next_);
    attempt_.arm(std::max(Millis{1}, left / (others + 1)));
    return true;
}

void Connector::on_ready(uint32_t) {
    if (const int err = pending_error(socket_); err != 0) {
        attempt_failed(
            sys_error("connect", addresses_[next_ - 1].to_string(), err).message);
        return;
    }
    done();
}

void Connector::attempt_failed(const std::string& why) {
    first_failure_ = first_failure_.empty() ? why : first_failure_;
    try_next();
}

void Connector::done() {
    watch_.reset();
    attempt_.cancel();
    deadline_.cancel();
    owner_.on_connected(std::move(socket_));
}

void Connector::fail(const std::string& why) {
    watch_.reset();
    socket_.reset();
    attempt_.cancel();
    deadline_.cancel();
    names_.forget(target_.host);
    owner_.on_connect_failed(why);
}

}  // namespace neuron
