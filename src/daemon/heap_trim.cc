// How large a process looks should tell what it needs now, not what it once needed.

#include "neurond/daemon/heap_trim.h"

#include <malloc.h>

#include <algorithm>

#include "neurond/daemon/process_stats.h"
#include "neurond/mcp/parked_calls.h"

namespace neuron {

namespace {

constexpr Millis kLook{5000};
constexpr size_t kWorthIt = 8 * 1024 * 1024;  ///< less is not worth the page faults

void give_back() {
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
}

}  // namespace

HeapTrim::HeapTrim(EventLoop& loop, const DaemonView& view)
    : view_(view), least_(resident_bytes()), timer_(loop, [this] { look(); }) {
    timer_.arm(kLook);
}

/// Calls whose clients are away may take minutes.
bool HeapTrim::busy() const {
    return view_.router().in_flight() > view_.router().parked().away();
}

void HeapTrim::look() {
    timer_.arm(kLook);
    const size_t now = resident_bytes();
    if (now > least_ + kWorthIt && !busy()) {
        give_back();
        least_ = resident_bytes();  // what is left is needed
    }
    least_ = std::min(least_, now);
}

}  // namespace neuron
