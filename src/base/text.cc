// Text without a locale: what is compared, trimmed and split here are keywords of
// protocols and files, which are ASCII in every country.

#include "neurond/base/text.h"

#include <algorithm>
#include <limits>

namespace neuron {

namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

unsigned char byte_at(std::string_view bytes, size_t i) noexcept {
    return static_cast<unsigned char>(bytes[i]);
}

/// Length of the code point that `lead` begins, and what its second byte may be: the
/// narrowed ranges are what keeps out overlong forms, surrogates and planes above 16.
struct Utf8Lead {
    size_t length;
    unsigned char low;
    unsigned char high;
};

Utf8Lead utf8_lead(unsigned char lead) noexcept {
    if (lead >= 0xc2 && lead <= 0xdf) {
        return {2, 0x80, 0xbf};
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        const bool surrogates = lead == 0xed;
        return {3, static_cast<unsigned char>(lead == 0xe0 ? 0xa0 : 0x80),
                static_cast<unsigned char>(surrogates ? 0x9f : 0xbf)};
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        return {4, static_cast<unsigned char>(lead == 0xf0 ? 0x90 : 0x80),
                static_cast<unsigned char>(lead == 0xf4 ? 0x8f : 0xbf)};
    }
    return {0, 0, 0};
}

bool is_control(std::string_view code_point) noexcept {
    const unsigned char first = byte_at(code_point, 0);
    return first < 0x20 || first == 0x7f ||
           (code_point.size() == 2 && first == 0xc2 && byte_at(code_point, 1) < 0xa0);
}

void append_escaped_byte(std::string& out, char c) {
    constexpr char kDigits[] = "0123456789abcdef";
    switch (c) {
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default: {
            const auto byte = static_cast<unsigned char>(c);
            out += "\\x";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
    }
}

/// Edits (insert, drop, change, swap two neighbours) from `a` to `b`, case ignored.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before(b.size() + 1);
    std::vector<size_t> above(b.size() + 1);
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) {
        above[j] = j;
    }
    for (size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] =
                std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(above);
        above.swap(row);
    }
    return above[b.size()];
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::string_view trim(std::string_view text, std::string_view blanks) {
    const size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) {
        return text.substr(text.size());
    }
    return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

bool starts_with(std::string_view text, std::string_view prefix) noexcept {
    return text.substr(0, prefix.size()) == prefix;
}

bool ends_with(std::string_view text, std::string_view suffix) noexcept {
    return text.size() >= suffix.size() &&
           text.substr(text.size() - suffix.size()) == suffix;
}

std::optional<uint64_t> parse_u64(std::string_view digits) noexcept {
    constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
    if (digits.empty()) {
        return std::nullopt;
    }
    uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        const auto digit = static_cast<uint64_t>(c - '0');
        if (value > (kMax - digit) / 10) {
            return std::nullopt;
        }
        value = value * 10 + digit;
    }
    return value;
}

std::string escape(std::string_view bytes, size_t max) {
    std::string out;
    size_t at = 0;
    while (at < bytes.size()) {
        const std::string_view rest = bytes.substr(at);
        const size_t valid = utf8_length(rest);
        const size_t length = std::max<size_t>(valid, 1);
        if (at + length > max) {
            return out += "...";
        }
        const std::string_view piece = rest.substr(0, length);
        if (valid > 0 && !is_control(piece) && piece[0] != '\\') {
            out.append(piece);
        } else {
            for (const char c : piece) {
                append_escaped_byte(out, c);
            }
        }
        at += length;
    }
    return out;
}

size_t utf8_length(std::string_view bytes) noexcept {
    if (bytes.empty()) {
        return 0;
    }
    if (byte_at(bytes, 0) < 0x80) {
        return 1;
    }
    const Utf8Lead lead = utf8_lead(byte_at(bytes, 0));
    if (lead.length == 0 || bytes.size() < lead.length ||
        byte_at(bytes, 1) < lead.low || byte_at(bytes, 1) > lead.high) {
        return 0;
    }
    for (size_t i = 2; i < lead.length; ++i) {
        if ((byte_at(bytes, i) & 0xc0) != 0x80) {
            return 0;
        }
    }
    return lead.length;
}

bool is_utf8(std::string_view bytes) noexcept {
    while (!bytes.empty()) {
        const size_t length = utf8_length(bytes);
        if (length == 0) {
            return false;
        }
        bytes.remove_prefix(length);
    }
    return true;
}

/// Takes from `bytes` what the code point begun before wants.
bool Utf8Stream::finish_held(std::string_view& bytes) noexcept {
    const size_t length = utf8_lead(static_cast<unsigned char>(hold_[0])).length;
    while (held_ < length && !bytes.empty()) {
        hold_[held_++] = bytes.front();
        bytes.remove_prefix(1);
    }
    if (held_ < length) {
        return true;
    }
    held_ = 0;
    return utf8_length({hold_, length}) == length;
}

bool Utf8Stream::feed(std::string_view bytes) noexcept {
    if (held_ > 0 && !finish_held(bytes)) {
        return false;
    }
    while (!bytes.empty()) {
        size_t ascii = 0;
        while (ascii < bytes.size() && byte_at(bytes, ascii) < 0x80) {
            ++ascii;
        }
        bytes.remove_prefix(ascii);
        if (bytes.empty()) {
            break;
        }
        const size_t wanted = utf8_lead(byte_at(bytes, 0)).length;
        if (wanted > bytes.size()) {
            held_ = bytes.copy(hold_, bytes.size());
            return true;
        }
        const size_t length = utf8_length(bytes);
        if (length == 0) {
            return false;
        }
        bytes.remove_prefix(length);
    }
    return true;
}

std::string_view nearest(std::string_view word,
                         const std::vector<std::string_view>& candidates) {
    std::string_view best;
    size_t best_distance = std::numeric_limits<size_t>::max();
    for (const std::string_view candidate : candidates) {
        const size_t longer = std::max(word.size(), candidate.size());
        const size_t shorter = std::min(word.size(), candidate.size());
        const size_t allowed =
            (longer + 1) / 3;  // 0 for one letter, 1 for four, 2 for six
        if (longer - shorter > allowed) {
            continue;  // also keeps a hostile long word away from the square below
        }
        const size_t distance = edit_distance(word, candidate);
        if (distance <= allowed && distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace neuron
