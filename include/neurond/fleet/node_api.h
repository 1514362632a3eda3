#ifndef NEUROND_FLEET_NODE_API_H
#define NEUROND_FLEET_NODE_API_H

namespace neuron {

// The words of the API by which nodes are known to cortexd, or to a hub: one body, a JSON
// object, a request. Any 2xx is yes; 404 and 410 mean that the node is not known.

constexpr const char* kNodeRegisterPath = "/api/v1/nodes/register";
constexpr const char* kNodeHeartbeatPath = "/api/v1/nodes/heartbeat";
constexpr const char* kNodeDeregisterPath = "/api/v1/nodes/deregister";

// Of register; of the other two kNodeIdField alone.
constexpr const char* kNodeIdField = "node_id";
constexpr const char* kNodeHostnameField = "hostname";
constexpr const char* kNodeAddressField = "ip_address";
constexpr const char* kNodePortField = "port";
constexpr const char* kNodeCapabilitiesField = "capabilities";  ///< names of downstreams

}  // namespace neuron

#endif
