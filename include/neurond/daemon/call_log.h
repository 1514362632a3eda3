#ifndef NEUROND_DAEMON_CALL_LOG_H
#define NEUROND_DAEMON_CALL_LOG_H

#include "neurond/mcp/router.h"

namespace neuron {

/// Of which calls there is a line in the log ([log] requests). At level debug: of all.
enum class RequestLog { kNo, kErrors, kAll };

/// One line for a call that is over: what it was, whose, how it went, how long neurond,
/// its queue and the server took, and the ids under which its caller may look for it:
/// X-Request-Id and, where the call has a trace context, the id of the trace.
void log_call(const Call& call, const CallEnd& end, RequestLog which);

}  // namespace neuron

#endif
