#ifndef NEUROND_BACK_LATE_ANSWERS_H
#define NEUROND_BACK_LATE_ANSWERS_H

#include <utility>
#include <vector>

#include "neurond/loop/event_loop.h"
#include "neurond/mcp/exchange.h"

namespace neuron {

/// Failures that are delivered later in the same turn, because a call is never answered
/// inside Answerer::take().
class LateAnswers {
  public:
    LateAnswers(EventLoop& loop, CallSink& sink);

    void fail(CallHandle call, OwnError error);

  private:
    void deliver();

    CallSink& sink_;
    std::vector<std::pair<CallHandle, OwnError>> failed_;
    Task task_;
};

}  // namespace neuron

#endif
