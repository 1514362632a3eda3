#ifndef NEUROND_MCP_CALL_RECORD_H
#define NEUROND_MCP_CALL_RECORD_H

#include <functional>
#include <utility>

#include "neurond/loop/event_loop.h"
#include "neurond/mcp/call_clock.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/input_rounds.h"
#include "neurond/mcp/parking.h"

namespace neuron {

/// A call with what only the router knows of it.
struct CallRecord : Call {
    /// `over` is told when its time is.
    CallRecord(EventLoop& loop, CallRequest asked,
               const std::function<void(CallRecord&)>& over)
        : clock(loop, [this, over] { over(*this); }) {
        request = std::move(asked);
    }

    CallClock clock;
    bool audited = false;  ///< a call line was written, so a result line is owed
    bool taken = false;    ///< an answerer has it, or a parked call
    Parking::Id retries = 0;  ///< the parked call it goes on with
    InputRounds rounds;
};

}  // namespace neuron

#endif
