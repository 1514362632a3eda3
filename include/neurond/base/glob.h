#ifndef NEUROND_BASE_GLOB_H
#define NEUROND_BASE_GLOB_H

#include <string_view>

namespace neuron {

/// True if all of `text` fits `pattern`. Case counts.
///
///     *       any run of characters, dots and slashes included, also none
///     ?       exactly one character
///     [abc]   one of these; [a-z] a range; [!x] none of these. `]` first is itself, so
///             is `-` first or last. [*], [?] and [[] stand for the sign: there is no
///             escape character
///
/// A character is a code point of UTF-8; a byte that is not UTF-8 is one of its own.
/// An invalid pattern matches nothing. Takes at most length times length steps, and
/// allocates nothing.
bool glob_matches(std::string_view pattern, std::string_view text) noexcept;

/// False for a bracket without an end and for a range from high to low, so that a
/// configuration can refuse what would silently match nothing.
bool glob_is_valid(std::string_view pattern) noexcept;

}  // namespace neuron

#endif
