// A server that breaks the rules does so a thousand times a second.

#include "neurond/back/complaints.h"

#include "neurond/base/limits.h"
#include "neurond/base/log.h"

namespace neuron {

Complaints::Complaints(EventLoop& loop, const std::string& server)
    : loop_(loop), server_(server), limiter_(kStderrLogLinesPerSecond) {}

void Complaints::add(const std::string& what) {
    if (!limiter_.allow(loop_.now())) {
        return;
    }
    const uint64_t withheld = limiter_.take_withheld();
    const std::string more =
        withheld == 0 ? "" : " (and " + std::to_string(withheld) + " lines like this)";
    log_warn("supervisor", "%s: %s%s", server_.c_str(), what.c_str(), more.c_str());
}

}  // namespace neuron
