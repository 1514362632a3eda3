// Token buckets, filled when they are looked at: a client that is silent costs no time.

#include "neurond/mcp/rate_limiter.h"

#include <algorithm>
#include <chrono>
#include <chrono>

#include "neurond/base/limits.h"

namespace neuron {

namespace {

using Seconds = std::chrono::duration<double>;

/// Whose bucket it is. Of those without a name each address has its own; no [client ID]
/// has a colon.
std::string key_of(const Identity& who) {
    if (who.name != "anonymous" && who.name != "unauthenticated") {
        return who.name;
    }
    return "ip:" + who.peer.substr(0, who.peer.rfind(':'));
}

double full_bucket(const RequestRate& rate) {
    return std::max(1.0, static_cast<double>(rate.burst != 0 ? rate.burst
                                                             : rate.per_second));
}

const RequestRate& rate_of(const RateSettings& settings, const Identity& who) {
    const auto own = settings.clients.find(who.name);
    return own != settings.clients.end() ? own->second : settings.everybody;
}

}  // namespace

RateLimiter::Bucket& RateLimiter::bucket(const std::string& key, double full,
                                         TimePoint now) {
    const auto [found, fresh] = buckets_.try_emplace(key);
    Bucket& bucket = found->second;
    if (!fresh) {
        silent_.splice(silent_.end(), silent_, bucket.place);
        return bucket;
    }
    bucket = {full, now, silent_.insert(silent_.end(), key)};
    if (buckets_.size() > kMaxRateBuckets) {
        buckets_.erase(silent_.front());
        silent_.pop_front();
    }
    return bucket;
}

Millis RateLimiter::take(const RateSettings& settings, const Identity& who,
                         TimePoint now, unsigned requests) {
    const RequestRate& rate = rate_of(settings, who);
    if (rate.per_second == 0) {
        return Millis{0};
    }
    const double full = full_bucket(rate);
    Bucket& its = bucket(key_of(who), full, now);
    const double passed = Seconds(now - its.filled).count();
    its.tokens = std::min(full, its.tokens + passed * rate.per_second);
    its.filled = now;
    if (its.tokens >= 1.0) {
        its.tokens -= requests;
        return Millis{0};
    }
    ++limited_[who.name.substr(0, who.name.find(':'))];
    const double wait = (1.0 - its.tokens) / rate.per_second;
    return std::chrono::ceil<Millis>(std::chrono::duration<double>(wait));
}

}  // namespace neuron
