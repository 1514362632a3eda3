#ifndef NEUROND_MCP_CALL_CLOCK_H
#define NEUROND_MCP_CALL_CLOCK_H

#include <functional>

#include "neurond/base/clock.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// How long a call may take. While its client is asked the server's time stands still,
/// and the client's runs.
class CallClock {
  public:
    /// `over` is called when the time of whoever has it now is over.
    CallClock(EventLoop& loop, std::function<void()> over)
        : loop_(loop), timer_(loop, std::move(over)) {}

    /// No server has it yet, for this long at most.
    void wait(Millis most) { timer_.arm(most); }
    /// A server has it, for this long.
    void begin(Millis timeout);
    /// That long again, but `most` in all.
    void extend(Millis timeout, Millis most);
    /// The client is being asked, for this long.
    void ask(Millis timeout);
    /// It is not any more: what was left of the server's time goes on. Nothing happens
    /// when it was not.
    void go_on();
    /// There is no limit, for somebody else keeps the time.
    void stop() noexcept { timer_.cancel(); }

    /// The time of whoever has it now, so far.
    Millis waited() const;

  private:
    EventLoop& loop_;
    Timer timer_;
    TimePoint begun_;     ///< later by all the time the client was asked
    TimePoint asked_{};   ///< since when the client is; zero = it is not
    Millis left_{0};      ///< meanwhile: what remains for the server
};

}  // namespace neuron

#endif
