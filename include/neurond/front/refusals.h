#ifndef NEUROND_FRONT_REFUSALS_H
#define NEUROND_FRONT_REFUSALS_H

#include <cstddef>
#include <cstdint>

#include "neurond/base/clock.h"
#include "neurond/base/limits.h"
#include "neurond/base/log_limiter.h"
#include "neurond/front/http_conn.h"

namespace neuron {

/// Why somebody was not let in.
enum class Refusal {
    kInvalid,    ///< what was shown counts for nothing: 401
    kMissing,    ///< nothing was shown where something is needed: 401
    kForbidden,  ///< known, but no operator: 403
};
constexpr size_t kRefusalCount = 3;
const char* to_string(Refusal why) noexcept;

/// Who was not let in, told and counted. Anybody can cause it, so only so many lines a
/// second are written; none has what was shown in it.
class Refusals {
  public:
    void note(const HttpRequest& request, Refusal why, TimePoint now);
    uint64_t count(Refusal why) const noexcept {
        return counts_[static_cast<size_t>(why)];
    }

  private:
    uint64_t counts_[kRefusalCount] = {};
    LogLimiter log_{kStrangerLogLinesPerSecond};
};

}  // namespace neuron

#endif
