#ifndef NEUROND_DAEMON_SETTINGS_H
#define NEUROND_DAEMON_SETTINGS_H

#include <string>
#include <vector>

#include "neurond/back/supervisor.h"
#include "neurond/base/log.h"
#include "neurond/conf/config.h"
#include "neurond/daemon/call_log.h"
#include "neurond/daemon/metrics_file.h"
#include "neurond/daemon/tls_setup.h"
#include "neurond/front/mcp_endpoint.h"
#include "neurond/front/link_clients.h"
#include "neurond/mcp/audit.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/session.h"

namespace neuron {

/// The places of a running daemon, defaults resolved. All absolute.
struct DaemonPaths {
    std::string run_dir;
    std::string state_dir;
    std::string pid_file;
    std::string control_socket;
    std::string local_socket;  ///< empty = none
    std::string audit;  ///< "none" = off
};

// What the sections of a configuration mean in the types of the modules that act on them.

DaemonPaths daemon_paths(const conf::Config& config);
RequestLog request_log(const conf::Config& config);
MetricsFileSettings metrics_file_settings(const conf::Config& config);
/// The log as [log] wants it. When its target cannot be opened, lines go on where they
/// went.
Status configure_log(const conf::Config& config);
/// Whether its target can be opened, which makes the file if it is not there.
Status try_log(const conf::Config& config);
/// Makes the file of another target, if it is to be another user's: the error is theirs to
/// find.
void prepare_log(const conf::Config& config);
/// `descriptors`: how many this process may have; fewer connections fit than that.
HttpServerSettings http_settings(const conf::Config& config, size_t descriptors);
SupervisorSettings supervisor_settings(const conf::Config& config);
RouterLimits router_limits(const conf::Config& config);
/// `key`: of load_or_create_audit_key().
/// The path is that of `started_with`.
AuditSettings audit_settings(const conf::Config& config,
                             const conf::Config& started_with, std::string key);
/// `key`: a secret of this state directory, from which the one of cursors is made.
ListSettings list_settings(const conf::Config& config, const std::string& key);
McpSettings mcp_settings(const conf::Config& config);
LinkSettings link_settings(const conf::Config& config);
SessionSettings session_settings(const conf::Config& config);
/// A downstream has limits that a cgroup keeps better.
bool wants_cgroups(const conf::Config& config);
/// In order of appearance.
std::vector<DownstreamSettings> downstream_settings(const conf::Config& config,
                                                    const TlsContexts& tls);

}  // namespace neuron

#endif
