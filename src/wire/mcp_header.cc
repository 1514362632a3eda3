// Text in HTTP field values, for the modern revision's routing headers.

#include "neurond/wire/mcp_header.h"

#include <algorithm>

#include "neurond/base/encode.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr std::string_view kPrefix = "=?base64?";
constexpr std::string_view kSuffix = "?=";

bool is_plain_byte(char c) noexcept { return (c >= ' ' && c <= '~') || c == '\t'; }

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

bool is_encoded(std::string_view text) noexcept {
    return text.size() >= kPrefix.size() + kSuffix.size() &&
           starts_with(text, kPrefix) && ends_with(text, kSuffix);
}

}  // namespace

std::string encode_mcp_header(std::string_view text) {
    const bool plain =
        std::all_of(text.begin(), text.end(), is_plain_byte) && !is_encoded(text) &&
        (text.empty() || (!is_blank(text.front()) && !is_blank(text.back())));
    return plain ? std::string(text)
                 : std::string(kPrefix) + base64_encode(text) + std::string(kSuffix);
}

std::optional<std::string> decode_mcp_header(std::string_view value) {
    if (is_encoded(value)) {
        value.remove_prefix(kPrefix.size());
        value.remove_suffix(kSuffix.size());
        return base64_decode(value);
    }
    if (!std::all_of(value.begin(), value.end(), is_plain_byte)) {
        return std::nullopt;
    }
    return std::string(value);
}

}  // namespace neuron
