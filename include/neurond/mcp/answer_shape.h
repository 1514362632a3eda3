#ifndef NEUROND_MCP_ANSWER_SHAPE_H
#define NEUROND_MCP_ANSWER_SHAPE_H

#include "neurond/mcp/exchange.h"
#include "neurond/mcp/uri_route.h"

namespace neuron {

/// A server's answer as the client of this call can take it: URIs that another server has
/// are wrapped, content blocks that its revision does not know become text (mcp-protocol
/// 4.9), and "resource not found" is told in the words of its era. An error about the hop
/// from neurond to the server (-32020, -32022) becomes one of neurond's own, since its
/// client can do nothing about it. What need not change stays the server's own bytes. Notes
/// in `sightings` which URIs the server mentions.
Answer shape_answer(const Call& call, Answer answer, UriSightings& sightings);

}  // namespace neuron

#endif
