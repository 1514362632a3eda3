// One pass over a JSON text, resumable at every byte. The state says what may come next;
// what is open is a stack of bits. Strings make up most of a message, so they have a fast
// path: eight bytes a step while nothing in them needs a look, then a whole sequence of
// UTF-8. Such a sequence is the only thing that is looked at again when input ends in it.
//
//   structure: kValue kValueOrEnd kKeyOrEnd kKey kColon kAfterValue kEnd
//   tokens:    kString (kEscape kHex) kNumber kLiteral
#include "neurond/wire/json_scan.h"

#include <cassert>
#include <climits>
#include <cstring>

#include "neurond/base/text.h"
#include "neurond/wire/json_string.h"

namespace neuron {

enum class JsonScanner::State : uint8_t {
    kValue,
    kValueOrEnd,  // behind '['
    kKeyOrEnd,    // behind '{'
    kKey,         // behind a comma
    kColon,
    kAfterValue,
    kEnd,
    kString,
    kEscape,
    kHex,
    kNumber,
    kLiteral,
};

namespace {

constexpr unsigned kNoLevel = UINT_MAX;
constexpr size_t kMaxUtf8Bytes = 4;

bool is_hex(char c) noexcept {
    const char lower = static_cast<char>(c | 0x20);
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
}

/// True if one of eight bytes ends a plain stretch of a string: a quote, a backslash, a
/// control character, or the beginning of a multi-byte sequence.
bool any_special(uint64_t word) noexcept {
    constexpr uint64_t kOnes = 0x0101010101010101U;
    constexpr uint64_t kTops = 0x8080808080808080U;
    const uint64_t quote = word ^ (kOnes * '"');
    const uint64_t backslash = word ^ (kOnes * '\\');
    const uint64_t found =
        (word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes);
    return ((found | word) & kTops) != 0;
}

const char* skip_plain(const char* p, const char* end) noexcept {
    uint64_t word = 0;
    for (; end - p >= 8; p += 8) {
        std::memcpy(&word, p, sizeof word);
        if (any_special(word)) {
            break;
        }
    }
    for (; p != end; ++p) {
        const auto c = static_cast<unsigned char>(*p);
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') {
            break;
        }
    }
    return p;
}

}  // namespace

JsonScanner::JsonScanner(unsigned max_depth)
    : max_depth_(max_depth),
      is_object_((max_depth + 63) / 64),
      level_depth_(kNoLevel),
      state_(State::kValue) {
    assert(max_depth > 0 && max_depth < kNoLevel - 63);
}

void JsonScanner::reset() noexcept {
    for (JsonLevel& level : levels_) {
        level.clear();
    }
    pos_ = 0;
    error_at_ = 0;
    value_ = Span{};
    envelope_ = JsonEnvelope{};
    depth_ = 0;
    level_depth_ = kNoLevel;
    level_ = kUnread;
    state_ = State::kValue;
    root_ = Root::kNone;
    error_ = JsonError::kNone;
    line_breaks_ = false;
}

Scan JsonScanner::feed(std::string_view text_so_far) {
    if (error_ != JsonError::kNone) {
        return Scan::kBad;
    }
    assert(text_so_far.size() >= pos_);
    text_ = text_so_far;
    held_back_ = 0;
    const char* const end = text_.data() + text_.size();
    for (const char* p = text_.data() + pos_; p != end;) {
        p = step(p, end);
    }
    pos_ = text_.size() - held_back_;
    text_ = {};
    if (error_ != JsonError::kNone) {
        return Scan::kBad;
    }
    return state_ == State::kEnd ? Scan::kDone : Scan::kMore;
}

Scan JsonScanner::finish(std::string_view whole) {
    if (feed(whole) == Scan::kBad) {
        return Scan::kBad;
    }
    text_ = whole;
    const char* const end = text_.data() + text_.size();
    if (state_ == State::kNumber && depth_ == 0 && number_.may_end()) {
        value_ends(end);
    }
    if (held_back_ > 0) {
        fail(end - held_back_, JsonError::kUtf8);
    } else if (state_ != State::kEnd) {
        fail(end, JsonError::kIncomplete);
    }
    text_ = {};
    return error_ == JsonError::kNone ? Scan::kDone : Scan::kBad;
}

std::string JsonScanner::message() const {
    if (error_ == JsonError::kNone) {
        return {};
    }
    return std::string(describe(error_)) + " at byte " + std::to_string(error_at_);
}

