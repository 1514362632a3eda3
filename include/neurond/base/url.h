#ifndef NEUROND_BASE_URL_H
#define NEUROND_BASE_URL_H

#include <cstdint>
#include <string>
#include <string_view>

#include "neurond/base/result.h"

namespace neuron {

/// An absolute http, https, ws or wss URL in its parts.
struct Url {
    std::string scheme;  ///< lower case
    std::string host;    ///< lower case, IPv6 without brackets
    bool ipv6 = false;   ///< the host is an IPv6 address: brackets where it is written
    uint16_t port = 0;   ///< the scheme's own (80, 443) where none is given
    std::string path_and_query;  ///< as it came; "/" when there is none
};

/// Parses by RFC 3986, and stricter, because a URL here is an operator's or a peer's
/// claim about where to connect: no user information, no fragment, no blank, control or
/// non-ASCII byte, no port 0, host by parse_host_port().
Result<Url> parse_url(std::string_view text);

/// `host[:port]` as it stands in a Host field (RFC 9110, 7.2) or in a URL.
struct HostPort {
    std::string host;  ///< lower case, IPv6 without brackets
    bool ipv6 = false;
    uint16_t port = 0;  ///< 0 = none given
};

/// Host: an IPv6 address in brackets (no zone), or labels of letters, digits, `-` and
/// `_` joined by single dots, at most kMaxHostBytes, with one dot more at the end if you
/// like. Port: 1 to 65535.
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace neuron

#endif
