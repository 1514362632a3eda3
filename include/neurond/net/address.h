#ifndef NEUROND_NET_ADDRESS_H
#define NEUROND_NET_ADDRESS_H

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"

namespace neuron {

/// A numeric socket address: IPv4, IPv6 or a Unix path. Names are the resolver's affair.
class Address {
  public:
    Address() = default;

    /// "127.0.0.1:9000", "[::1]:8443", "unix:/run/x.sock".
    static Result<Address> parse(std::string_view text);
    /// A numeric IPv4 or IPv6 address without brackets, and a port.
    static Result<Address> from_ip(std::string_view ip, uint16_t port);
    static Result<Address> from_unix_path(std::string_view path);
    /// What the kernel says a socket is bound to, or its peer.
    static Address local_of(int fd) noexcept;
    static Address peer_of(int fd) noexcept;

    bool is_unix() const noexcept { return family() == AF_UNIX; }
    bool is_loopback() const noexcept;
    uint16_t port() const noexcept;
    int family() const noexcept { return storage_.ss_family; }
    const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage_);
    }
    socklen_t size() const noexcept { return size_; }
    /// As parse() takes it.
    std::string to_string() const;

  private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

/// A non-blocking listening TCP socket. `beside`: sockets of ours whose port it may have,
/// because they are about to be closed: 127.0.0.1 and 0.0.0.0 are in each other's way.
Result<Fd> listen_tcp(const Address& address, const std::vector<int>& beside = {});

/// A non-blocking listening Unix socket with mode `mode` and, unless empty, that group and
/// owner. A socket file nobody listens on is replaced; a live one is an error ("… in use
/// by another process").
Result<Fd> listen_unix(const Address& address, mode_t mode,
                       std::optional<gid_t> group = {}, std::optional<uid_t> owner = {});

}  // namespace neuron

#endif
