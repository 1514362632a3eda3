// A server that breaks the rules does so a thousand times a second.

#include "neurond/back/complaints.h"

#include "neurond/base/limits.h"

namespace neuron {

Complaints::Complaints(EventLoop& loop, const std::string& server)
    : loop_(loop), server_(server), limiter_(kStderrLogLinesPerSecond) {}

void Complaints::add(const std::string& what, RequestFacts request) {
    if (!limiter_.allow(loop_.now())) {
        return;
    }
    const uint64_t withheld = limiter_.take_withheld();
    const std::string more =
        withheld == 0 ? "" : " (and " + std::to_string(withheld) + " lines like this)";
    request.server = server_;
    request.reason = what + more;
    log_about_request(LogLevel::kWarn, "supervisor", server_, request);
}

}  // namespace neuron
