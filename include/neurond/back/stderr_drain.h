#ifndef NEUROND_BACK_STDERR_DRAIN_H
#define NEUROND_BACK_STDERR_DRAIN_H

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/base/log_limiter.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// The last lines a child wrote to stderr, escaped, bounded in number and length. It
/// belongs to the downstream and survives its children.
class StderrTail {
  public:
    void add(std::string line);
    const std::deque<std::string>& lines() const noexcept { return lines_; }
    /// The last line, or empty.
    std::string last() const { return lines_.empty() ? std::string() : lines_.back(); }

  private:
    std::deque<std::string> lines_;
};

/// Reads a child's stderr without ever stopping: a child that finds its pipe full would
/// freeze. Lines go to the tail and, at a bounded rate, to the log.
class StderrDrain final : private EventHandler {
  public:
    StderrDrain(EventLoop& loop, std::string server, Fd fd, StderrTail& tail);

    /// Takes what is still in the pipe; a child that has died may have left its reason.
    void drain_rest();

  private:
    void on_ready(uint32_t events) override;
    bool read_some();
    void take(std::string_view bytes);
    void line_done();
    void log(const std::string& line);
    void report_withheld();

    EventLoop& loop_;
    std::string server_;
    Fd fd_;
    StderrTail& tail_;
    Watch watch_;
    std::string line_;
    LogLimiter limiter_;
};

}  // namespace neuron

#endif
