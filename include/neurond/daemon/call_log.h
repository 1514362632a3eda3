#ifndef NEUROND_DAEMON_CALL_LOG_H
#define NEUROND_DAEMON_CALL_LOG_H

#include <string_view>

#include "neurond/base/clock.h"
#include "neurond/mcp/exchange.h"

namespace neuron {

/// One line, at level debug, for a call that is over: what it was, how it went, how long
/// it took, and the ids under which its caller may look for it: X-Request-Id and, where
/// the call has a trace context, the id of the trace.
void log_call(const Call& call, std::string_view result, TimePoint now);

}  // namespace neuron

#endif
