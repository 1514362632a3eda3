#ifndef NEUROND_WIRE_JSON_NUMBER_H
#define NEUROND_WIRE_JSON_NUMBER_H

#include <cstdint>

namespace neuron {

/// The grammar of JSON numbers, one byte at a time (RFC 8259 section 6). Converts nothing.
class JsonNumber {
  public:
    enum class Step : uint8_t { kGoesOn, kEnded, kBad };

    /// False when no number begins with `c`.
    bool begin(char c) noexcept;
    /// kEnded: `c` no longer belongs to the number, which is complete before it.
    Step take(char c) noexcept;
    /// True when the number is complete as it is.
    bool may_end() const noexcept;

  private:
    enum class State : uint8_t {
        kMinus,
        kZero,
        kInteger,
        kPoint,
        kFraction,
        kExponent,
        kExponentSign,
        kExponentDigits,
    };

    State state_ = State::kMinus;
};

}  // namespace neuron

#endif
