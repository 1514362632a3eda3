#ifndef NEUROND_WIRE_JSON_SCAN_H
#define NEUROND_WIRE_JSON_SCAN_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/wire/json_level.h"
#include "neurond/wire/json_number.h"
#include "neurond/wire/json_span.h"
#include "neurond/wire/scan.h"

namespace neuron {

/// Where the members of a JSON-RPC message stand; empty = not there.
struct JsonEnvelope {
    Span jsonrpc;
    Span id;
    Span method;
    Span params;
    Span result;
    Span error;
};

/// Checks a JSON text as it arrives, in one pass, and notes where the members of a
/// JSON-RPC message begin and end. It decodes and keeps no value.
///
/// Grammar: RFC 8259 without leniency: UTF-8 validity, numbers, escapes, control
/// characters, one value with nothing but blanks around it, no byte order mark. Lone
/// surrogate escapes pass, as the grammar has it. Numbers are never converted.
///
/// Beyond the grammar it refuses: nesting deeper than `max_depth` (the outermost
/// container is 1), and, on the levels it reads (the root object, `params`,
/// `params._meta`), keys that occur twice and more than kMaxEnvelopeMembers of
/// them. Keys are compared decoded, in exact case. Below those levels duplicate keys pass.
///
/// Memory: one bit a level of depth, and the member lists, whose capacity is kept over
/// reset(). Time: linear; no recursion.
class JsonScanner {
  public:
    enum class Root : uint8_t { kNone, kObject, kArray, kScalar };

    explicit JsonScanner(unsigned max_depth);

    /// Forgets everything but the depth limit and the capacity of the lists.
    void reset() noexcept;

    /// Examines what is new in `text_so_far`, which is the text from its first byte; its
    /// address may change from call to call, its content may not. kDone: the value is
    /// complete and only blanks may follow; kMore: not yet (a number at the root is
    /// complete only at finish()); kBad: see error().
    Scan feed(std::string_view text_so_far);
    /// Examines the rest of `whole`; the text ends here. kDone or kBad.
    Scan finish(std::string_view whole);

    /// Bytes dealt with so far (up to three may wait for the rest of a character).
    size_t position() const noexcept { return pos_; }

    JsonError error() const noexcept { return error_; }
    /// Of the first byte that cannot stand where it is; for a duplicate key, of that key.
    size_t error_offset() const noexcept { return error_at_; }
    /// "duplicate key at byte 17"; empty when all is well. Holds nothing of the text.
    std::string message() const;

    Root root() const noexcept { return root_; }
    /// The value without the blanks around it; valid once done.
    Span value() const noexcept { return value_; }
    /// A raw line feed or carriage return stands between tokens: such a text cannot be
    /// sent on one line as it is (see blank_line_breaks() in json_splice.h).
    bool has_line_breaks() const noexcept { return line_breaks_; }

    /// The rest is complete once done, and absent when the root is not an object.
    const JsonEnvelope& envelope() const noexcept { return envelope_; }
    const JsonMembers& root_members() const noexcept {
        return levels_[kRoot].members();
    }
    const JsonMembers& params_members() const noexcept {
        return levels_[kParams].members();
    }
    const JsonMembers& meta_members() const noexcept {
        return levels_[kMeta].members();
    }

  private:
    enum class State : uint8_t;
    enum LevelId : uint8_t { kRoot, kParams, kMeta, kUnread };

    const char* step(const char* p, const char* end);
    const char* structure(const char* p);
    const char* open(const char* p, bool object);
    const char* close(const char* p, bool object);
    const char* begin_value(const char* p);
    const char* in_string(const char* p, const char* end);
    const char* in_escape(const char* p);
    const char* in_hex(const char* p);
    const char* end_of_utf8(const char* p, size_t rest);
    const char* begin_key(const char* p);
    const char* end_string(const char* p);
    const char* in_number(const char* p, const char* end);
    const char* in_literal(const char* p, const char* end);
    const char* fail(const char* at, JsonError error);
    void value_begins(const char* p);
    void value_ends(const char* end);
    const char* key_ends(const char* end);
    void note_envelope(const JsonMember& member) noexcept;
    bool in_object() const noexcept;
    LevelId level_below() const noexcept;
    bool reads_members() const noexcept { return depth_ == level_depth_; }
    size_t offset(const char* p) const noexcept {
        return static_cast<size_t>(p - text_.data());
    }

    unsigned max_depth_;
    std::vector<uint64_t> is_object_;  // one bit a level of depth
    JsonLevel levels_[kUnread];

    std::string_view text_;  // only during a call
    size_t pos_ = 0;
    size_t error_at_ = 0;
    size_t key_begin_ = 0;
    size_t held_back_ = 0;  // bytes of a UTF-8 sequence that the input cuts off
    Span value_;
    JsonEnvelope envelope_;
    unsigned depth_ = 0;
    unsigned level_depth_;  // depth of the innermost level that is read
    LevelId level_ = kUnread;
    State state_;
    JsonNumber number_;
    Root root_ = Root::kNone;
    JsonError error_ = JsonError::kNone;
    bool in_key_ = false;
    bool line_breaks_ = false;
    uint8_t hex_left_ = 0;
    const char* literal_ = nullptr;  // what is still to come of true, false or null
};

}  // namespace neuron

#endif
