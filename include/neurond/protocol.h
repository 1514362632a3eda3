#ifndef NEUROND_PROTOCOL_H
#define NEUROND_PROTOCOL_H

// The words that neurond shares with programs of others: paths, names of fields, states.
// Nothing but constants, so that any C++ program can include it; what they mean is in
// neurond(8). What stands here does not change its meaning: words are added.

namespace neuron {

// What every listener may serve.
constexpr const char* kMcpPath = "/api/v1/mcp";  ///< also /api/v1/mcp/NAMESPACE
constexpr const char* kHealthPath = "/health";
constexpr const char* kLivePath = "/health/live";
constexpr const char* kReadyPath = "/health/ready";
constexpr const char* kMetricsPath = "/metrics";

// The admin API: on the control socket, or with `serve = admin`. JSON; events are SSE.
constexpr const char* kAdminPath = "/api/v1/admin/";  ///< what the following stand behind
constexpr const char* kAdminStatus = "/api/v1/admin/status";
constexpr const char* kAdminConfig = "/api/v1/admin/config";  ///< secrets masked
constexpr const char* kAdminServers = "/api/v1/admin/servers";  ///< also /NAME and below
constexpr const char* kAdminTools = "/api/v1/admin/tools";      ///< ?client=ID
constexpr const char* kAdminPrompts = "/api/v1/admin/prompts";
constexpr const char* kAdminResources = "/api/v1/admin/resources";
constexpr const char* kAdminEvents = "/api/v1/admin/events";
constexpr const char* kAdminReload = "/api/v1/admin/reload";  ///< POST, ?dry_run=1
constexpr const char* kAdminStop = "/api/v1/admin/stop";      ///< POST
constexpr const char* kAdminDrain = "/api/v1/admin/drain";    ///< POST

// The API by which nodes are known to cortexd, or to a hub: one body, a JSON object, a
// request. Any 2xx is yes; 404 and 410 mean that the node is not known.
constexpr const char* kNodeRegisterPath = "/api/v1/nodes/register";
constexpr const char* kNodeHeartbeatPath = "/api/v1/nodes/heartbeat";
constexpr const char* kNodeDeregisterPath = "/api/v1/nodes/deregister";
// Of register; of the other two kNodeIdField alone.
constexpr const char* kNodeIdField = "node_id";
constexpr const char* kNodeHostnameField = "hostname";
constexpr const char* kNodeAddressField = "ip_address";
constexpr const char* kNodePortField = "port";
constexpr const char* kNodeCapabilitiesField = "capabilities";  ///< names of downstreams

// `state` of the daemon, in status and events.
constexpr const char* kDaemonStarting = "starting";
constexpr const char* kDaemonReady = "ready";
constexpr const char* kDaemonWaiting = "waiting";  ///< a required downstream is missing
constexpr const char* kDaemonDraining = "draining";

// `state` of a downstream, in servers, events and metrics.
constexpr const char* kServerConfigured = "configured";
constexpr const char* kServerStarting = "starting";
constexpr const char* kServerHealthy = "healthy";
constexpr const char* kServerDegraded = "degraded";
constexpr const char* kServerRestarting = "restarting";
constexpr const char* kServerFailed = "failed";
constexpr const char* kServerOpen = "open";  ///< its circuit
constexpr const char* kServerDisabled = "disabled";
constexpr const char* kServerStopped = "stopped";

}  // namespace neuron

#endif
