// When a silent server is asked whether it lives, and what its silence then means.

#include "neurond/back/health_check.h"

#include <utility>

namespace neuron {

void HealthCheck::begin(bool modern, TimePoint now) {
    question_ = modern ? Question::kDiscover : Question::kPing;
    heard_ = now;
    asked_ = missed_ = refused_ = false;
    rest(now);
}

void HealthCheck::rest(TimePoint now) {
    asked_ = false;
    due_ = now + settings_.interval;
}

HealthCheck::Step HealthCheck::ask(TimePoint now, Verdict verdict) {
    asked_ = true;
    spoke_ = false;
    due_ = now + settings_.timeout;
    return {true, verdict};
}

HealthCheck::Verdict HealthCheck::on_message(TimePoint now) {
    heard_ = now;
    spoke_ = true;
    if (!std::exchange(missed_, false)) {
        return Verdict::kNone;
    }
    rest(now);
    return refused_ ? Verdict::kNone : Verdict::kHealthy;
}

HealthCheck::Step HealthCheck::on_time(TimePoint now, TimePoint patience) {
    if (asked_ && spoke_) {
        rest(now);  // it is slow to answer this, but it lives
        return {};
    }
    if (asked_) {
        return std::exchange(missed_, true) ? again_missed(now, patience)
                                            : ask(now, Verdict::kDegraded);
    }
    if (!refused_ && !missed_ && now - heard_ < settings_.interval) {
        due_ = heard_ + settings_.interval;
        return {};
    }
    return ask(now, Verdict::kNone);
}

HealthCheck::Step HealthCheck::on_failure(TimePoint now, TimePoint patience) {
    if (!asked_) {
        return {};
    }
    asked_ = false;
    due_ = now + settings_.timeout;
    return std::exchange(missed_, true) ? again_missed(now, patience)
                                        : Step{false, Verdict::kDegraded};
}

HealthCheck::Step HealthCheck::again_missed(TimePoint now, TimePoint patience) {
    if (now >= patience) {
        return {false, Verdict::kHung};
    }
    due_ = now + settings_.timeout;
    return {};
}

HealthCheck::Step HealthCheck::on_reply(Reply reply, TimePoint now) {
    if (reply == Reply::kMethodNotFound && question_ == Question::kPing) {
        question_ = Question::kListTools;
        return ask(now, Verdict::kNone);
    }
    rest(now);
    const bool refused = reply == Reply::kError;
    const bool before = std::exchange(refused_, refused);
    return {false, refused  ? Verdict::kDegraded
                   : before ? Verdict::kHealthy
                            : Verdict::kNone};
}

}  // namespace neuron
