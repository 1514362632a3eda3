#ifndef NEUROND_WIRE_JSON_STRING_H
#define NEUROND_WIRE_JSON_STRING_H

#include <cstdint>
#include <string>
#include <string_view>

namespace neuron {

// Decoding of JSON strings that the scanner has found valid. `quoted` is the string as it
// stands in the text, quotes included. RFC 8259 section 7.

/// The text a string stands for, as UTF-8. A surrogate escape without its other half
/// becomes U+FFFD.
std::string json_unquote(std::string_view quoted);

/// True when `quoted` stands for exactly `plain`; allocates nothing. A lone surrogate
/// equals nothing that is valid UTF-8.
bool json_string_is(std::string_view quoted, std::string_view plain) noexcept;

/// True when both stand for the same text; lone surrogates are equal to themselves.
bool json_strings_equal(std::string_view quoted, std::string_view other) noexcept;

/// A hash of the text the string stands for: equal strings, however written, hash alike.
uint32_t json_string_hash(std::string_view quoted) noexcept;

}  // namespace neuron

#endif
