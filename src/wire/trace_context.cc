// neurond passes the trace context of a call on unread; only the id of the trace is looked
// at, for the log.

#include "neurond/wire/trace_context.h"

#include <algorithm>

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kVersionDigits = 2;
constexpr size_t kTraceDigits = 32;
constexpr size_t kParentDigits = 16;
constexpr size_t kFlagDigits = 2;
constexpr size_t kTraceAt = kVersionDigits + 1;
constexpr size_t kParentAt = kTraceAt + kTraceDigits + 1;
constexpr size_t kFlagsAt = kParentAt + kParentDigits + 1;
constexpr size_t kSize = kFlagsAt + kFlagDigits;

bool is_id(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

bool is_zero(std::string_view text) noexcept {
    return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

bool is_trace_field(std::string_view name) noexcept {
    return equals_ignoring_case(name, "traceparent") ||
           equals_ignoring_case(name, "tracestate") ||
           equals_ignoring_case(name, "baggage");
}

/// A version to come may say more, behind another dash.
std::string_view trace_id(std::string_view traceparent) noexcept {
    if (traceparent.size() < kSize) {
        return {};
    }
    const std::string_view version = traceparent.substr(0, kVersionDigits);
    const std::string_view trace = traceparent.substr(kTraceAt, kTraceDigits);
    const std::string_view parent = traceparent.substr(kParentAt, kParentDigits);
    const bool ends = traceparent.size() == kSize ||
                      (version != "00" && traceparent[kSize] == '-');
    const bool dashes = traceparent[kVersionDigits] == '-' &&
                        traceparent[kParentAt - 1] == '-' &&
                        traceparent[kFlagsAt - 1] == '-';
    const bool digits = is_id(version) && is_id(trace) && is_id(parent) &&
                        is_id(traceparent.substr(kFlagsAt, kFlagDigits));
    return ends && dashes && digits && version != "ff" && !is_zero(trace) &&
                   !is_zero(parent)
               ? trace
               : std::string_view();
}

}  // namespace neuron
