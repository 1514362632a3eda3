#ifndef NEUROND_BASE_TEXT_H
#define NEUROND_BASE_TEXT_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace neuron {

/// ASCII only, and independent of the locale.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
std::string to_lower(std::string_view text);
std::string_view trim(std::string_view text, std::string_view blanks = " \t");
std::vector<std::string_view> split(std::string_view text, char separator);
bool starts_with(std::string_view text, std::string_view prefix) noexcept;
bool ends_with(std::string_view text, std::string_view suffix) noexcept;

/// Decimal digits only: no sign, no blank, no overflow.
std::optional<uint64_t> parse_u64(std::string_view digits) noexcept;

/// For logs and messages: control bytes (C1 characters too), DEL, backslashes and invalid
/// UTF-8 become \xNN (\n, \r, \t by name); cut behind `max` bytes of input with "...".
std::string escape(std::string_view bytes, size_t max = 512);

/// Bytes (1 to 4) of the well-formed code point in front; 0 if there is none.
size_t utf8_length(std::string_view bytes) noexcept;

/// True for well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view bytes) noexcept;

/// Checks UTF-8 that comes in pieces, cut anywhere.
class Utf8Stream {
  public:
    /// False once what has come cannot be well-formed any more; it stays so.
    bool feed(std::string_view bytes) noexcept;
    /// No code point is half there.
    bool complete() const noexcept { return held_ == 0; }
    void reset() noexcept { held_ = 0; }

  private:
    bool finish_held(std::string_view& bytes) noexcept;

    char hold_[4] = {};  ///< a code point of which the rest has yet to come
    size_t held_ = 0;
};

/// The candidate nearest to `word` by edit distance, near enough to be what was meant;
/// empty if none is.
std::string_view nearest(std::string_view word,
                         const std::vector<std::string_view>& candidates);

}  // namespace neuron

#endif
