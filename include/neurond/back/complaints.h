#ifndef NEUROND_BACK_COMPLAINTS_H
#define NEUROND_BACK_COMPLAINTS_H

#include <string>

#include "neurond/base/log.h"
#include "neurond/base/log_limiter.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// What is wrong with a server goes to the log, at a rate it cannot set.
class Complaints {
  public:
    /// Both outlive this.
    Complaints(EventLoop& loop, const std::string& server);

    /// `request`: the one it is about, if any.
    void add(const std::string& what, RequestFacts request = {});

  private:
    EventLoop& loop_;
    const std::string& server_;
    LogLimiter limiter_;
};

}  // namespace neuron

#endif
