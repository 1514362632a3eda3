// Descriptors from process to process. The names are the payload: one line for each
// descriptor, in their order.

#include "neurond/daemon/socket_parcel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

/// Room for kMaxParcelFds descriptors, aligned as the kernel wants it.
union Control {
    cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * kMaxParcelFds)];
};

/// What came with a message. They are ours from here on, whatever else is wrong.
std::vector<Fd> descriptors(msghdr& message) {
    std::vector<Fd> out;
    for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr;
         at = CMSG_NXTHDR(&message, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(at) + i * sizeof fd, sizeof fd);
            out.emplace_back(fd);
        }
    }
    return out;
}

}  // namespace

Status send_sockets(int link, const std::vector<std::pair<std::string, int>>& sockets) {
    std::string names;
    std::vector<int> fds;
    for (const auto& [name, fd] : sockets) {
        names += name + '\n';
        fds.push_back(fd);
    }
    if (fds.empty() || fds.size() > kMaxParcelFds) {
        return Error{"send sockets: " + std::to_string(fds.size()) + " of them"};
    }
    Control control;
    std::memset(&control, 0, sizeof control);
    iovec payload{names.data(), names.size()};
    msghdr message{};
    message.msg_iov = &payload;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
    if (::sendmsg(link, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        return sys_error("send sockets");
    }
    return Ok{};
}

Result<std::vector<NamedFd>> receive_sockets(int link) {
    std::string names(kMaxParcelNames, '\0');
    Control control;
    iovec payload{names.data(), names.size()};
    msghdr message{};
    message.msg_iov = &payload;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    const ssize_t n = ::recvmsg(link, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) {
        return sys_error("receive sockets");
    }
    std::vector<Fd> fds = descriptors(message);
    names.resize(static_cast<size_t>(n));
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
        static_cast<size_t>(std::count(names.begin(), names.end(), '\n')) !=
            fds.size()) {
        return Error{"receive sockets: names and descriptors do not match"};
    }
    std::vector<NamedFd> out;
    std::string_view rest = names;
    for (Fd& fd : fds) {
        const size_t end = rest.find('\n');
        out.push_back({std::string(rest.substr(0, end)), std::move(fd)});
        rest.remove_prefix(end + 1);
    }
    return out;
}

}  // namespace neuron
