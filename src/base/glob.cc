// Globs as the policy means them. Only the last `*` is ever tried again, one character
// further on: an earlier one need not be, because what follows it up to the next `*` has
// been found at its leftmost place already. So there is no exponential case.

#include "neurond/base/glob.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kNone = std::string_view::npos;

struct Character {
    uint32_t code;
    size_t length;
};

/// The character in front of `text`, which is not empty. A byte that is not UTF-8 gets a
/// code above all of Unicode's, so that it equals itself and is in no range of letters.
Character front(std::string_view text) noexcept {
    const auto first = static_cast<unsigned char>(text[0]);
    const size_t length = utf8_length(text);
    if (length == 0) {
        return {0x110000U + first, 1};
    }
    if (length == 1) {
        return {first, 1};
    }
    uint32_t code = first & (0x7fU >> length);
    for (size_t i = 1; i < length; ++i) {
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
    }
    return {code, length};
}

Character take(std::string_view& text) noexcept {
    const Character c = front(text);
    text.remove_prefix(c.length);
    return c;
}

/// A `[...]` at the front of a pattern: its length (0 if it is invalid), and whether the
/// character asked about is in it.
struct Bracket {
    size_t length = 0;
    bool matches = false;
};

Bracket read_bracket(std::string_view pattern, uint32_t code) noexcept {
    std::string_view rest = pattern.substr(1);
    const bool negated = starts_with(rest, "!");
    rest.remove_prefix(negated ? 1 : 0);
    bool found = false;
    for (bool first = true; !rest.empty(); first = false) {
        if (rest[0] == ']' && !first) {
            return {pattern.size() - rest.size() + 1, found != negated};
        }
        const uint32_t low = take(rest).code;
        uint32_t high = low;
        if (rest.size() > 1 && rest[0] == '-' && rest[1] != ']') {
            rest.remove_prefix(1);
            high = take(rest).code;
            if (high < low) {
                return {};
            }
        }
        found = found || (low <= code && code <= high);
    }
    return {};
}

/// How much of the pattern's front the character consumes; 0 if it does not fit.
size_t match_one(std::string_view pattern, Character c) noexcept {
    if (pattern.empty() || pattern[0] == '*') {
        return 0;
    }
    if (pattern[0] == '?') {
        return 1;
    }
    if (pattern[0] == '[') {
        const Bracket bracket = read_bracket(pattern, c.code);
        return bracket.matches ? bracket.length : 0;
    }
    const Character own = front(pattern);
    return own.code == c.code ? own.length : 0;
}

}  // namespace

bool glob_is_valid(std::string_view pattern) noexcept {
    while (!pattern.empty()) {
        size_t length = 1;
        if (pattern[0] == '[') {
            length = read_bracket(pattern, 0).length;
            if (length == 0) {
                return false;
            }
        }
        pattern.remove_prefix(length);
    }
    return true;
}

bool glob_matches(std::string_view pattern, std::string_view text) noexcept {
    if (!glob_is_valid(pattern)) {
        return false;
    }
    size_t p = 0;
    size_t t = 0;
    size_t retry_p = kNone;  // behind the last `*`
    size_t retry_t = 0;      // where what follows it was tried last
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            retry_p = ++p;
            retry_t = t;
            continue;
        }
        const Character c = front(text.substr(t));
        const size_t used = match_one(pattern.substr(std::min(p, pattern.size())), c);
        if (used > 0) {
            p += used;
            t += c.length;
            continue;
        }
        if (retry_p == kNone) {
            return false;
        }
        retry_t += front(text.substr(retry_t)).length;
        t = retry_t;
        p = retry_p;
    }
    return pattern.find_first_not_of('*', p) == kNone;
}

}  // namespace neuron
