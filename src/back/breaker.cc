// When a downstream is left alone for a while, so that callers hear at once what they
// would otherwise wait for, and a server in trouble is not buried in calls.

#include "neurond/back/breaker.h"

#include <algorithm>

namespace neuron {

const char* to_string(Breaker::State state) noexcept {
    switch (state) {
        case Breaker::State::kClosed:
            return "closed";
        case Breaker::State::kOpen:
            return "open";
        case Breaker::State::kHalfOpen:
            return "half-open";
    }
    return "";
}

Millis Breaker::retry_after(TimePoint now) const noexcept {
    if (state_ != State::kOpen || now >= until_) {
        return Millis{0};
    }
    return std::chrono::ceil<Millis>(until_ - now);
}

Breaker::Admission Breaker::admit(TimePoint now) {
    switch (state_) {
        case State::kClosed:
            return Admission::kYes;
        case State::kOpen:
            if (now < until_) {
                return Admission::kNo;
            }
            state_ = State::kHalfOpen;
            return Admission::kProbe;
        case State::kHalfOpen:
            break;
    }
    return Admission::kNo;
}

bool Breaker::on_crash(TimePoint now) {
    return count(crashes_, now);
}

bool Breaker::on_call_failed(Loss loss, TimePoint sent, TimePoint now) {
    const bool together = loss == Loss::kConnection && state_ == State::kClosed &&
                          !calls_.empty() && sent <= calls_.back();
    return together ? false : count(calls_, now);
}

/// Calls that were sent before it opened still fail while it is open: that does not
/// prolong it.
bool Breaker::count(std::deque<TimePoint>& failures, TimePoint now) {
    if (state_ == State::kOpen) {
        return true;
    }
    if (state_ == State::kHalfOpen) {
        open(now);
        return true;
    }
    if (settings_.failures == 0) {
        return false;
    }
    failures.push_back(now);
    for (auto* kind : {&crashes_, &calls_}) {
        while (!kind->empty() && now - kind->front() > settings_.window) {
            kind->pop_front();
        }
    }
    if (crashes_.size() + calls_.size() < settings_.failures) {
        return false;
    }
    open(now);
    return true;
}

void Breaker::open(TimePoint now) {
    state_ = State::kOpen;
    until_ = now + settings_.cooldown;
    crashes_.clear();
    calls_.clear();
}

void Breaker::on_probe_dropped(TimePoint now) {
    if (state_ == State::kHalfOpen) {
        state_ = State::kOpen;
        until_ = now;
    }
}

void Breaker::close() {
    state_ = State::kClosed;
    crashes_.clear();
    calls_.clear();
}

}  // namespace neuron
