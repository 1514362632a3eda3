// The string between keeper and reactor. Its cutting is as important as its messages.

#include "neurond/daemon/keeper_link.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace neuron {

KeeperLink::KeeperLink(EventLoop& loop, End end, Fd socket, KeeperLinkOwner& owner)
    : end_(end),
      owner_(owner),
      socket_(std::move(socket)),
      watch_(loop, socket_.get(), *this) {
    watch_.set(EPOLLIN);
}

void KeeperLink::tell(ReactorWord word) {
    const char byte = static_cast<char>(word);
    // A keeper that has gone is noticed by reading. Words are few: there is always room.
    (void)!::send(socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

Status KeeperLink::send(const std::vector<std::pair<std::string, int>>& parcel) {
    return send_sockets(socket_.get(), parcel);
}

void KeeperLink::on_ready(uint32_t) {
    end_ == End::kKeeper ? take_word() : take_parcel();
}

void KeeperLink::take_word() {
    char byte = 0;
    const ssize_t n = ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
    if (n == 1) {
        owner_.on_word(static_cast<ReactorWord>(byte));
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        gone();
    }
}

void KeeperLink::take_parcel() {
    Result<std::vector<NamedFd>> parcel = receive_sockets(socket_.get());
    if (parcel && !parcel->empty()) {
        owner_.on_parcel(std::move(*parcel));
    } else if (parcel || (parcel.error().sys != EAGAIN && parcel.error().sys != EINTR)) {
        gone();
    }
}

void KeeperLink::gone() {
    watch_.set(0);
    owner_.on_other_end_gone();
}

Status make_keeper_sockets(Fd& ours, Fd& theirs) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) !=
        0) {
        return sys_error("socketpair");
    }
    ours = Fd(pair[0]);
    theirs = Fd(pair[1]);
    return Ok{};
}

}  // namespace neuron
