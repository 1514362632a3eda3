#ifndef NEUROND_BASE_ENCODE_H
#define NEUROND_BASE_ENCODE_H

#include <optional>
#include <string>
#include <string_view>

namespace neuron {

/// Two lower-case digits a byte.
std::string hex_encode(std::string_view bytes);

/// RFC 4648 section 4, with padding. The decoder accepts exactly what the encoder writes:
/// no blanks, no line breaks, no missing padding, no stray bits in the last digit.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

/// RFC 4648 section 5 (`-` and `_`), without padding; as strict.
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

/// RFC 3986 section 2.1: everything but letters, digits and `-._~` becomes %XX.
std::string percent_encode(std::string_view bytes);
/// Nothing if a `%` is not followed by two hexadecimal digits. Other bytes stay as they
/// are, `+` included. What comes out may hold any byte, NUL too.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace neuron

#endif
