#ifndef NEUROND_BASE_CGROUP_PLACE_H
#define NEUROND_BASE_CGROUP_PLACE_H

#include <string>
#include <string_view>

#include "neurond/base/result.h"

namespace neuron {

/// The directory of the cgroup of version 2 that a process is in: `mounts` is its
/// /proc/PID/mountinfo, `membership` its /proc/PID/cgroup.
Result<std::string> cgroup_dir(std::string_view mounts, std::string_view membership);

/// That of this process.
Result<std::string> own_cgroup_dir();

/// Whether `words`, as in cgroup.controllers, has `controller`.
bool has_controller(std::string_view words, std::string_view controller);

/// Fails unless groups with `controller` ("memory", "pids", "cpu") may be made below the
/// group at `dir`, as far as that can be told without trying.
Status check_cgroup_at(const std::string& dir, const std::string& controller);

}  // namespace neuron

#endif
