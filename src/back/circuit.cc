// Which outcome of a call says something about the server, and what.

#include "neurond/back/circuit.h"

namespace neuron {

bool Circuit::admit(CallHandle call, TimePoint now) {
    switch (breaker_.admit(now)) {
        case Breaker::Admission::kYes:
            return true;
        case Breaker::Admission::kProbe:
            probe_ = call;
            return true;
        case Breaker::Admission::kNo:
            break;
    }
    return false;
}

Circuit::Change Circuit::on_outcome(CallHandle call, CallOutcome outcome,
                                    TimePoint sent, TimePoint now) {
    if (probe_ && *probe_ == call) {
        return on_probe(outcome, sent, now);
    }
    switch (outcome) {
        case CallOutcome::kAnswered:
            breaker_.on_answered();
            break;
        case CallOutcome::kTimeout:
            return failed(Breaker::Loss::kTimeout, sent, now);
        case CallOutcome::kLost:
            return failed(Breaker::Loss::kConnection, sent, now);
        case CallOutcome::kCrashed:
        case CallOutcome::kVoid:
            break;
    }
    return Change::kNone;
}

Circuit::Change Circuit::on_probe(CallOutcome outcome, TimePoint sent, TimePoint now) {
    probe_.reset();
    if (breaker_.state() != Breaker::State::kHalfOpen) {
        return Change::kNone;  // an operator, or a crash, was faster
    }
    switch (outcome) {
        case CallOutcome::kAnswered:
            breaker_.on_probe_answered();
            return Change::kClosed;
        case CallOutcome::kVoid:
            breaker_.on_probe_dropped(now);
            break;
        case CallOutcome::kTimeout:
        case CallOutcome::kLost:
        case CallOutcome::kCrashed:
            breaker_.on_call_failed(Breaker::Loss::kConnection, sent, now);
            break;
    }
    return Change::kNone;
}

Circuit::Change Circuit::failed(Breaker::Loss loss, TimePoint sent, TimePoint now) {
    const bool was_closed = breaker_.state() == Breaker::State::kClosed;
    // A call sent before the circuit opened says nothing about the probe.
    return was_closed && breaker_.on_call_failed(loss, sent, now) ? Change::kOpened
                                                                  : Change::kNone;
}

Circuit::Change Circuit::on_ping_missed(TimePoint now) {
    return failed(Breaker::Loss::kTimeout, now, now);
}

}  // namespace neuron
