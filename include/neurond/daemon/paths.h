#ifndef NEUROND_DAEMON_PATHS_H
#define NEUROND_DAEMON_PATHS_H

#include <string>

namespace neuron {

/// The run directory of a daemon that root started.
constexpr const char* kMachineRunDir = "/run/neurond";

/// Where sockets and the PID file live unless `[server] run_dir` says otherwise. Root:
/// /run/neurond. Else the first of $RUNTIME_DIRECTORY (systemd.exec(5)), else
/// $XDG_RUNTIME_DIR/neurond (XDG Base Directory Specification), where those are absolute
/// paths, else `run` in the working directory. Absolute, so that it stays right after a
/// chdir.
std::string default_run_dir();

/// The same for `[server] state_dir`: /var/lib/neurond, the first of $STATE_DIRECTORY,
/// $XDG_STATE_HOME/neurond, `state`.
std::string default_state_dir();

/// The audit file unless `[audit] path` says otherwise: `for_root`, the schema's default,
/// else `audit.log` in the first of $LOGS_DIRECTORY, else in `state_dir`.
std::string default_audit_path(const std::string& for_root, const std::string& state_dir);

/// The control socket of the daemon whose run directory this is.
std::string control_socket_path(const std::string& run_dir);
/// The socket for local clients of that daemon, unless `[server] socket` names another.
std::string local_socket_path(const std::string& run_dir);

}  // namespace neuron

#endif
