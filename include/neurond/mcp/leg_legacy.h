#ifndef NEUROND_MCP_LEG_LEGACY_H
#define NEUROND_MCP_LEG_LEGACY_H

// Translation between the model of a call and legacy servers (2024-11-05 … 2025-11-25).
// Pure: writes messages, reads answers; who sends them is not its business.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/out_queue.h"
#include "neurond/base/result.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_scan.h"

namespace neuron::leg_legacy {

void write_initialize(OutQueue& out, uint64_t id);
void write_initialized(OutQueue& out);
/// A following page has the cursor of the one before.
void write_tools_list(OutQueue& out, uint64_t id,
                      const std::optional<std::string>& cursor);
/// The client's params with the own name and, if the client wants progress, with `id` as
/// the progress token.
void write_call(OutQueue& out, uint64_t id, const Call& call);
void write_cancelled(OutQueue& out, uint64_t id, std::string_view reason);

/// What a server answered to `initialize`.
struct ServerHello {
    Revision revision = Revision::k20251125;
    bool tools = false;
    bool tools_list_changed = false;
    std::string name;  ///< serverInfo.name, for people
    std::string version;
};
/// `result` is the validated result object. The error says what is wrong with it.
Result<ServerHello> read_hello(std::string_view result);

/// Our call id in a `notifications/progress`, and where it stands in the text.
struct ProgressToken {
    uint64_t id = 0;
    Span where;
};
std::optional<ProgressToken> read_progress(const JsonScanner& scan,
                                           std::string_view text);

/// The id of an answer, if it is one we could have sent.
std::optional<uint64_t> read_id(std::string_view id_raw) noexcept;

}  // namespace neuron::leg_legacy

#endif
