#ifndef NEUROND_LOOP_SIGNALS_H
#define NEUROND_LOOP_SIGNALS_H

#include "neurond/base/fd.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// What the signals mean to the daemon (DESIGN 1.2). None is called in signal context.
class SignalSink {
  public:
    virtual void on_terminate() = 0;  ///< TERM, INT
    virtual void on_reload() = 0;     ///< HUP
    virtual void on_reopen() = 0;     ///< USR1
    virtual void on_child() = 0;      ///< CHLD: at least one child may be reaped

  protected:
    ~SignalSink() = default;
};

/// A write to a peer that has gone is an error then, not the end of this process.
void ignore_broken_pipes() noexcept;

/// Blocks the daemon's signals in this process and ignores PIPE. The first thing a
/// daemon process does; children are spawned with an empty mask and default handlers.
void block_signals() noexcept;

/// Delivers blocked signals to the sink from the loop. One a process.
class Signals final : private EventHandler {
  public:
    /// block_signals() has been called. Ends the process without a signalfd.
    Signals(EventLoop& loop, SignalSink& sink);

  private:
    void on_ready(uint32_t events) override;

    SignalSink& sink_;
    Fd fd_;
    Watch watch_;
};

}  // namespace neuron

#endif
