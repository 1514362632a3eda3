// Where a call went is found in several logs by one id; this is neurond's part of that.

#include "neurond/daemon/call_log.h"

#include <cstdio>
#include <string>

#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/catalog.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/trace_context.h"

namespace neuron {

namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxWhyBytes = 512;

/// The header field counts, as it does for what stands between; a client without header
/// fields says it in `_meta`.
std::string trace_of(const CallRequest& request) {
    for (const auto& [name, value] : request.headers) {
        if (equals_ignoring_case(name, "traceparent")) {
            return std::string(trace_id(value));
        }
    }
    const JsonView meta(request.meta.in(request.text.view()));
    return std::string(
        trace_id(meta.find("traceparent").as_string().value_or(std::string())));
}

/// Milliseconds, to the microsecond; "0" for what never began.
std::string millis(TimePoint from, TimePoint to) {
    if (from == TimePoint{} || to <= from) {
        return "0";
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.3f",
                  std::chrono::duration<double, std::milli>(to - from).count());
    return text;
}

}  // namespace

void log_call(const Call& call, const CallEnd& end, RequestLog which) {
    const bool wanted = which == RequestLog::kAll ||
                        (which == RequestLog::kErrors && end.result != "success");
    const LogLevel level = wanted ? LogLevel::kInfo : LogLevel::kDebug;
    if (!log_enabled(level)) {
        return;
    }
    const CallRequest& request = call.request;
    const bool has_entry = call.entry != nullptr;
    const std::string& name = has_entry ? call.entry->full_name : request.name;
    const std::string trace = trace_of(request);
    const bool was_queued = call.queued != TimePoint{};
    const bool was_sent = call.stage == Call::Stage::kSent;
    log_line(level, "request",
             "%s %s client=%s server=%s result=%s total_ms=%s own_ms=%s queue_ms=%s "
             "server_ms=%s%s%s [req=%s%s%s]",
             request.method.c_str(), escape(name, kMaxNameBytes).c_str(),
             escape(request.identity.name, kMaxNameBytes).c_str(),
             has_entry ? call.entry->downstream.c_str() : "-",
             std::string(end.result).c_str(), millis(call.received, end.when).c_str(),
             millis(call.received, was_queued ? call.queued : end.when).c_str(),
             millis(call.queued, was_sent ? call.sent : end.when).c_str(),
             was_sent ? millis(call.sent, end.when).c_str() : "0",
             end.why.empty() ? "" : " why=", escape(end.why, kMaxWhyBytes).c_str(),
             request.request_id.c_str(), trace.empty() ? "" : " trace=", trace.c_str());
}

}  // namespace neuron
