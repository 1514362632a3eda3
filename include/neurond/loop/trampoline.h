#ifndef NEUROND_LOOP_TRAMPOLINE_H
#define NEUROND_LOOP_TRAMPOLINE_H

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"
#include "neurond/loop/child.h"

namespace neuron {

/// What a child may use, and as whom it runs. 0 and empty: as we do.
struct ChildLimits {
    uint64_t memory = 0;     ///< bytes
    uint64_t processes = 0;  ///< of its user, or of its cgroup
    uint64_t cpu = 0;        ///< percent of one; only a cgroup sees to it
    uint64_t files = 0;      ///< open at a time
    std::string user;        ///< a name; only root may change to another

    std::string cgroup;      ///< the directory of the group it is started in

    bool any() const noexcept {
        return memory != 0 || processes != 0 || files != 0 || !user.empty() ||
               !cgroup.empty();
    }
    /// A cgroup would do better than its own process.
    bool wants_group() const noexcept {
        return memory != 0 || processes != 0 || cpu != 0;
    }
};

/// A child that is on its way, or has come to nothing.
struct LimitedChild {
    pid_t pid = 0;
    Fd report;  ///< see read_report()
};

/// As spawn(), but between the two there is this program in another role
/// (`--helper=start`), which does what posix_spawn() cannot, and then becomes the program.
/// That takes a few milliseconds, which nobody waits for.
Result<LimitedChild> spawn_limited(const SpawnPlan& plan, const ChildLimits& limits);

/// Of a child that has ended: why the program was never reached ("change to user x:
/// Operation not permitted"), or empty when it was.
std::string read_report(const Fd& report);

/// The role. Returns only when it fails.
int run_starter();

}  // namespace neuron

#endif
