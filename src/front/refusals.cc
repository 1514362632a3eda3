// The trace that a wrong token leaves: whoever tries many is to be seen.

#include "neurond/front/refusals.h"

#include "neurond/base/log.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kShownBytes = 128;

const char* explain(Refusal why) noexcept {
    switch (why) {
        case Refusal::kInvalid:
            return "its token or certificate counts for nothing";
        case Refusal::kMissing:
            return "it shows neither certificate nor token";
        case Refusal::kForbidden:
            break;
    }
    return "it is no operator (admin = yes)";
}

}  // namespace

const char* to_string(Refusal why) noexcept {
    switch (why) {
        case Refusal::kInvalid:
            return "invalid";
        case Refusal::kMissing:
            return "missing";
        case Refusal::kForbidden:
            break;
    }
    return "forbidden";
}

void Refusals::note(const HttpRequest& request, Refusal why, TimePoint now) {
    ++counts_[static_cast<size_t>(why)];
    if (!log_.allow(now)) {
        return;
    }
    const std::string operation = escape(request.head.method, kShownBytes) + " " +
                                  escape(request.head.path, kShownBytes);
    log_about_request(LogLevel::kWarn, "http",
                      request.identity.peer + ": refused",
                      {request.request_id,
                       {},
                       operation,
                       std::string(explain(why)) + " (" + operation + ")"});
}

}  // namespace neuron
