#ifndef NEUROND_BACK_LIFECYCLE_H
#define NEUROND_BACK_LIFECYCLE_H

#include <cstddef>
#include <deque>
#include <string>

#include "neurond/back/breaker.h"
#include "neurond/base/clock.h"

namespace neuron {

/// What an instance of a downstream is doing (DESIGN 1.6).
enum class LifeState {
    kConfigured,  ///< not running, and nothing is wrong
    kStarting,
    kHealthy,
    kDegraded,    ///< serves, but its last health check failed
    kRestarting,  ///< waits for its next start
    kFailed,      ///< given up: only an operator or a reload starts it again
    kOpen,        ///< its circuit is open; there may be a process
    kDisabled,
    kStopped,     ///< for good: the daemon ends
};
constexpr size_t kLifeStates = 9;
const char* to_string(LifeState state) noexcept;

/// It takes calls.
constexpr bool is_serving(LifeState state) noexcept {
    return state == LifeState::kHealthy || state == LifeState::kDegraded;
}

/// Why a life ended, as far as that decides what comes next (requirements S2-34).
enum class EndCause {
    kExit,         ///< by itself, with status 0
    kCrash,        ///< by itself, otherwise
    kNotStarted,   ///< there was no process, for a reason that may pass: EAGAIN
    kBadConfig,    ///< the same will come of it every time: ENOENT, EACCES, HTTP 401
    kNotReady,     ///< ended by us: no handshake or list within start_timeout, or a bad one
    kHung,         ///< ended by us: it answered no health check
    kUnreachable,  ///< HTTP: no connection
    kAsked,        ///< ended by us, to be started again
};
constexpr size_t kEndCauses = 8;
/// Also the label `reason` of neurond_downstream_restarts_total.
const char* to_string(EndCause cause) noexcept;

/// How a life ended.
struct Ending {
    EndCause cause = EndCause::kCrash;
    std::string status;  ///< "exited with status 3"; empty where there was no process
    std::string why;     ///< for people; holds the status where there is one
};

struct LifecycleSettings {
    enum class Restart { kOnFailure, kAlways, kNever };
    Restart restart = Restart::kOnFailure;
    bool spawned = true;  ///< false: HTTP. Nothing is spawned, so nothing is capped
    Millis crash_window{5000};
    Millis stable_after{60000};
    unsigned max_restarts = 3;     ///< in a row; 0 = no limit
    unsigned window_restarts = 10; ///< within `window`; 0 = no limit
    Millis window{3600000};
    Millis backoff{1000};
    Millis backoff_max{60000};
    double jitter = 0.2;  ///< of the pause, up or down
};

/// What to do now that a life has ended.
struct NextStep {
    enum class What { kNothing, kStart };
    What what = What::kNothing;
    Millis delay{0};    ///< of kStart
    std::string words;  ///< "start 1 of 3 in 1000 ms", "given up: …"
};

/// The one state machine of an instance. Pure: time and chance are passed in, and it does
/// nothing but say what is to be done. An event that makes no sense in a state changes
/// nothing.
///
///     configured ──start──> starting ──listed──> healthy <──ping──> degraded
///         restarting ──start──^                      │ ended: decide()
///         open ──probe──^     <──────────────────────┘  or failed, or open
///
/// Order of the decision (requirements C-7): restart = never or a clean exit; a crash
/// before it ever was healthy and within crash_window, or an error of configuration; the
/// breaker; max_restarts in a row; restart_window; backoff.
class Lifecycle {
  public:
    explicit Lifecycle(const LifecycleSettings& settings) : settings_(settings) {}

    LifeState state() const noexcept { return state_; }
    /// Why it is in that state; empty while it serves.
    const std::string& reason() const noexcept { return reason_; }
    /// It was healthy at some time since it was configured, enabled or reset.
    bool ever_healthy() const noexcept { return ever_healthy_; }
    /// Between start and end.
    bool alive() const noexcept { return alive_; }
    /// In a row.
    unsigned restarts() const noexcept { return restarts_; }
    /// Of this life, or of the last one when it has ended.
    Millis uptime(TimePoint now) const noexcept;

    void start(TimePoint now);
    /// Handshake and first list are done.
    void listed(TimePoint now);
    void ping_failed(const std::string& why);
    void ping_answered();
    /// Calls have opened the circuit of a live instance; their answers have closed it.
    void circuit_opened(const std::string& why);
    void circuit_closed();
    /// It is being ended to be started again; ended() with kAsked follows.
    void begin_restart(const std::string& why);
    /// It was ended because nobody needed it: configured, and its counts stay.
    void rested(TimePoint now);
    /// `random` is from [-1, 1]: where in the jitter the next pause lies.
    NextStep ended(EndCause cause, const std::string& why, Breaker& breaker,
                   TimePoint now, double random);
    /// Back to configured, as if never started: an operator asked, or a new section.
    /// Only after its end.
    void reset();
    void disable(const std::string& why);
    void stop();

  private:
    NextStep decide(EndCause cause, const std::string& why, Breaker& breaker,
                    TimePoint now, double random);
    NextStep rest(LifeState state, const std::string& why, std::string words);
    NextStep again(const std::string& why, TimePoint now, double random);
    bool is_config_error(EndCause cause, Millis uptime) const noexcept;
    std::string exhausted(TimePoint now);
    Millis pause(double random) const noexcept;

    LifecycleSettings settings_;
    LifeState state_ = LifeState::kConfigured;
    std::string reason_;
    bool alive_ = false;
    bool ever_healthy_ = false;
    bool healthy_ = false;  ///< this life was
    TimePoint started_;
    TimePoint healthy_since_;
    TimePoint ended_;
    unsigned restarts_ = 0;
    std::deque<TimePoint> restarted_;  ///< within the window, at most window_restarts
};

}  // namespace neuron

#endif
