#ifndef NEUROND_WIRE_TRACE_CONTEXT_H
#define NEUROND_WIRE_TRACE_CONTEXT_H

#include <string_view>

namespace neuron {

// W3C Trace Context and Baggage: what links the log of one program to that of the next.
// Header fields, and members of `_meta` under the same names (mcp-protocol 1.4).

/// `traceparent`, `tracestate` or `baggage`, in any case.
bool is_trace_field(std::string_view name) noexcept;

/// The trace id (32 hexadecimal digits) in the value of a `traceparent`; empty if it is
/// not a valid one (Trace Context section 3.2.2).
std::string_view trace_id(std::string_view traceparent) noexcept;

}  // namespace neuron

#endif