/// Notes the error and answers the end of the text, which stops the pass.
const char* JsonScanner::fail(const char* at, JsonError error) {
    error_ = error;
    error_at_ = offset(at);
    return text_.data() + text_.size();
}

/// Examines at least one byte, and a whole token where it can.
const char* JsonScanner::step(const char* p, const char* end) {
    switch (state_) {
        case State::kString:
            return in_string(p, end);
        case State::kEscape:
            return in_escape(p);
        case State::kHex:
            return in_hex(p);
        case State::kNumber:
            return in_number(p, end);
        case State::kLiteral:
            return in_literal(p, end);
        case State::kValue:
        case State::kValueOrEnd:
        case State::kKeyOrEnd:
        case State::kKey:
        case State::kColon:
        case State::kAfterValue:
        case State::kEnd:
            break;
    }
    for (; p != end; ++p) {
        if (*p == '\n' || *p == '\r') {
            line_breaks_ = true;
        } else if (*p != ' ' && *p != '\t') {
            return structure(p);
        }
    }
    return p;
}

const char* JsonScanner::structure(const char* p) {
    const char c = *p;
    if (c == ']' && (state_ == State::kValueOrEnd || state_ == State::kAfterValue)) {
        return close(p, false);
    }
    if (c == '}' && (state_ == State::kKeyOrEnd || state_ == State::kAfterValue)) {
        return close(p, true);
    }
    switch (state_) {
        case State::kValue:
        case State::kValueOrEnd:
            return begin_value(p);
        case State::kKey:
        case State::kKeyOrEnd:
            return begin_key(p);
        case State::kEnd:
            return fail(p, JsonError::kTrailing);
        case State::kColon:
            if (c == ':') {
                state_ = State::kValue;
                return p + 1;
            }
            break;
        case State::kAfterValue:
            if (c == ',') {
                state_ = in_object() ? State::kKey : State::kValue;
                return p + 1;
            }
            break;
        case State::kString:
        case State::kEscape:
        case State::kHex:
        case State::kNumber:
        case State::kLiteral:
            assert(false);
    }
    return fail(p, JsonError::kUnexpectedByte);
}

bool JsonScanner::in_object() const noexcept {
    const unsigned top = depth_ - 1;
    return (is_object_[top / 64] >> (top % 64) & 1) != 0;
}

const char* JsonScanner::begin_value(const char* p) {
    const auto token = [this, p](State state) {
        value_begins(p);
        state_ = state;
        return p + 1;
    };
    switch (*p) {
        case '{':
            return open(p, true);
        case '[':
            return open(p, false);
        case '"':
            in_key_ = false;
            return token(State::kString);
        case 't':
            literal_ = "rue";
            return token(State::kLiteral);
        case 'f':
            literal_ = "alse";
            return token(State::kLiteral);
        case 'n':
            literal_ = "ull";
            return token(State::kLiteral);
        default:
            break;
    }
    if (number_.begin(*p)) {
        return token(State::kNumber);
    }
    return fail(p, JsonError::kUnexpectedByte);
}

void JsonScanner::value_begins(const char* p) {
    if (depth_ == 0) {
        value_.begin = offset(p);
        root_ = *p == '{' ? Root::kObject : *p == '[' ? Root::kArray : Root::kScalar;
    } else if (reads_members()) {
        levels_[level_].last().value.begin = offset(p);
    }
}

void JsonScanner::value_ends(const char* end) {
    if (depth_ == 0) {
        value_.end = offset(end);
        state_ = State::kEnd;
        return;
    }
    if (reads_members()) {
        JsonMember& member = levels_[level_].last();
        member.value.end = offset(end);
        if (level_ == kRoot) {
            note_envelope(member);
        }
    }
    state_ = State::kAfterValue;
}

void JsonScanner::note_envelope(const JsonMember& member) noexcept {
    const std::string_view key = member.key.in(text_);
    const auto note = [&](std::string_view name, Span& span) {
        if (json_string_is(key, name)) {
            span = member.value;
        }
    };
    note("jsonrpc", envelope_.jsonrpc);
    note("id", envelope_.id);
    note("method", envelope_.method);
    note("params", envelope_.params);
    note("result", envelope_.result);
    note("error", envelope_.error);
}

