#ifndef NEUROND_MCP_GREETING_H
#define NEUROND_MCP_GREETING_H

#include <string>

#include "neurond/mcp/list_pages.h"

namespace neuron {

/// What neurond tells a client of itself: the union of what its downstreams offer to this
/// one. A server none of whose things the client may use does not exist for it; one that
/// is not up may offer anything.
struct Greeting {
    std::string capabilities;  ///< an object
    std::string instructions;  ///< ours, then each server's under a heading
};
Greeting greeting_for(const Viewer& viewer);

}  // namespace neuron

#endif
