// What becomes of a server that ends: the one place that decides between another start,
// a pause and giving up.

#include "neurond/back/lifecycle.h"

#include <algorithm>

#include "neurond/protocol.h"

namespace neuron {

namespace {

std::string millis(Millis span) {
    return std::to_string(span.count()) + " ms";
}

std::string seconds(Millis span) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(span).count()) + " s";
}

}  // namespace

const char* to_string(LifeState state) noexcept {
    switch (state) {
        case LifeState::kConfigured:
            return kServerConfigured;
        case LifeState::kStarting:
            return kServerStarting;
        case LifeState::kHealthy:
            return kServerHealthy;
        case LifeState::kDegraded:
            return kServerDegraded;
        case LifeState::kRestarting:
            return kServerRestarting;
        case LifeState::kFailed:
            return kServerFailed;
        case LifeState::kOpen:
            return kServerOpen;
        case LifeState::kDisabled:
            return kServerDisabled;
        case LifeState::kStopped:
            return kServerStopped;
    }
    return "";
}

const char* to_string(EndCause cause) noexcept {
    switch (cause) {
        case EndCause::kExit:
            return "exit";
        case EndCause::kCrash:
            return "crash";
        case EndCause::kNotStarted:
            return "not_started";
        case EndCause::kBadConfig:
            return "config";
        case EndCause::kNotReady:
            return "not_ready";
        case EndCause::kHung:
            return "hung";
        case EndCause::kUnreachable:
            return "unreachable";
        case EndCause::kAsked:
            return "asked";
    }
    return "";
}

Millis Lifecycle::uptime(TimePoint now) const noexcept {
    return std::chrono::duration_cast<Millis>((alive_ ? now : ended_) - started_);
}

void Lifecycle::start(TimePoint now) {
    if (alive_ || state_ == LifeState::kDisabled || state_ == LifeState::kStopped) {
        return;
    }
    state_ = LifeState::kStarting;
    alive_ = true;
    healthy_ = false;
    started_ = now;
}

void Lifecycle::listed(TimePoint now) {
    if (state_ != LifeState::kStarting) {
        return;  // a later list, or one that came while it was being stopped
    }
    state_ = LifeState::kHealthy;
    reason_.clear();
    healthy_ = true;
    ever_healthy_ = true;
    healthy_since_ = now;
}

void Lifecycle::ping_failed(const std::string& why) {
    if (state_ == LifeState::kHealthy) {
        state_ = LifeState::kDegraded;
        reason_ = why;
    }
}

void Lifecycle::ping_answered() {
    if (state_ == LifeState::kDegraded) {
        state_ = LifeState::kHealthy;
        reason_.clear();
    }
}

void Lifecycle::circuit_opened(const std::string& why) {
    if (is_serving(state_)) {
        state_ = LifeState::kOpen;
        reason_ = why;
    }
}

void Lifecycle::circuit_closed() {
    if (state_ == LifeState::kOpen && alive_) {
        state_ = LifeState::kHealthy;
        reason_.clear();
    }
}

void Lifecycle::begin_restart(const std::string& why) {
    if (alive_ && state_ != LifeState::kDisabled && state_ != LifeState::kStopped) {
        state_ = LifeState::kRestarting;
        reason_ = why;
    }
}

NextStep Lifecycle::ended(EndCause cause, const std::string& why, Breaker& breaker,
                          TimePoint now, double random) {
    if (!alive_) {
        return {};
    }
    alive_ = false;
    ended_ = now;
    if (state_ == LifeState::kDisabled || state_ == LifeState::kStopped) {
        return {NextStep::What::kNothing, Millis{0}, to_string(state_)};
    }
    return decide(cause, why, breaker, now, random);
}

