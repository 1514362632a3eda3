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
    log_warn("http", "%s: refused: %s (%s %s) [req=%s]", request.identity.peer.c_str(),
             explain(why), escape(request.head.method, kShownBytes).c_str(),
             escape(request.head.path, kShownBytes).c_str(), request.request_id.c_str());
}

}  // namespace neuron
