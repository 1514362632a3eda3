// The grammar of numbers as eight states, four of which may be the last:
//
//   kMinus -> kZero | kInteger;  kZero, kInteger -> kPoint -> kFraction
//   kZero, kInteger, kFraction -> kExponent -> (kExponentSign) -> kExponentDigits
#include "neurond/wire/json_number.h"

namespace neuron {

namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

}  // namespace

bool JsonNumber::begin(char c) noexcept {
    state_ = c == '-' ? State::kMinus : c == '0' ? State::kZero : State::kInteger;
    return c == '-' || is_digit(c);
}

bool JsonNumber::may_end() const noexcept {
    return state_ == State::kZero || state_ == State::kInteger ||
           state_ == State::kFraction || state_ == State::kExponentDigits;
}

JsonNumber::Step JsonNumber::take(char c) noexcept {
    const bool whole = state_ == State::kZero || state_ == State::kInteger;
    if (is_digit(c)) {
        switch (state_) {
            case State::kZero:
                return Step::kBad;  // no digit may follow a leading zero
            case State::kMinus:
                state_ = c == '0' ? State::kZero : State::kInteger;
                break;
            case State::kPoint:
                state_ = State::kFraction;
                break;
            case State::kExponent:
            case State::kExponentSign:
                state_ = State::kExponentDigits;
                break;
            case State::kInteger:
            case State::kFraction:
            case State::kExponentDigits:
                break;
        }
        return Step::kGoesOn;
    }
    if (c == '.' && whole) {
        state_ = State::kPoint;
        return Step::kGoesOn;
    }
    if ((c == 'e' || c == 'E') && (whole || state_ == State::kFraction)) {
        state_ = State::kExponent;
        return Step::kGoesOn;
    }
    if ((c == '+' || c == '-') && state_ == State::kExponent) {
        state_ = State::kExponentSign;
        return Step::kGoesOn;
    }
    return may_end() ? Step::kEnded : Step::kBad;
}

}  // namespace neuron
