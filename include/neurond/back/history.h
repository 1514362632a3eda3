#ifndef NEUROND_BACK_HISTORY_H
#define NEUROND_BACK_HISTORY_H

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "neurond/base/clock.h"
#include "neurond/base/limits.h"

namespace neuron {

/// How one life of a downstream ended, and what was decided then.
struct HistoryEntry {
    WallTime time;
    Millis uptime{0};
    std::string status;  ///< "exited with status 3"; empty where there was no process
    std::string reason;
    std::string next;    ///< "start 1 of 3 in 1000 ms", "given up: …"
};

/// The last ends of a downstream, oldest first (requirements S2-28). Bounded.
class History {
  public:
    void add(HistoryEntry entry) {
        if (entries_.size() == kHistoryEntries) {
            entries_.pop_front();
        }
        entries_.push_back(std::move(entry));
        ++total_;
    }

    const std::deque<HistoryEntry>& entries() const noexcept { return entries_; }
    /// All that were ever added.
    uint64_t total() const noexcept { return total_; }

  private:
    std::deque<HistoryEntry> entries_;
    uint64_t total_ = 0;
};

}  // namespace neuron

#endif
