#ifndef NEUROND_WIRE_JSON_LEVEL_H
#define NEUROND_WIRE_JSON_LEVEL_H

#include <cstdint>
#include <string_view>
#include <vector>

#include "neurond/wire/json_span.h"

namespace neuron {

/// Why a text was refused.
enum class JsonError : uint8_t {
    kNone,
    kIncomplete,      ///< the text ends inside the value, or holds none
    kUnexpectedByte,  ///< no value, key, colon, comma or bracket may start here; a BOM too
    kLiteral,         ///< not true, false or null
    kNumber,          ///< against the number grammar
    kEscape,          ///< unknown escape, or \u without four hex digits
    kControl,         ///< a raw control character in a string
    kUtf8,            ///< ill-formed UTF-8 in a string
    kTrailing,        ///< something else than blanks behind the value
    kDepth,           ///< nested deeper than the limit
    kDuplicateKey,    ///< on a level whose members are read
    kTooManyMembers,  ///< more than kMaxEnvelopeMembers on such a level
};

/// In words, without an object: "malformed number".
const char* describe(JsonError error) noexcept;

/// The members of one object that the scanner reads, no two of the same name. Keys are
/// compared decoded, in exact case. Part of JsonScanner.
class JsonLevel {
  public:
    /// Keeps the capacity.
    void clear() noexcept;
    /// Appends a member without its value yet: kNone, kDuplicateKey or kTooManyMembers.
    JsonError add(Span key, std::string_view text);
    JsonMember& last() noexcept { return members_.back(); }
    const JsonMember& last() const noexcept { return members_.back(); }
    const JsonMembers& members() const noexcept { return members_; }

  private:
    JsonMembers members_;
    std::vector<uint32_t> hashes_;  // of the decoded keys
};

}  // namespace neuron

#endif
