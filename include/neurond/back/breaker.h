#ifndef NEUROND_BACK_BREAKER_H
#define NEUROND_BACK_BREAKER_H

#include <cstddef>
#include <deque>

#include "neurond/base/clock.h"

namespace neuron {

struct BreakerSettings {
    unsigned failures = 5;    ///< within `window`; 0 = it never opens
    Millis window{60000};
    Millis cooldown{300000};  ///< from opening to the probe
};

/// The circuit breaker of a downstream (requirements C-7, S1-31 to 33). Pure: time is
/// passed in.
///
///     closed ──`failures` in `window`──> open ──`cooldown`──> half-open: one probe
///       ^──────────────the probe was answered────────────────────┘  └──it failed──> open
///
/// Two things count: crashes, and calls or pings that failed for no word of the server's
/// (timeout, lost connection, broken protocol). A call that is answered, if with an error
/// of the server's own, wipes out the failed calls before it, but no crash.
class Breaker {
  public:
    enum class State { kClosed, kOpen, kHalfOpen };
    enum class Admission {
        kYes,
        kProbe,  ///< this one decides; tell on_probe_answered() or a failure
        kNo,
    };
    enum class Loss {
        kTimeout,
        /// Calls that were under way together are lost together: they count as one.
        kConnection,
    };

    explicit Breaker(const BreakerSettings& settings) : settings_(settings) {}

    State state() const noexcept { return state_; }
    /// Until the probe; 0 unless open.
    Millis retry_after(TimePoint now) const noexcept;

    /// Whether a call may be sent, or a process started, now.
    Admission admit(TimePoint now);
    /// Both return whether the circuit is open now.
    bool on_crash(TimePoint now);
    bool on_call_failed(Loss loss, TimePoint sent, TimePoint now);
    /// A call that was no probe has been answered.
    void on_answered() { calls_.clear(); }
    void on_probe_answered() { close(); }
    /// The probe came to nothing, as when its caller gave up: the next one may be sent.
    void on_probe_dropped(TimePoint now);
    /// Forgets everything: an operator knows better.
    void close();

  private:
    bool count(std::deque<TimePoint>& failures, TimePoint now);
    void open(TimePoint now);

    BreakerSettings settings_;
    State state_ = State::kClosed;
    std::deque<TimePoint> crashes_;  ///< at most `failures`
    std::deque<TimePoint> calls_;
    TimePoint until_;  ///< of kOpen
};

const char* to_string(Breaker::State state) noexcept;

}  // namespace neuron

#endif
