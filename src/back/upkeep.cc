// The end of a life as the whole downstream sees it: decided once, then counted, kept,
// logged, and told to whoever must know.

#include "neurond/back/upkeep.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <numeric>

#include "neurond/base/crypto.h"
#include "neurond/base/log.h"
#include "neurond/base/secrets.h"

namespace neuron {

namespace {

/// "0.1 s": a tenth matters for what died at once.
std::string in_seconds(Millis span) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(span.count()) / 1000);
    return text;
}

/// Chance need not be secret, only different in each process.
std::minstd_rand::result_type seed() {
    const std::string bytes = random_bytes(sizeof(uint32_t));
    uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace

Upkeep::Upkeep(const UpkeepSettings& settings, AlarmSink& alarm)
    : settings_(settings),
      alarm_(alarm),
      breaker_(settings.breaker),
      rate_(settings.alarm_crashes),
      random_(seed()) {}

/// What names no program that can be run will name none the next time; what the system
/// lacked, it may have then.
Ending Upkeep::not_started(const Error& error) {
    switch (error.sys) {
        case ENOENT:
        case ENOTDIR:
        case EACCES:
        case EPERM:
        case ENOEXEC:
        case ELOOP:
        case ENAMETOOLONG:
        case E2BIG:
            return {EndCause::kBadConfig, {}, error.message};
        default:
            return {EndCause::kNotStarted, {}, error.message};
    }
}

NextStep Upkeep::ended(Lifecycle& life, const Ending& ending, TimePoint now) {
    const bool was_starting = life.state() == LifeState::kStarting;
    std::uniform_real_distribution<double> chance(-1.0, 1.0);
    const NextStep next =
        life.ended(ending.cause, ending.why, breaker_, now, chance(random_));
    history_.add(
        {wall_now(), life.uptime(now), ending.status, mask_secrets(ending.why),
         next.words});
    if (next.what == NextStep::What::kStart) {
        ++restarts_[static_cast<size_t>(ending.cause)];
    }
    log(life, ending.why, next, now);
    // A server elsewhere that is not there yet has not crashed, nor has one that was
    // ended in good order.
    const bool idle = !settings_.life.spawned && was_starting;
    const bool rests = next.what == NextStep::What::kNothing &&
                       life.state() != LifeState::kFailed;
    if (ending.cause != EndCause::kAsked && !idle && !rests && rate_.on_crash(now)) {
        alarm_.on_alarm(settings_.server,
                        std::to_string(settings_.alarm_crashes) +
                            " crashes within a minute: " + ending.why);
    }
    return next;
}

uint64_t Upkeep::restarts() const noexcept {
    return std::accumulate(restarts_.begin(), restarts_.end(), uint64_t{0});
}

void Upkeep::log(const Lifecycle& life, const std::string& why, const NextStep& next,
                 TimePoint now) const {
    const char* server = settings_.server.c_str();
    const std::string uptime = in_seconds(life.uptime(now));
    if (life.state() != LifeState::kFailed) {
        log_info("supervisor", "%s: %s (%s; up %s; %s)", server,
                 to_string(life.state()), why.c_str(), uptime.c_str(),
                 next.words.c_str());
        return;
    }
    log_error("supervisor", "%s: failed (%s; up %s; %s)", server,
              life.reason().c_str(), uptime.c_str(), next.words.c_str());
    if (!life.ever_healthy() && !settings_.command.empty()) {
        log_error("supervisor",
                  "%s: crashed immediately (%s uptime); it has never worked, so it is "
                  "not started again. Is the command wrong, or an argument? Is a "
                  "dependency missing? Has the program another version? Command: %s",
                  server, uptime.c_str(), settings_.command.c_str());
    }
}

}  // namespace neuron
