// Bytes as text and back. The decoders are strict, because a second spelling of the same
// token or path is a way around whoever compares text.

#include "neurond/base/encode.h"

#include <cstddef>
#include <cstdint>

namespace neuron {

namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kForUrls =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

uint32_t byte_at(std::string_view bytes, size_t i) noexcept {
    return static_cast<unsigned char>(bytes[i]);
}

/// Digits without padding.
std::string encode64(std::string_view bytes, std::string_view alphabet) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t have = bytes.size() - i < 3 ? bytes.size() - i : 3;
        const uint32_t group = byte_at(bytes, i) << 16 |
                               (have > 1 ? byte_at(bytes, i + 1) << 8 : 0) |
                               (have > 2 ? byte_at(bytes, i + 2) : 0);
        for (size_t digit = 0; digit <= have; ++digit) {
            out += alphabet[group >> (18 - 6 * digit) & 63];
        }
    }
    return out;
}

int value64(char c, std::string_view alphabet) noexcept {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == alphabet[62]) {
        return 62;
    }
    return c == alphabet[63] ? 63 : -1;
}

std::optional<std::string> decode64(std::string_view digits,
                                    std::string_view alphabet) {
    if (digits.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string out;
    out.reserve(digits.size() / 4 * 3 + 2);
    uint32_t bits = 0;
    unsigned have = 0;
    for (const char c : digits) {
        const int value = value64(c, alphabet);
        if (value < 0) {
            return std::nullopt;
        }
        bits = bits << 6 | static_cast<uint32_t>(value);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out += static_cast<char>(static_cast<unsigned char>(bits >> have));
            bits &= (1U << have) - 1;
        }
    }
    if (bits != 0) {
        return std::nullopt;  // stray bits: a second spelling of the same bytes
    }
    return out;
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

void append_hex(std::string& out, char c, std::string_view digits) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

}  // namespace

std::string hex_encode(std::string_view bytes) {
    std::string out;
    out.reserve(2 * bytes.size());
    for (const char c : bytes) {
        append_hex(out, c, "0123456789abcdef");
    }
    return out;
}

std::string base64_encode(std::string_view bytes) {
    std::string out = encode64(bytes, kStandard);
    out.append((4 - out.size() % 4) % 4, '=');
    return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    for (int padding = 0; padding < 2 && !text.empty() && text.back() == '=';
         ++padding) {
        text.remove_suffix(1);
    }
    return decode64(text, kStandard);
}

std::string base64url_encode(std::string_view bytes) {
    return encode64(bytes, kForUrls);
}

std::optional<std::string> base64url_decode(std::string_view text) {
    return decode64(text, kForUrls);
}

std::string percent_encode(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            out += '%';
            append_hex(out, c, "0123456789ABCDEF");
        }
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        out += static_cast<char>(static_cast<unsigned char>(high << 4 | low));
        i += 2;
    }
    return out;
}

}  // namespace neuron
