#ifndef NEUROND_BASE_LOG_REPEATS_H
#define NEUROND_BASE_LOG_REPEATS_H

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/clock.h"

namespace neuron {

/// Keeps a line that is written again and again from filling the log. Of one line at most
/// kMaxSameLines are written within kSameLineMillis; the rest is counted. It remembers
/// only a few lines at a time. Pure.
class LogRepeats {
  public:
    struct Withheld {
        std::string line;
        size_t count;
    };

    /// Whether `line` may be written now.
    bool admit(std::string_view line, TimePoint now);
    /// A line whose time is over and of which some were withheld, once each. With `all`
    /// also those whose time is not over.
    std::optional<Withheld> report(TimePoint now, bool all = false);

  private:
    struct Entry {
        std::string line;
        TimePoint since;
        size_t seen = 0;
    };

    std::array<Entry, 8> entries_;
};

}  // namespace neuron

#endif
