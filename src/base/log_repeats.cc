// A fault that strikes a thousand times a second is told once, with its number.

#include "neurond/base/log_repeats.h"

#include <algorithm>

#include "neurond/base/limits.h"

namespace neuron {

namespace {

constexpr Millis kWindow{kSameLineMillis};

}  // namespace

bool LogRepeats::admit(std::string_view line, TimePoint now) {
    auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.seen > 0 && entry.line == line;
    });
    if (at != entries_.end() && now - at->since < kWindow) {
        return ++at->seen <= kMaxSameLines;
    }
    if (at == entries_.end()) {
        // The oldest of those that have nothing to tell; all of them: this line is free.
        for (auto it = entries_.begin(); it != entries_.end(); ++it) {
            const bool silent = it->seen <= kMaxSameLines;
            if (silent && (at == entries_.end() || it->since < at->since)) {
                at = it;
            }
        }
    }
    if (at != entries_.end() && at->seen <= kMaxSameLines) {
        *at = {std::string(line), now, 1};
    }
    return true;
}

std::optional<LogRepeats::Withheld> LogRepeats::report(TimePoint now, bool all) {
    for (Entry& entry : entries_) {
        if (entry.seen > kMaxSameLines && (all || now - entry.since >= kWindow)) {
            Withheld out{std::move(entry.line), entry.seen - kMaxSameLines};
            entry = {};
            return out;
        }
    }
    return std::nullopt;
}

}  // namespace neuron
