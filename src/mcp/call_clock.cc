// The deadlines of a call, which take turns: before it is sent, with its server, with its
// client.

#include "neurond/mcp/call_clock.h"

#include <algorithm>

namespace neuron {

void CallClock::begin(Millis timeout) {
    begun_ = loop_.now();
    timer_.arm(timeout);
}

void CallClock::extend(Millis timeout, Millis most) {
    const auto left = std::chrono::ceil<Millis>(begun_ + most - loop_.now());
    timer_.arm(std::min(timeout, left));
}

void CallClock::ask(Millis timeout) {
    const auto left = std::chrono::ceil<Millis>(timer_.deadline() - loop_.now());
    left_ = std::max(left, Millis{1});
    asked_ = loop_.now();
    timer_.arm(timeout);
}

void CallClock::go_on() {
    if (asked_ == TimePoint()) {
        return;
    }
    begun_ += loop_.now() - asked_;
    asked_ = {};
    timer_.arm(left_);
}

Millis CallClock::waited() const {
    const TimePoint since = asked_ == TimePoint() ? begun_ : asked_;
    return std::chrono::duration_cast<Millis>(loop_.now() - since);
}

}  // namespace neuron
