// The string between keeper and reactor. Its cutting is as important as its messages.

#include "neurond/daemon/keeper_link.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace neuron {

KeeperLink::KeeperLink(EventLoop& loop, Fd socket, KeeperLinkOwner& owner)
    : owner_(owner), socket_(std::move(socket)), watch_(loop, socket_.get(), *this) {
    watch_.set(EPOLLIN);
}

void KeeperLink::tell(ReactorNews news) {
    const char byte = static_cast<char>(news);
    // A keeper that has gone is noticed by reading; one that does not read is not.
    (void)!::send(socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void KeeperLink::on_ready(uint32_t) {
    char byte = 0;
    const ssize_t n = ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
    if (n == 1) {
        owner_.on_news(static_cast<ReactorNews>(byte));
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        watch_.set(0);
        owner_.on_other_end_gone();
    }
}

}  // namespace neuron
