// URLs and Host fields, by one strict grammar: where two readers could disagree about
// which host is meant, the text is refused. Messages do not repeat the text, which may
// hold a secret.

#include "neurond/base/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_alnum(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hex(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_name(std::string_view host) noexcept {
    if (ends_with(host, ".")) {
        host.remove_suffix(1);
    }
    if (host.empty() || host.size() > kMaxHostBytes) {
        return false;
    }
    char before = '.';
    for (const char c : host) {
        if (c == '.' ? before == '.' : !is_alnum(c) && c != '-' && c != '_') {
            return false;
        }
        before = c;
    }
    return before != '.';
}

bool is_ipv6(const std::string& host) noexcept {
    in6_addr address;
    return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::optional<uint16_t> parse_port(std::string_view digits) noexcept {
    const std::optional<uint64_t> port = parse_u64(digits);
    if (!port || *port == 0 || *port > 65535 || digits.size() > 5) {
        return std::nullopt;
    }
    return static_cast<uint16_t>(*port);
}

uint16_t default_port(std::string_view scheme) noexcept {
    if (scheme == "http" || scheme == "ws") {
        return 80;
    }
    return scheme == "https" || scheme == "wss" ? 443 : 0;
}

/// RFC 3986 section 3.3 and 3.4: pchar, "/" and "?".
bool is_path_and_query(std::string_view text) noexcept {
    constexpr std::string_view kSigns = "-._~!$&'()*+,;=:@/?";
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) {
                return false;
            }
        } else if (!is_alnum(text[i]) &&
                   kSigns.find(text[i]) == std::string_view::npos) {
            return false;
        }
    }
    return true;
}

Error bad_url(const char* reason) {
    return Error{std::string("parse URL: ") + reason};
}

Error bad_host(const char* reason) {
    return Error{std::string("parse host: ") + reason};
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
    HostPort out;
    std::string_view rest;
    if (starts_with(text, "[")) {
        const size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return bad_host("'[' without ']'");
        }
        out.host = to_lower(text.substr(1, end - 1));
        out.ipv6 = true;
        rest = text.substr(end + 1);
        if (out.host.find('\0') != std::string::npos || !is_ipv6(out.host)) {
            return bad_host("no IPv6 address in the brackets");
        }
    } else {
        const size_t end = std::min(text.find(':'), text.size());
        out.host = to_lower(text.substr(0, end));
        rest = text.substr(end);
        if (!is_name(out.host)) {
            return bad_host("neither a name nor an address");
        }
    }
    if (rest.empty()) {
        return out;
    }
    const std::optional<uint16_t> port = parse_port(rest.substr(1));
    if (rest[0] != ':' || !port) {
        return bad_host("no port from 1 to 65535 behind the host");
    }
    out.port = *port;
    return out;
}

Result<Url> parse_url(std::string_view text) {
    const size_t colon = text.find("://");
    if (colon == std::string_view::npos) {
        return bad_url("no \"://\", expected http, https, ws or wss");
    }
    Url url;
    url.scheme = to_lower(text.substr(0, colon));
    url.port = default_port(url.scheme);
    if (url.port == 0) {
        return bad_url("unknown scheme, expected http, https, ws or wss");
    }
    const std::string_view rest = text.substr(colon + 3);
    const size_t path = std::min(rest.find_first_of("/?#"), rest.size());
    const std::string_view authority = rest.substr(0, path);
    if (authority.find('@') != std::string_view::npos) {
        return bad_url("user information in front of the host is not supported");
    }
    Result<HostPort> host = parse_host_port(authority);
    if (!host) {
        return Error{"parse URL: " + host.error().message};
    }
    url.host = std::move(host->host);
    url.ipv6 = host->ipv6;
    url.port = host->port != 0 ? host->port : url.port;
    url.path_and_query = rest.substr(path);
    if (url.path_and_query.find('#') != std::string::npos) {
        return bad_url("a fragment ('#') means nothing to a server");
    }
    if (!is_path_and_query(url.path_and_query)) {
        return bad_url("path or query holds a character that must be written as %XX");
    }
    if (!starts_with(url.path_and_query, "/")) {
        url.path_and_query.insert(0, 1, '/');
    }
    return url;
}

}  // namespace neuron
