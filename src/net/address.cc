// Socket addresses and listening sockets.

#include "neurond/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr int kBacklog = 1024;
constexpr std::string_view kUnixPrefix = "unix:";

/// Whether nobody listens at this Unix path any more. What cannot be told counts as
/// somebody: a socket that is alive must not be replaced.
bool is_abandoned(const Address& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return probe && ::connect(probe.get(), address.get(), address.size()) != 0 &&
           (errno == ECONNREFUSED || errno == ENOENT);
}

Error not_an_address(std::string_view text) {
    return Error{"parse address " + escape(text) +
                     ": expected IP:PORT, [IPV6]:PORT or unix:/path",
                 0};
}

Status bind_and_listen(int fd, const Address& address) {
    if (::bind(fd, address.get(), address.size()) != 0) {
        return sys_error("bind", address.to_string());
    }
    if (::listen(fd, kBacklog) != 0) {
        return sys_error("listen on", address.to_string());
    }
    return Ok{};
}

/// Lets those connect to a bound socket who may.
Status open_to(const std::string& path, mode_t mode, std::optional<gid_t> group,
               std::optional<uid_t> owner, int fd) {
    const uid_t uid = owner.value_or(static_cast<uid_t>(-1));
    const gid_t gid = group.value_or(static_cast<gid_t>(-1));
    if ((group || owner) && ::lchown(path.c_str(), uid, gid) != 0) {
        return sys_error("change the group of", path);
    }
    if (::chmod(path.c_str(), mode) != 0) {
        return sys_error("chmod", path);
    }
    if (::listen(fd, kBacklog) != 0) {
        return sys_error("listen on", path);
    }
    return Ok{};
}

void share_port(const std::vector<int>& sockets, int on) {
    for (const int each : sockets) {
        ::setsockopt(each, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
}

}  // namespace

Result<Address> Address::from_ip(std::string_view ip, uint16_t port) {
    const std::string text(ip);
    Address out;
    auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage_);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage_);
    const bool whole = text.find('\0') == std::string::npos;  // as inet_pton sees it
    if (whole && ::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        out.size_ = sizeof v4;
        return out;
    }
    if (whole && ::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        out.size_ = sizeof v6;
        return out;
    }
    return Error{"parse address " + escape(ip) + ": not a numeric IP address", 0};
}

Result<Address> Address::from_unix_path(std::string_view path) {
    Address out;
    auto& un = reinterpret_cast<sockaddr_un&>(out.storage_);
    if (path.empty() || path.size() >= sizeof un.sun_path) {
        return Error{"parse address unix:" + escape(path) +
                         ": path empty or longer than " +
                         std::to_string(sizeof un.sun_path - 1) + " bytes",
                     0};
    }
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, path.data(), path.size());
    out.size_ =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return out;
}

Result<Address> Address::parse(std::string_view text) {
    if (starts_with(text, kUnixPrefix)) {
        return from_unix_path(text.substr(kUnixPrefix.size()));
    }
    const size_t colon = text.rfind(':');
    const auto port = colon == std::string_view::npos
                          ? std::nullopt
                          : parse_u64(text.substr(colon + 1));
    if (!port || *port > 65535) {
        return not_an_address(text);
    }
    std::string_view ip = text.substr(0, colon);
    const bool brackets = ip.size() >= 2 && ip.front() == '[' && ip.back() == ']';
    if (brackets) {
        ip = ip.substr(1, ip.size() - 2);
    }
    // Without brackets the last group of an IPv6 address would be taken for the port.
    if (brackets != (ip.find(':') != std::string_view::npos)) {
        return not_an_address(text);
    }
    return from_ip(ip, static_cast<uint16_t>(*port));
}

Address Address::local_of(int fd) noexcept {
    Address out;
    out.size_ = sizeof out.storage_;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&out.storage_), &out.size_) !=
        0) {
        return {};
    }
    return out;
}

Address Address::peer_of(int fd) noexcept {
    Address out;
    out.size_ = sizeof out.storage_;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&out.storage_), &out.size_) !=
        0) {
        return {};
    }
    return out;
}

bool Address::is_loopback() const noexcept {
    if (family() == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage_);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (family() == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage_);
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
    }
    return is_unix();
}

uint16_t Address::port() const noexcept {
    if (family() == AF_INET) {
        return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
    }
    if (family() == AF_INET6) {
        return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
    }
    return 0;
}

std::string Address::to_string() const {
    char text[INET6_ADDRSTRLEN] = "";
    switch (family()) {
        case AF_INET:
            ::inet_ntop(AF_INET,
                        &reinterpret_cast<const sockaddr_in&>(storage_).sin_addr, text,
                        sizeof text);
            return std::string(text) + ":" + std::to_string(port());
        case AF_INET6:
            ::inet_ntop(AF_INET6,
                        &reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr,
                        text, sizeof text);
            return "[" + std::string(text) + "]:" + std::to_string(port());
        case AF_UNIX:
            return std::string(kUnixPrefix) +
                   reinterpret_cast<const sockaddr_un&>(storage_).sun_path;
        default:
            return "unknown";
    }
}

Result<Fd> listen_tcp(const Address& address, const std::vector<int>& beside) {
    Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        return sys_error("socket for", address.to_string());
    }
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.family() == AF_INET6) {
        ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    std::vector<int> together = beside;
    together.push_back(fd.get());
    // Not left on: two daemons of one user on one port would be a mistake.
    if (!beside.empty()) {
        share_port(together, 1);
    }
    const Status bound = bind_and_listen(fd.get(), address);
    share_port(together, 0);
    return bound ? Result<Fd>(std::move(fd)) : bound.error();
}

Result<Fd> listen_unix(const Address& address, mode_t mode,
                       std::optional<gid_t> group, std::optional<uid_t> owner) {
    const std::string path = address.to_string().substr(kUnixPrefix.size());
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) {
        if (!S_ISSOCK(info.st_mode)) {
            return Error{"bind " + address.to_string() + ": exists and is not a socket",
                         0};
        }
        if (!is_abandoned(address)) {
            return Error{"bind " + address.to_string() + ": in use by another process",
                         0};
        }
        ::unlink(path.c_str());
    }
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        return sys_error("socket for", address.to_string());
    }
    // Nobody connects before listen(), so the mode is right before anybody can.
    const mode_t mask = ::umask(0777);
    const bool bound = ::bind(fd.get(), address.get(), address.size()) == 0;
    const Error why = bound ? Error{} : sys_error("bind", address.to_string());
    ::umask(mask);
    if (!bound) {
        return why;
    }
    if (Status opened = open_to(path, mode, group, owner, fd.get()); !opened) {
        ::unlink(path.c_str());
        return opened.error();
    }
    return fd;
}

}  // namespace neuron
