#ifndef NEUROND_BASE_LOG_LIMITER_H
#define NEUROND_BASE_LOG_LIMITER_H

#include <cstdint>
#include <utility>

#include "neurond/base/clock.h"

namespace neuron {

/// Bounds the log lines somebody else can cause: so many a second, and the rest counted.
class LogLimiter {
  public:
    explicit LogLimiter(unsigned per_second) : per_second_(per_second) {}

    /// Whether a line may be written now.
    bool allow(TimePoint now) noexcept {
        if (now - second_ >= Millis{1000}) {
            second_ = now;
            in_second_ = 0;
        }
        if (in_second_ < per_second_) {
            ++in_second_;
            return true;
        }
        ++withheld_;
        return false;
    }
    /// How many were withheld since this was asked last.
    uint64_t take_withheld() noexcept { return std::exchange(withheld_, 0); }

  private:
    unsigned per_second_;
    TimePoint second_;
    unsigned in_second_ = 0;
    uint64_t withheld_ = 0;
};

}  // namespace neuron

#endif
