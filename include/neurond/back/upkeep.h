#ifndef NEUROND_BACK_UPKEEP_H
#define NEUROND_BACK_UPKEEP_H

#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "neurond/back/breaker.h"
#include "neurond/back/crash_rate.h"
#include "neurond/back/health_check.h"
#include "neurond/back/history.h"
#include "neurond/back/lifecycle.h"
#include "neurond/base/result.h"

namespace neuron {

/// How a downstream is kept alive.
struct UpkeepSettings {
    std::string server;   ///< its name
    std::string command;  ///< with arguments, as people may see it; empty for HTTP
    LifecycleSettings life;
    BreakerSettings breaker;
    HealthSettings health;
    unsigned alarm_crashes = 3;  ///< a minute; 0 = never
};

/// Is told when a downstream crashes too often.
class AlarmSink {
  public:
    virtual void on_alarm(const std::string& server, const std::string& reason) = 0;

  protected:
    ~AlarmSink() = default;
};

/// What the instances of a downstream have in common while they live and die: the breaker,
/// the history, the count of restarts, the alarm. Each end is logged here.
class Upkeep {
  public:
    /// Both outlive this.
    Upkeep(const UpkeepSettings& settings, AlarmSink& alarm);

    /// How a start that gave no process has ended.
    static Ending not_started(const Error& error);

    /// What becomes of an instance whose life has ended so.
    NextStep ended(Lifecycle& life, const Ending& ending, TimePoint now);

    Breaker& breaker() noexcept { return breaker_; }
    const Breaker& breaker() const noexcept { return breaker_; }
    const History& history() const noexcept { return history_; }
    /// Ends after which there was another start, by what they were.
    uint64_t restarts(EndCause cause) const noexcept {
        return restarts_[static_cast<size_t>(cause)];
    }
    uint64_t restarts() const noexcept;
    bool alarming(TimePoint now) const { return rate_.alarming(now); }

  private:
    void log(const Lifecycle& life, const std::string& why, const NextStep& next,
             TimePoint now) const;

    const UpkeepSettings& settings_;
    AlarmSink& alarm_;
    Breaker breaker_;
    History history_;
    CrashRate rate_;
    std::array<uint64_t, kEndCauses> restarts_{};
    std::minstd_rand random_;
};

}  // namespace neuron

#endif
