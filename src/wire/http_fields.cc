// Field lines once they are parsed, and the small grammars that field names and values
// consist of.
#include "neurond/wire/http_fields.h"

#include <algorithm>

#include "neurond/base/text.h"

namespace neuron {

namespace {

bool is_alpha_numeric(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hex(char c) noexcept {
    const char lower = static_cast<char>(c | 0x20);
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
}

bool is_one_of(char c, std::string_view set) noexcept {
    return set.find(c) != std::string_view::npos;
}

/// Calls `use` with the elements of a comma-separated list until it answers true.
template <typename Use>
bool any_element(std::string_view list, Use use) {
    for (;;) {
        const size_t comma = std::min(list.find(','), list.size());
        if (use(trim(list.substr(0, comma)))) {
            return true;
        }
        if (comma == list.size()) {
            return false;
        }
        list.remove_prefix(comma + 1);
    }
}

/// RFC 3986: reg-name or IPv4address; percent-encoding well-formed.
bool is_host_name(std::string_view host) noexcept {
    for (size_t i = 0; i < host.size(); ++i) {
        if (host[i] == '%') {
            if (host.size() - i < 3 || !is_hex(host[i + 1]) || !is_hex(host[i + 2])) {
                return false;
            }
            i += 2;
        } else if (!is_alpha_numeric(host[i]) &&
                   !is_one_of(host[i], "-._~!$&'()*+,;=")) {
            return false;
        }
    }
    return !host.empty();
}

/// What stands between the brackets. Whether it is an address, whoever uses it will see.
bool is_ip_literal(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_hex(c) || c == ':' || c == '.';
    });
}

bool is_port(std::string_view digits) noexcept {
    const std::optional<uint64_t> port = parse_u64(digits);
    return digits.empty() || (port && *port <= 65535);
}

}  // namespace

std::optional<std::string_view> HttpFields::field(
    std::string_view name) const noexcept {
    for (const HttpField& field : fields_) {
        if (equals_ignoring_case(field.name, name)) {
            return field.value;
        }
    }
    return std::nullopt;
}

size_t HttpFields::count(std::string_view name) const noexcept {
    return static_cast<size_t>(
        std::count_if(fields_.begin(), fields_.end(), [name](const HttpField& field) {
            return equals_ignoring_case(field.name, name);
        }));
}

bool HttpFields::has_token(std::string_view name,
                           std::string_view token) const noexcept {
    return std::any_of(fields_.begin(), fields_.end(), [&](const HttpField& field) {
        return equals_ignoring_case(field.name, name) &&
               any_element(field.value, [token](std::string_view element) {
                   return equals_ignoring_case(element, token);
               });
    });
}

bool is_http_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alpha_numeric(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
    });
}

bool is_field_value(std::string_view text) noexcept {
    const bool clean = std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return c == '\t' || (byte >= 0x20 && byte != 0x7f);
    });
    return clean && trim(text).size() == text.size();
}

bool is_host_and_port(std::string_view text) noexcept {
    if (!text.empty() && text[0] == '[') {
        const size_t end = text.find(']');
        if (end == std::string_view::npos || !is_ip_literal(text.substr(1, end - 1))) {
            return false;
        }
        const std::string_view rest = text.substr(end + 1);
        return rest.empty() || (rest[0] == ':' && is_port(rest.substr(1)));
    }
    const size_t colon = std::min(text.find(':'), text.size());
    return is_host_name(text.substr(0, colon)) &&
           (colon == text.size() || is_port(text.substr(colon + 1)));
}

bool keeps_alive(int minor_version, const HttpFields& fields) noexcept {
    if (fields.has_token("connection", "close")) {
        return false;
    }
    return minor_version >= 1 || fields.has_token("connection", "keep-alive");
}

}  // namespace neuron
