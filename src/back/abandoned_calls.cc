// Whether what a server says may be about a call that was cancelled or has timed out: then
// it must reach none of the others that are in flight there (mcp-protocol 5.0).

#include "neurond/back/abandoned_calls.h"

#include <utility>

namespace neuron {

void AbandonedCalls::Crowd::join(const std::string& who, TimePoint now,
                                 TimePoint deadline) {
    mixed = !empty_at(now) && (mixed || party != who);
    party = who;
    until = deadline;
}

bool AbandonedCalls::add(const std::string& party, TimePoint now, TimePoint until) {
    if (barrier_ != 0 && !before_.empty_at(now)) {
        behind_.join(party, now, until);
        return false;
    }
    if (!behind_.empty_at(now)) {
        before_ = std::exchange(behind_, {});
    }
    before_.join(party, now, until);
    return true;
}

bool AbandonedCalls::passed(TimePoint now, TimePoint until) {
    barrier_ = 0;
    before_ = std::exchange(behind_, {});
    if (before_.empty_at(now)) {
        return false;
    }
    before_.until = until;
    return true;
}

bool AbandonedCalls::haunt(const std::string& party, TimePoint now) const noexcept {
    return before_.haunts(party, now) || behind_.haunts(party, now);
}

}  // namespace neuron
