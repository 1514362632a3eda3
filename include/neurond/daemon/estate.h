#ifndef NEUROND_DAEMON_ESTATE_H
#define NEUROND_DAEMON_ESTATE_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"
#include "neurond/base/result.h"
#include "neurond/conf/config.h"
#include "neurond/daemon/door_plan.h"
#include "neurond/daemon/door_sockets.h"
#include "neurond/daemon/pid_file.h"
#include "neurond/daemon/privileges.h"
#include "neurond/daemon/settings.h"
#include "neurond/loop/cgroup.h"

namespace neuron {

/// What the keeper made before the first reactor starts, and what outlives reactors.
struct Estate {
    DaemonPaths paths;
    std::optional<Account> account;  ///< of reactors, if not ours
    PidFile pid_file;
    Fd bundle;  ///< what reactors run
    /// What the daemon started with: keys that need a restart are as they are here.
    Fd first_bundle;
    DoorSockets doors;
    std::vector<DoorPlan> plans;          ///< of what is open
    std::unique_ptr<CgroupTree> cgroups;  ///< null: nothing needs them, or we may not
    Millis shutdown_timeout{0};
};

/// Makes directories, locks the PID file and opens the sockets. `pid_file`: of -p; empty:
/// the configuration's. The error names the path.
Status prepare(const conf::Config& config, const std::string& pid_file, Estate& estate);

/// The audit file, where the reactor could not make it. Its error is the reactor's to find.
void prepare_audit(const Estate& estate);

/// Null where no child wants them, or they are not to be had; the log says so. Children
/// run all the same, with weaker limits.
std::unique_ptr<CgroupTree> make_cgroups(const conf::Config& config,
                                         const std::optional<Account>& account);

}  // namespace neuron

#endif
