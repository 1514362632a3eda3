// What the scanner keeps of a level it reads, and its words for what is wrong. The hashes
// make finding a duplicate a search through four bytes a member: linear, but over so few
// bytes that even the most members allowed take well under a millisecond together.
#include "neurond/wire/json_level.h"

#include "neurond/base/limits.h"
#include "neurond/wire/json_string.h"

namespace neuron {

void JsonLevel::clear() noexcept {
    members_.clear();
    hashes_.clear();
}

JsonError JsonLevel::add(Span key, std::string_view text) {
    if (members_.size() == kMaxEnvelopeMembers) {
        return JsonError::kTooManyMembers;
    }
    const uint32_t hash = json_string_hash(key.in(text));
    for (size_t i = 0; i < hashes_.size(); ++i) {
        if (hashes_[i] == hash &&
            json_strings_equal(key.in(text), members_[i].key.in(text))) {
            return JsonError::kDuplicateKey;
        }
    }
    members_.push_back({key, {}});
    hashes_.push_back(hash);
    return JsonError::kNone;
}

const char* describe(JsonError error) noexcept {
    switch (error) {
        case JsonError::kNone:
            return "";
        case JsonError::kIncomplete:
            return "unexpected end";
        case JsonError::kUnexpectedByte:
            return "unexpected byte";
        case JsonError::kLiteral:
            return "unknown word";
        case JsonError::kNumber:
            return "malformed number";
        case JsonError::kEscape:
            return "malformed escape";
        case JsonError::kControl:
            return "control character in a string";
        case JsonError::kUtf8:
            return "ill-formed UTF-8";
        case JsonError::kTrailing:
            return "something behind the value";
        case JsonError::kDepth:
            return "nested too deep";
        case JsonError::kDuplicateKey:
            return "duplicate key";
        case JsonError::kTooManyMembers:
            return "too many members";
    }
    return "";
}

}  // namespace neuron
