#ifndef NEUROND_BASE_CLOCK_H
#define NEUROND_BASE_CLOCK_H

#include <algorithm>
#include <chrono>
#include <string>

namespace neuron {

using Millis = std::chrono::milliseconds;
using Micros = std::chrono::microseconds;
/// Monotonic: deadlines and durations. Never shown to anybody.
using TimePoint = std::chrono::steady_clock::time_point;
/// Calendar time: logs, audit, expiry of what outlives the process.
using WallTime = std::chrono::system_clock::time_point;

TimePoint monotonic_now() noexcept;
WallTime wall_now() noexcept;

/// RFC 3339 in UTC with milliseconds: "2026-11-21T01:02:03.456Z".
std::string to_rfc3339(WallTime when);

/// Rounded up and at least 1, as Retry-After has it.
inline int whole_seconds(Millis wait) {
    using std::chrono::seconds;
    return std::max(1, static_cast<int>(std::chrono::ceil<seconds>(wait).count()));
}

}  // namespace neuron

#endif
