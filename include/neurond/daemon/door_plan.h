#ifndef NEUROND_DAEMON_DOOR_PLAN_H
#define NEUROND_DAEMON_DOOR_PLAN_H

#include <sys/stat.h>

#include <string>
#include <vector>

#include "neurond/conf/config.h"
#include "neurond/daemon/settings.h"
#include "neurond/daemon/tls_setup.h"
#include "neurond/front/http_server.h"

namespace neuron {

/// The door of [server] bind.
constexpr const char* kBindDoor = "server.bind";

/// A way in, as the configuration wants it. Its socket belongs to the keeper; keeper and
/// reactor know it by its name.
struct DoorPlan {
    std::string name;     ///< "control", "server.bind", "server.socket", "listener.NAME"
    std::string address;  ///< as Address::parse() takes it
    mode_t mode = 0;      ///< of a Unix socket, and its group
    std::string group;
    /// Its callers prove nothing, so it must not be reachable from other hosts. Asked of
    /// sockets that somebody else has bound; of the others conf has seen to it.
    bool local_only = false;
};

/// All of them: [server] bind, the control socket, [server] socket, each [listener NAME].
std::vector<DoorPlan> door_plans(const conf::Config& config, const DaemonPaths& paths);

/// How what comes through the door of that name is served.
DoorSettings door_settings(const conf::Config& config, const TlsContexts& tls,
                           const std::string& name);

}  // namespace neuron

#endif