const char* JsonScanner::open(const char* p, bool object) {
    value_begins(p);
    if (depth_ == max_depth_) {
        return fail(p, JsonError::kDepth);
    }
    const LevelId below = object ? level_below() : kUnread;
    const uint64_t bit = uint64_t{1} << (depth_ % 64);
    uint64_t& word = is_object_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
    ++depth_;
    if (below != kUnread) {
        level_ = below;
        level_depth_ = depth_;
    }
    state_ = object ? State::kKeyOrEnd : State::kValueOrEnd;
    return p + 1;
}

/// Which of the levels that are read the object about to be opened is, if any.
JsonScanner::LevelId JsonScanner::level_below() const noexcept {
    if (depth_ == 0) {
        return kRoot;
    }
    if (!reads_members() || (level_ != kRoot && level_ != kParams)) {
        return kUnread;
    }
    const std::string_view key = levels_[level_].last().key.in(text_);
    if (level_ == kParams) {
        return json_string_is(key, "_meta") ? kMeta : kUnread;
    }
    return json_string_is(key, "params") ? kParams : kUnread;
}

const char* JsonScanner::close(const char* p, bool object) {
    if (in_object() != object) {
        return fail(p, JsonError::kUnexpectedByte);
    }
    if (reads_members()) {
        const bool outermost = level_ == kRoot;
        level_depth_ = outermost ? kNoLevel : depth_ - 1;
        level_ = outermost ? kUnread : level_ == kMeta ? kParams : kRoot;
    }
    --depth_;
    value_ends(p + 1);
    return p + 1;
}

const char* JsonScanner::begin_key(const char* p) {
    if (*p != '"') {
        return fail(p, JsonError::kUnexpectedByte);
    }
    key_begin_ = offset(p);
    in_key_ = true;
    state_ = State::kString;
    return p + 1;
}

const char* JsonScanner::key_ends(const char* end) {
    state_ = State::kColon;
    if (!reads_members()) {
        return end;
    }
    const JsonError error = levels_[level_].add({key_begin_, offset(end)}, text_);
    if (error != JsonError::kNone) {
        return fail(text_.data() + key_begin_, error);
    }
    return end;
}

const char* JsonScanner::in_string(const char* p, const char* end) {
    for (;;) {
        p = skip_plain(p, end);
        if (p == end) {
            return p;
        }
        const auto c = static_cast<unsigned char>(*p);
        if (c == '"') {
            return end_string(p + 1);
        }
        if (c == '\\') {
            state_ = State::kEscape;
            return p + 1;
        }
        if (c < 0x20) {
            return fail(p, JsonError::kControl);
        }
        const std::string_view rest(p, static_cast<size_t>(end - p));
        const size_t sequence = utf8_length(rest);
        if (sequence == 0) {
            return end_of_utf8(p, rest.size());
        }
        p += sequence;
    }
}

/// What stands at p is no sequence of UTF-8, unless it is cut off by the end of the
/// input: then it is looked at again when there is more.
const char* JsonScanner::end_of_utf8(const char* p, size_t rest) {
    if (rest >= kMaxUtf8Bytes) {
        return fail(p, JsonError::kUtf8);
    }
    held_back_ = rest;
    return p + rest;
}

const char* JsonScanner::end_string(const char* end) {
    if (in_key_) {
        return key_ends(end);
    }
    value_ends(end);
    return end;
}

const char* JsonScanner::in_escape(const char* p) {
    if (*p == 'u') {
        hex_left_ = 4;
        state_ = State::kHex;
        return p + 1;
    }
    if (*p == '\0' || std::strchr("\"\\/bfnrt", *p) == nullptr) {
        return fail(p, JsonError::kEscape);
    }
    state_ = State::kString;
    return p + 1;
}

const char* JsonScanner::in_hex(const char* p) {
    if (!is_hex(*p)) {
        return fail(p, JsonError::kEscape);
    }
    if (--hex_left_ == 0) {
        state_ = State::kString;
    }
    return p + 1;
}

const char* JsonScanner::in_number(const char* p, const char* end) {
    for (; p != end; ++p) {
        switch (number_.take(*p)) {
            case JsonNumber::Step::kGoesOn:
                break;
            case JsonNumber::Step::kBad:
                return fail(p, JsonError::kNumber);
            case JsonNumber::Step::kEnded:
                value_ends(p);
                return p;
        }
    }
    return p;
}

const char* JsonScanner::in_literal(const char* p, const char* end) {
    for (; p != end && *literal_ != '\0'; ++p, ++literal_) {
        if (*p != *literal_) {
            return fail(p, JsonError::kLiteral);
        }
    }
    if (*literal_ == '\0') {
        value_ends(p);
    }
    return p;
}

}  // namespace neuron