NextStep Lifecycle::decide(EndCause cause, const std::string& why, Breaker& breaker,
                           TimePoint now, double random) {
    if (healthy_ && now - healthy_since_ >= settings_.stable_after) {
        restarts_ = 0;
    }
    if (cause == EndCause::kAsked) {
        state_ = LifeState::kRestarting;
        reason_ = why;
        return {NextStep::What::kStart, Millis{0}, "start at once"};
    }
    if (settings_.restart == LifecycleSettings::Restart::kNever) {
        return rest(LifeState::kFailed, why, "none: restart = never");
    }
    if (healthy_ && cause == EndCause::kExit &&
        settings_.restart == LifecycleSettings::Restart::kOnFailure) {
        return rest(LifeState::kConfigured, why, "none: it exited with status 0");
    }
    if (is_config_error(cause, uptime(now))) {
        return rest(LifeState::kFailed, "configuration error: " + why,
                    "given up: configuration error");
    }
    // A server that cannot be reached costs nothing, and must be found soon when it is
    // there again: its failed starts do not open the circuit, but they are failed probes.
    const bool counts = settings_.spawned || healthy_ ||
                        breaker.state() != Breaker::State::kClosed;
    if (counts && breaker.on_crash(now)) {
        const Millis delay = breaker.retry_after(now);
        state_ = LifeState::kOpen;
        reason_ = why;
        return {NextStep::What::kStart, delay,
                "circuit open, one start in " + seconds(delay)};
    }
    const std::string spent = settings_.spawned ? exhausted(now) : std::string();
    return spent.empty() ? again(why, now, random)
                         : rest(LifeState::kFailed, spent + ": " + why,
                                "given up: " + spent);
}

/// Stays down; `why` is what callers and operators are told.
NextStep Lifecycle::rest(LifeState state, const std::string& why, std::string words) {
    state_ = state;
    reason_ = why;
    return {NextStep::What::kNothing, Millis{0}, std::move(words)};
}

/// A process that has never worked and dies at once will do so every time (C-5).
bool Lifecycle::is_config_error(EndCause cause, Millis uptime) const noexcept {
    const bool by_itself = cause == EndCause::kExit || cause == EndCause::kCrash;
    return !ever_healthy_ &&
           (cause == EndCause::kBadConfig ||
            (settings_.spawned && by_itself && uptime < settings_.crash_window));
}

/// Which limit of restarts is reached; empty: none.
std::string Lifecycle::exhausted(TimePoint now) {
    while (!restarted_.empty() && now - restarted_.front() > settings_.window) {
        restarted_.pop_front();
    }
    if (settings_.max_restarts != 0 && restarts_ >= settings_.max_restarts) {
        return "it ended again after " + std::to_string(restarts_) +
               (restarts_ == 1 ? " restart" : " restarts");
    }
    if (settings_.window_restarts != 0 &&
        restarted_.size() >= settings_.window_restarts) {
        return std::to_string(restarted_.size()) + " restarts within " +
               seconds(settings_.window);
    }
    return {};
}

NextStep Lifecycle::again(const std::string& why, TimePoint now, double random) {
    const Millis delay = pause(random);
    ++restarts_;
    if (settings_.spawned && settings_.window_restarts != 0) {
        restarted_.push_back(now);
    }
    state_ = LifeState::kRestarting;
    reason_ = why;
    const bool capped = settings_.spawned && settings_.max_restarts != 0;
    return {NextStep::What::kStart, delay,
            "start " + std::to_string(restarts_) +
                (capped ? " of " + std::to_string(settings_.max_restarts) : "") +
                " in " + millis(delay)};
}

/// 1, 2, 4 … times backoff, at most backoff_max; then up or down by the jitter.
Millis Lifecycle::pause(double random) const noexcept {
    Millis plain = settings_.backoff;
    for (unsigned i = 0; i < restarts_ && plain < settings_.backoff_max; ++i) {
        plain *= 2;
    }
    plain = std::min(plain, settings_.backoff_max);
    return std::chrono::duration_cast<Millis>(plain * (1.0 + settings_.jitter * random));
}

void Lifecycle::rested(TimePoint now) {
    if (alive_ && is_serving(state_)) {
        alive_ = false;
        ended_ = now;
        state_ = LifeState::kConfigured;
        reason_ = "starts with the next call";
    }
}

void Lifecycle::reset() {
    if (!alive_ && state_ != LifeState::kStopped) {
        *this = Lifecycle(settings_);
    }
}

void Lifecycle::disable(const std::string& why) {
    if (state_ != LifeState::kStopped) {
        state_ = LifeState::kDisabled;
        reason_ = why;
    }
}

void Lifecycle::stop() {
    state_ = LifeState::kStopped;
    reason_ = "is being stopped";
}

}  // namespace neuron
