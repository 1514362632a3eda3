#ifndef NEUROND_MCP_DOOR_MODERN_H
#define NEUROND_MCP_DOOR_MODERN_H

// What only modern clients (2026-07-28) need beside Door.

#include <string>
#include <string_view>

#include "neurond/mcp/door.h"
#include "neurond/wire/http_fields.h"

namespace neuron {

/// The answer to `server/discover`: what the viewer is offered.
void write_discover_result(OutQueue& out, std::string_view id_raw, const Viewer& viewer);

/// Whether the `Mcp-Param-*` fields of a tools/call agree with its arguments, as the
/// tool's `x-mcp-header` annotations ask (mcp-protocol 2.7). The problem in words; empty
/// when there is none. `arguments` may be absent.
std::string param_header_problem(const CatalogEntry& entry, const JsonView& arguments,
                                 const HttpFields& fields);

}  // namespace neuron

#endif
