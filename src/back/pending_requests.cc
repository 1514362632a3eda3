// Which of our requests an answer is for, and which call a message is about.

#include "neurond/back/pending_requests.h"

#include <utility>

#include "neurond/back/carrier.h"

namespace neuron {

uint64_t PendingRequests::add(Kind kind, CallHandle call, const std::string& party) {
    const uint64_t id = next_++;
    calls_ += kind == Kind::kCall ? 1 : 0;
    entries_.emplace(id, Entry{kind, call, session_, party});
    return id;
}

std::optional<PendingRequests::Entry> PendingRequests::take(uint64_t id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        return std::nullopt;
    }
    Entry entry = std::move(found->second);
    entries_.erase(found);
    calls_ -= entry.kind == Kind::kCall ? 1 : 0;
    away_ -= entry.away ? 1 : 0;
    return entry;
}

std::vector<CallHandle> PendingRequests::take_calls() {
    std::vector<CallHandle> calls;
    for (const auto& [id, entry] : std::exchange(entries_, {})) {
        if (entry.kind == Kind::kCall) {
            calls.push_back(entry.call);
        }
    }
    calls_ = 0;
    away_ = 0;
    return calls;
}

void PendingRequests::set_away(uint64_t id, bool away) {
    const auto found = entries_.find(id);
    if (found != entries_.end() && found->second.away != away) {
        found->second.away = away;
        away ? ++away_ : --away_;
    }
}

std::optional<CallHandle> PendingRequests::call(uint64_t id) const {
    const auto found = entries_.find(id);
    return found != entries_.end() && found->second.kind == Kind::kCall
               ? std::optional(found->second.call)
               : std::nullopt;
}

std::optional<CallHandle> PendingRequests::call_of(uint64_t exchange, TimePoint now,
                                                   const Skip& skip) const {
    if (exchange != kAnyExchange && exchange != 0) {
        return call(exchange);
    }
    const Entry* latest = nullptr;
    uint64_t latest_id = 0;
    for (const auto& [id, entry] : entries_) {
        if (entry.kind != Kind::kCall || (skip && skip(entry.call))) {
            continue;
        }
        if (latest != nullptr && latest->party != entry.party) {
            return std::nullopt;
        }
        if (id > latest_id) {
            latest = &entry;
            latest_id = id;
        }
    }
    return latest != nullptr && !abandoned_.haunt(latest->party, now)
               ? std::optional(latest->call)
               : std::nullopt;
}

}  // namespace neuron
