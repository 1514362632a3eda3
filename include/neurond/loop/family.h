#ifndef NEUROND_LOOP_FAMILY_H
#define NEUROND_LOOP_FAMILY_H

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace neuron {

/// Tells whose descendant a process is, whatever has become of those between: a soft
/// RLIMIT_RTTIME that no other child has. It goes through fork, exec and setsid, needs no
/// privilege, and is so high (over 30,000 years of CPU time of a real-time process) that
/// it limits nothing. A process can take it off itself, on purpose; 0 = has none.
using FamilyMark = uint64_t;

/// One that no child of this or of another process of this machine has.
FamilyMark next_family_mark();

/// Our soft limit of a resource, as long as this lives: what is started meanwhile inherits
/// it. With 0, or where the system does not let us, nothing changes.
class LentLimit {
  public:
    LentLimit(__rlimit_resource_t resource, uint64_t soft);
    ~LentLimit();
    LentLimit(const LentLimit&) = delete;
    LentLimit& operator=(const LentLimit&) = delete;

  private:
    __rlimit_resource_t resource_;
    bool changed_ = false;
    uint64_t before_ = 0;
};

/// The family of a process; 0 when it has none, or has ended.
FamilyMark family_mark_of(pid_t pid);

/// The direct children of this process, zombies included: those it started in its main
/// thread, and the orphans it was given as a child subreaper.
std::vector<pid_t> direct_children();

}  // namespace neuron

#endif
