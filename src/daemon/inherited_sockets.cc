// Socket activation without libsystemd: three variables, and descriptors from 3 on.

#include "neurond/daemon/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "neurond/base/environment.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr int kFirst = 3;         // SD_LISTEN_FDS_START
constexpr uint64_t kMost = 1024;  // more than any unit has
constexpr const char* kUnnamed = "unknown";

bool is_listening(int fd) {
    int yes = 0;
    socklen_t size = sizeof yes;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}

}  // namespace

InheritedSockets InheritedSockets::from_environment() {
    const auto pid = parse_u64(take_variable("LISTEN_PID"));
    const auto count = parse_u64(take_variable("LISTEN_FDS"));
    const std::string listed = take_variable("LISTEN_FDNAMES");
    InheritedSockets out;
    if (!pid || *pid != static_cast<uint64_t>(::getpid()) || !count || *count > kMost) {
        return out;
    }
    const std::vector<std::string_view> names = split(listed, ':');
    for (size_t i = 0; i < *count; ++i) {
        const int fd = kFirst + static_cast<int>(i);
        std::string name = i < names.size() && !listed.empty() ? std::string(names[i])
                                                               : kUnnamed;
        if (!is_listening(fd)) {
            log_warn("keeper", "inherited descriptor %d (%s): no listening socket", fd,
                     name.c_str());
            continue;
        }
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        out.sockets_.push_back({std::move(name), Fd(fd), fd});
    }
    return out;
}

Fd InheritedSockets::take_named(std::string_view name) {
    for (Socket& socket : sockets_) {
        if (socket.fd && socket.name == name) {
            return std::move(socket.fd);
        }
    }
    return {};
}

Fd InheritedSockets::take_bound(const Address& address) {
    for (Socket& socket : sockets_) {
        if (socket.fd &&
            Address::local_of(socket.fd.get()).to_string() == address.to_string()) {
            return std::move(socket.fd);
        }
    }
    return {};
}

bool InheritedSockets::is_named(int fd, std::string_view name) const {
    return std::any_of(sockets_.begin(), sockets_.end(), [&](const Socket& socket) {
        return socket.number == fd && socket.name == name;
    });
}

bool InheritedSockets::is_one(int fd) const {
    return std::any_of(sockets_.begin(), sockets_.end(),
                       [fd](const Socket& socket) { return socket.number == fd; });
}

void InheritedSockets::give_back(Fd& fd) {
    for (Socket& socket : sockets_) {
        if (fd && !socket.fd && socket.number == fd.get()) {
            socket.fd = std::move(fd);
        }
    }
}

std::vector<std::string> InheritedSockets::left() const {
    std::vector<std::string> out;
    for (const Socket& socket : sockets_) {
        if (socket.fd) {
            out.push_back(socket.name);
        }
    }
    return out;
}

}  // namespace neuron
