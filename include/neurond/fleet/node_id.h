#ifndef NEUROND_FLEET_NODE_ID_H
#define NEUROND_FLEET_NODE_ID_H

#include <string>

#include "neurond/base/result.h"

namespace neuron {

/// In the state directory: who this node is.
constexpr const char* kNodeIdFile = "node_id";

/// The UUID at `path`, made at the first start (RFC 9562, 5.4) and kept. A file that holds
/// anything else, or cannot be read, is an error: a new one would make another node of
/// this one. Blocks.
Result<std::string> load_or_create_node_id(const std::string& path);

}  // namespace neuron

#endif
