#ifndef NEUROND_DAEMON_HEAP_TRIM_H
#define NEUROND_DAEMON_HEAP_TRIM_H

#include <cstddef>

#include "neurond/daemon/view.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// Gives memory that a burst of calls has left free back to the system, once none runs: an
/// allocator keeps it for the next burst, and that may never come.
class HeapTrim {
  public:
    HeapTrim(EventLoop& loop, const DaemonView& view);

  private:
    void look();
    bool busy() const;

    const DaemonView& view_;
    size_t least_;  ///< resident bytes, as few as there were since memory was given back
    Timer timer_;
};

}  // namespace neuron

#endif
