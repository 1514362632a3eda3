#ifndef NEUROND_MCP_LEG_LEGACY_H
#define NEUROND_MCP_LEG_LEGACY_H

// Towards legacy servers (2024-11-05 … 2025-11-25): handshake, then plain requests.

#include <cstdint>
#include <string_view>

#include "neurond/base/result.h"
#include "neurond/mcp/leg.h"

namespace neuron {

const Leg& legacy_leg() noexcept;

/// `caps` is what the server may ask of whoever is behind this instance.
void write_initialize(OutQueue& out, uint64_t id, ClientCaps caps);
void write_initialized(OutQueue& out);
/// `result` is the validated result of initialize. The error says what is wrong with it.
Result<ServerHello> read_initialize_result(std::string_view result);

}  // namespace neuron

#endif
