#ifndef NEUROND_BACK_PENDING_REQUESTS_H
#define NEUROND_BACK_PENDING_REQUESTS_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "neurond/back/abandoned_calls.h"
#include "neurond/base/clock.h"
#include "neurond/mcp/exchange.h"

namespace neuron {

/// What one instance has been asked and has not answered, by our id. Pure.
class PendingRequests {
  public:
    enum class Kind { kCall, kGreeting, kList, kHealth, kFeed, kLevel, kBarrier };
    struct Entry {
        Kind kind = Kind::kCall;
        CallHandle call;
        unsigned session = 0;  ///< how many sessions had been renewed when it was sent
        std::string party;     ///< of a call (CallRequest::party)
        bool away = false;     ///< of a call: set_away()
    };

    /// Our id for it.
    uint64_t add(Kind kind, CallHandle call = {}, const std::string& party = {});
    std::optional<Entry> take(uint64_t id);
    void erase(uint64_t id) { take(id); }
    /// All that are calls; afterwards nothing is pending.
    std::vector<CallHandle> take_calls();
    /// f(CallHandle) for each call; f must not change anything here.
    template <typename F>
    void for_each_call(F f) const {
        for (const auto& [id, entry] : entries_) {
            if (entry.kind == Kind::kCall) {
                f(entry.call);
            }
        }
    }
    size_t calls() const noexcept { return calls_; }
    /// The client of this call is away with a question, or is back.
    void set_away(uint64_t id, bool away);
    /// How many of the calls have clients that are away.
    size_t away() const noexcept { return away_; }

    /// The server has forgotten its session with us: what is asked now is of the next.
    void next_session() noexcept { ++session_; }
    unsigned session() const noexcept { return session_; }

    /// The call with this id of ours.
    std::optional<CallHandle> call(uint64_t id) const;
    /// The call that what came on `exchange` belongs to (CarrierOwner::on_message). On one
    /// pipe for everything, and on a stream of no request's, that can be told only while
    /// all calls in flight, and those in abandoned(), are of one party; then it is the
    /// latest in flight. Those that `skip` is true of cannot be meant.
    using Skip = std::function<bool(CallHandle)>;
    std::optional<CallHandle> call_of(uint64_t exchange, TimePoint now,
                                      const Skip& skip = {}) const;
    AbandonedCalls& abandoned() noexcept { return abandoned_; }

  private:
    uint64_t next_ = 1;
    size_t calls_ = 0;
    size_t away_ = 0;
    unsigned session_ = 0;
    std::unordered_map<uint64_t, Entry> entries_;
    AbandonedCalls abandoned_;
};

}  // namespace neuron

#endif
