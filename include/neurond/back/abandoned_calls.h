#ifndef NEUROND_BACK_ABANDONED_CALLS_H
#define NEUROND_BACK_ABANDONED_CALLS_H

#include <cstdint>
#include <string>

#include "neurond/base/clock.h"

namespace neuron {

/// Calls that nobody waits for any more, but that their server may still speak of, where
/// nothing in what it says tells which call it means. Pure: time is passed in.
///
/// Servers need not answer a call that was cancelled. Messages stay in order on a pipe, so
/// a request behind the cancellation, the barrier, finds out: what the server said before
/// it took note comes before the answer. There is one barrier at a time: calls that are
/// given up meanwhile wait for the next.
class AbandonedCalls {
  public:
    /// One of this party was given up, and the server has been told. True: a barrier is to
    /// be sent now, see sent(); the one before, if it was not answered, counts no more.
    bool add(const std::string& party, TimePoint now, TimePoint until);
    void sent(uint64_t barrier) noexcept { barrier_ = barrier; }
    /// Our id of the last barrier; 0 = none, or it is answered.
    uint64_t barrier() const noexcept { return barrier_; }
    /// It is answered, in whatever way. True: the next one is to be sent now, for those
    /// given up since, which count until `until`.
    bool passed(TimePoint now, TimePoint until);
    /// What comes now may be about a call of another party than this one.
    bool haunt(const std::string& party, TimePoint now) const noexcept;

  private:
    /// Of which parties there are some, as far as that matters.
    struct Crowd {
        std::string party;
        bool mixed = false;  ///< of several parties
        TimePoint until;     ///< not longer, be there an answer or not

        bool empty_at(TimePoint now) const noexcept { return now >= until; }
        void join(const std::string& who, TimePoint now, TimePoint deadline);
        bool haunts(const std::string& who, TimePoint now) const noexcept {
            return !empty_at(now) && (mixed || party != who);
        }
    };

    uint64_t barrier_ = 0;
    Crowd before_;  ///< given up before the barrier was sent
    Crowd behind_;  ///< … and after
};

}  // namespace neuron

#endif
