#ifndef NEUROND_MCP_DOOR_LEGACY_H
#define NEUROND_MCP_DOOR_LEGACY_H

// The handshake of legacy clients (2024-11-05 … 2025-11-25); everything else is Door's.

#include <optional>
#include <string>
#include <string_view>

#include "neurond/mcp/door.h"
#include "neurond/mcp/session.h"

namespace neuron {

/// The parameters of `initialize`.
struct InitializeRequest {
    Revision revision = Revision::k20251125;  ///< negotiated: what we answer
    ClientCaps caps;
    std::string error;  ///< not empty: -32602 with this message
};
InitializeRequest read_initialize(const JsonScanner& scan, std::string_view text);

/// Why a batch, the text of a JSON array, may not be read; null when it may. Only
/// 2025-03-26 has batches; `revision` is that of the handshake, if there was one.
const char* batch_problem(std::string_view text, std::optional<Revision> revision);

/// What the viewer is offered stands in it.
void write_initialize_result(OutQueue& out, std::string_view id_raw, Revision revision,
                             const Viewer& viewer);

}  // namespace neuron

#endif
