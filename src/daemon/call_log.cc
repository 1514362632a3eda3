// Where a call went is found in several logs by one id; this is neurond's part of that.

#include "neurond/daemon/call_log.h"

#include <string>

#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/catalog.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/trace_context.h"

namespace neuron {

namespace {

constexpr size_t kMaxNameBytes = 128;

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

}  // namespace

void log_call(const Call& call, std::string_view result, TimePoint now) {
    if (!log_enabled(LogLevel::kDebug)) {
        return;
    }
    const CallRequest& request = call.request;
    const std::string trace = trace_of(request);
    const std::string& name =
        call.entry != nullptr ? call.entry->full_name : request.name;
    const auto took = std::chrono::duration_cast<Millis>(now - call.received).count();
    log_debug("calls", "%s %s: %s, %lld ms [req=%s%s%s]", request.method.c_str(),
              escape(name, kMaxNameBytes).c_str(), std::string(result).c_str(),
              static_cast<long long>(took), request.request_id.c_str(),
              trace.empty() ? "" : " trace=", trace.c_str());
}

}  // namespace neuron
