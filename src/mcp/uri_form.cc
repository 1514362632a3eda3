// Spellings of one URI. Servers parse URIs before they look at them, each in its own way;
// a rule about a URI must not depend on how a client spells it.

#include "neurond/mcp/uri_form.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "neurond/base/encode.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr int kMaxDecodings = 4;  ///< more layers than any server takes off

/// A % without two digits stays.
std::string decode(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::optional<std::string> byte =
            text[0] == '%' ? percent_decode(text.substr(0, 3)) : std::nullopt;
        out += byte ? (*byte)[0] : text[0];
        text.remove_prefix(byte ? 3 : 1);
    }
    return out;
}

/// Behind "scheme:", and behind "//host" where there is one: where the path begins.
size_t path_of(std::string_view uri) {
    const size_t colon = uri.find(':');
    if (colon == std::string_view::npos) {
        return 0;
    }
    if (uri.substr(colon + 1, 2) != "//") {
        return colon + 1;
    }
    return std::min(uri.find_first_of("/?", colon + 3), uri.size());
}

/// RFC 3986, 5.2.4; empty segments stay.
std::string resolve_dots(std::string_view path) {
    std::vector<std::string_view> kept;
    const std::vector<std::string_view> segments = split(path, '/');
    for (size_t i = 0; i < segments.size(); ++i) {
        const bool last = i + 1 == segments.size();
        const bool up = segments[i] == "..";
        const bool at_root = kept.size() == 1 && kept[0].empty();
        if (up && !kept.empty() && !at_root) {
            kept.pop_back();
        }
        if (!up && segments[i] != ".") {
            kept.push_back(segments[i]);
        } else if (last) {
            kept.emplace_back();
        }
    }
    std::string out;
    for (size_t i = 0; i < kept.size(); ++i) {
        out.append(i == 0 ? "" : "/").append(kept[i]);
    }
    return out;
}

bool is_odd(char c) noexcept {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '%' || c == '\\' ||
           c == '#';
}

}  // namespace

bool has_other_form(std::string_view uri) noexcept {
    const std::string_view front = uri.substr(0, path_of(uri));
    const std::string_view path = uri.substr(front.size());
    return std::any_of(uri.begin(), uri.end(), is_odd) ||
           std::any_of(front.begin(), front.end(),
                       [](char c) { return c >= 'A' && c <= 'Z'; }) ||
           starts_with(path, ".") || path.find("/.") != std::string_view::npos;
}

std::string plain_uri(std::string_view uri) {
    std::string text(uri);
    for (int i = 0; i < kMaxDecodings && text.find('%') != std::string::npos; ++i) {
        text = decode(text);
    }
    text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    text.erase(std::min(text.find('#'), text.size()));
    text.erase(std::remove_if(text.begin(), text.end(),
                              [](char c) {
                                  return (c >= '\0' && c < ' ') || c == '\x7f';
                              }),
               text.end());
    while (ends_with(text, " ")) {
        text.pop_back();
    }
    std::replace(text.begin(), text.end(), '\\', '/');
    const size_t path = path_of(text);
    const size_t query = std::min(text.find('?', path), text.size());
    return to_lower(text.substr(0, path)) +
           resolve_dots(std::string_view(text).substr(path, query - path)) +
           text.substr(query);
}

}  // namespace neuron
