#ifndef NEUROND_BACK_CRASH_RATE_H
#define NEUROND_BACK_CRASH_RATE_H

#include <deque>

#include "neurond/base/clock.h"

namespace neuron {

/// Whether a downstream crashes often enough to wake somebody (requirements S2-35).
class CrashRate {
  public:
    /// `limit` crashes a minute; 0 = never.
    explicit CrashRate(unsigned limit) : limit_(limit) {}

    /// True when this crash raises the alarm: it was not alarming before.
    bool on_crash(TimePoint now) {
        if (limit_ == 0) {
            return false;
        }
        const bool before = alarming(now);
        crashes_.push_back(now);
        if (crashes_.size() > limit_) {
            crashes_.pop_front();
        }
        return !before && alarming(now);
    }
    /// The limit was reached within the last minute.
    bool alarming(TimePoint now) const {
        return limit_ != 0 && crashes_.size() >= limit_ &&
               now - crashes_.front() <= kMinute;
    }

  private:
    static constexpr Millis kMinute{60000};

    unsigned limit_;
    std::deque<TimePoint> crashes_;  ///< at most limit_
};

}  // namespace neuron

#endif
