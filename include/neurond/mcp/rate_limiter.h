#ifndef NEUROND_MCP_RATE_LIMITER_H
#define NEUROND_MCP_RATE_LIMITER_H

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <unordered_map>

#include "neurond/base/clock.h"
#include "neurond/mcp/identity.h"

namespace neuron {

/// How often somebody may ask.
struct RequestRate {
    unsigned per_second = 0;  ///< in the long run; 0 = as often as it likes
    unsigned burst = 0;       ///< at once; 0 = as many as in a second
};

struct RateSettings {
    RequestRate everybody;  ///< who has no rate of its own
    std::map<std::string, RequestRate> clients{};  ///< by [client ID]
};

/// Counts the requests of each client in a token bucket (limits.rate, DESIGN 1.4). A
/// client is its identity; those who have not proved one are told apart by their address.
/// Of clients over kMaxRateBuckets the one that has been silent longest is forgotten.
class RateLimiter {
  public:
    /// Counts `requests` that came together and says how long to wait before they may
    /// come again: zero when they are let through. Many at once are let through while the
    /// bucket holds one, and what it lacks is owed.
    Millis take(const RateSettings& settings, const Identity& who, TimePoint now,
                unsigned requests = 1);

    /// How often take() made somebody wait, by [client ID], or by the kind of an identity
    /// that has none: "uid", "cert", "anonymous".
    const std::map<std::string, uint64_t>& limited() const noexcept { return limited_; }
    size_t buckets() const noexcept { return buckets_.size(); }

  private:
    struct Bucket {
        double tokens;
        TimePoint filled;
        std::list<std::string>::iterator place;  ///< in silent_
    };

    Bucket& bucket(const std::string& key, double full, TimePoint now);

    std::unordered_map<std::string, Bucket> buckets_;
    std::list<std::string> silent_;  ///< keys, the one silent longest first
    std::map<std::string, uint64_t> limited_;
};

}  // namespace neuron

#endif
