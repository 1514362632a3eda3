// Strings of JSON text that has been found valid, decoded piece by piece: a stretch without
// escapes is a piece as it stands, an escape is a piece of up to four bytes. Comparing and
// hashing work on the pieces and allocate nothing; for them a lone surrogate is the three
// bytes that UTF-8 would use if it had any, so that two different ones stay different.
#include "neurond/wire/json_string.h"

#include <algorithm>

namespace neuron {

namespace {

constexpr uint32_t kReplacement = 0xfffd;

std::string_view without_quotes(std::string_view quoted) noexcept {
    return quoted.size() < 2 ? std::string_view() : quoted.substr(1, quoted.size() - 2);
}

uint32_t hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return static_cast<uint32_t>(c - '0');
    }
    return static_cast<uint32_t>((c | 0x20) - 'a') + 10;
}

bool is_high_surrogate(uint32_t code) noexcept {
    return code >= 0xd800 && code <= 0xdbff;
}

bool is_low_surrogate(uint32_t code) noexcept {
    return code >= 0xdc00 && code <= 0xdfff;
}

size_t encode_utf8(uint32_t code, char* out) noexcept {
    const auto tail = [](uint32_t bits) {
        return static_cast<char>(0x80 | (bits & 0x3f));
    };
    if (code < 0x80) {
        out[0] = static_cast<char>(code);
        return 1;
    }
    if (code < 0x800) {
        out[0] = static_cast<char>(0xc0 | (code >> 6));
        out[1] = tail(code);
        return 2;
    }
    if (code < 0x10000) {
        out[0] = static_cast<char>(0xe0 | (code >> 12));
        out[1] = tail(code >> 6);
        out[2] = tail(code);
        return 3;
    }
    out[0] = static_cast<char>(0xf0 | (code >> 18));
    out[1] = tail(code >> 12);
    out[2] = tail(code >> 6);
    out[3] = tail(code);
    return 4;
}

enum class Lone { kReplace, kKeep };

class Pieces {
  public:
    Pieces(std::string_view quoted, Lone lone) noexcept
        : rest_(without_quotes(quoted)), lone_(lone) {}

    /// The next piece; empty at the end.
    std::string_view next() noexcept {
        const size_t run = std::min(rest_.find('\\'), rest_.size());
        if (run > 0) {
            const std::string_view piece = rest_.substr(0, run);
            rest_.remove_prefix(run);
            return piece;
        }
        return rest_.size() < 2 ? std::string_view() : escape();
    }

  private:
    std::string_view escape() noexcept {
        const char kind = rest_[1];
        if (kind == 'u') {
            return {bytes_, encode_utf8(code_point(), bytes_)};
        }
        rest_.remove_prefix(2);
        bytes_[0] = plain(kind);
        return {bytes_, 1};
    }

    static char plain(char kind) noexcept {
        switch (kind) {
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            default:
                return kind;  // the quote, the backslash and the slash
        }
    }

    uint32_t code_point() noexcept {
        const uint32_t first = unit();
        if (is_high_surrogate(first) && rest_.substr(0, 2) == "\\u") {
            const std::string_view before = rest_;
            const uint32_t second = unit();
            if (is_low_surrogate(second)) {
                return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            }
            rest_ = before;
        }
        const bool lone = is_high_surrogate(first) || is_low_surrogate(first);
        return lone && lone_ == Lone::kReplace ? kReplacement : first;
    }

    uint32_t unit() noexcept {
        const std::string_view digits = rest_.substr(2, 4);
        rest_.remove_prefix(2 + digits.size());
        uint32_t code = 0;
        for (const char c : digits) {
            code = (code << 4 | hex_digit(c)) & 0xffff;
        }
        return code;
    }

    std::string_view rest_;
    Lone lone_;
    char bytes_[4] = {};
};

std::string decode(std::string_view quoted, Lone lone) {
    std::string text;
    text.reserve(quoted.size());
    Pieces pieces(quoted, lone);
    for (std::string_view piece = pieces.next(); !piece.empty();
         piece = pieces.next()) {
        text.append(piece);
    }
    return text;
}

}  // namespace

std::string json_unquote(std::string_view quoted) {
    return decode(quoted, Lone::kReplace);
}

bool json_string_is(std::string_view quoted, std::string_view plain) noexcept {
    Pieces pieces(quoted, Lone::kKeep);
    for (std::string_view piece = pieces.next(); !piece.empty();
         piece = pieces.next()) {
        if (plain.substr(0, piece.size()) != piece) {
            return false;
        }
        plain.remove_prefix(piece.size());
    }
    return plain.empty();
}

bool json_strings_equal(std::string_view quoted, std::string_view other) noexcept {
    if (other.find('\\') == std::string_view::npos) {
        return json_string_is(quoted, without_quotes(other));
    }
    return json_string_is(quoted, decode(other, Lone::kKeep));
}

uint32_t json_string_hash(std::string_view quoted) noexcept {
    uint32_t hash =
        2166136261U;  // FNV-1a: equal texts give equal hashes, no more is asked
    Pieces pieces(quoted, Lone::kKeep);
    for (std::string_view piece = pieces.next(); !piece.empty();
         piece = pieces.next()) {
        for (const char c : piece) {
            hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
        }
    }
    return hash;
}

}  // namespace neuron
