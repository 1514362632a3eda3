#ifndef NEUROND_DAEMON_PATHS_H
#define NEUROND_DAEMON_PATHS_H

#include <string>

namespace neuron {

/// The run directory of a daemon that root started.
constexpr const char* kMachineRunDir = "/run/neurond";

/// Where sockets and the PID file live unless `[server] run_dir` says otherwise. Root:
/// /run/neurond. Else $XDG_RUNTIME_DIR/neurond, where that variable is an absolute path
/// (XDG Base Directory Specification), else `run` in the working directory. Absolute, so
/// that it stays right after a chdir.
std::string default_run_dir();

/// The same for `[server] state_dir`: /var/lib/neurond, $XDG_STATE_HOME/neurond, `state`.
std::string default_state_dir();

/// The control socket of the daemon whose run directory this is.
std::string control_socket_path(const std::string& run_dir);
/// The socket for local clients of that daemon, unless `[server] socket` names another.
std::string local_socket_path(const std::string& run_dir);

}  // namespace neuron

#endif
