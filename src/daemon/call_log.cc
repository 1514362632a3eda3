// Where a call went is found in several logs by one id; this is neurond's part of that.

#include "neurond/daemon/call_log.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

constexpr std::string_view kRequestId = "request_id";
constexpr std::string_view kTrace = "trace";

std::string name_of(const Call& call) {
    const std::string& name =
        call.entry != nullptr ? call.entry->full_name : call.request.name;
    return escape(name, kMaxNameBytes);
}

std::vector<LogField> facts_of(const Call& call, const CallEnd& end) {
    const CallRequest& request = call.request;
    const bool was_queued = call.queued != TimePoint{};
    const bool was_sent = call.stage == Call::Stage::kSent;
    const auto number = [](std::string_view name, std::string value) {
        return LogField{name, std::move(value), true};
    };
    std::vector<LogField> out = {
        {"client", escape(request.identity.name, kMaxNameBytes)},
        {"server", call.entry != nullptr ? call.entry->downstream : "-"},
        {"result", std::string(end.result)},
        number("total_ms", millis(call.received, end.when)),
        number("own_ms", millis(call.received, was_queued ? call.queued : end.when)),
        number("queue_ms", millis(call.queued, was_sent ? call.sent : end.when)),
        number("server_ms", was_sent ? millis(call.sent, end.when) : "0"),
        {kRequestId, request.request_id}};
    if (std::string trace = trace_of(request); !trace.empty()) {
        out.push_back({kTrace, std::move(trace)});
    }
    // Last, for it is the longest and the one to spare if there is no room.
    if (!end.why.empty()) {
        out.push_back({"why", escape(end.why, kMaxWhyBytes)});
    }
    return out;
}

/// ` name=value` each, and at the end, for the eye, the ids: ` [req=... trace=...]`.
std::string text_of(const std::vector<LogField>& fields) {
    std::string out;
    std::string ids;
    for (const LogField& field : fields) {
        if (field.name == kRequestId) {
            ids += " [req=" + field.value;
        } else if (field.name == kTrace) {
            ids += " trace=" + field.value;
        } else {
            out.append(" ").append(field.name).append("=").append(field.value);
        }
    }
    return out + ids + "]";
}

}  // namespace

void log_call(const Call& call, const CallEnd& end, RequestLog which) {
    const bool wanted = which == RequestLog::kAll ||
                        (which == RequestLog::kErrors && end.result != "success");
    const LogLevel level = wanted ? LogLevel::kInfo : LogLevel::kDebug;
    if (!log_enabled(level)) {
        return;
    }
    std::vector<LogField> fields = facts_of(call, end);
    const std::string& method = call.request.method;
    const std::string name = name_of(call);
    const std::string summary = method + " " + name;
    const std::string text = summary + text_of(fields);
    fields.insert(fields.begin(), {{"method", method}, {"name", name}});
    log_fields(level, "request", text, summary, fields);
}

}  // namespace neuron
