#ifndef NEUROND_BACK_CIRCUIT_H
#define NEUROND_BACK_CIRCUIT_H

#include <optional>

#include "neurond/back/breaker.h"
#include "neurond/mcp/exchange.h"

namespace neuron {

/// What became of a call that was sent, as far as it tells of the server's health.
enum class CallOutcome {
    kAnswered,  ///< with a result, or an error of the server's own
    kTimeout,
    kLost,      ///< the connection, or its answer was none
    kCrashed,   ///< with the instance, whose end is counted as such
    kVoid,      ///< tells nothing: its caller gave up, or we ended the instance
};

/// Between the calls of a downstream and its breaker: which of them is the probe, and what
/// their outcomes do to the circuit. Pure.
class Circuit {
  public:
    enum class Change { kNone, kOpened, kClosed };

    explicit Circuit(Breaker& breaker) : breaker_(breaker) {}

    /// Whether this call may be sent to a server that is there.
    bool admit(CallHandle call, TimePoint now);
    /// `sent`: when the call was. A call that was not sent can only be kVoid.
    Change on_outcome(CallHandle call, CallOutcome outcome, TimePoint sent,
                      TimePoint now);
    /// A health check was not answered.
    Change on_ping_missed(TimePoint now);

  private:
    Change on_probe(CallOutcome outcome, TimePoint sent, TimePoint now);
    Change failed(Breaker::Loss loss, TimePoint sent, TimePoint now);

    Breaker& breaker_;
    std::optional<CallHandle> probe_;
};

}  // namespace neuron

#endif
