#ifndef NEUROND_MCP_DOOR_LEGACY_H
#define NEUROND_MCP_DOOR_LEGACY_H

// Translation between legacy clients (2024-11-05 … 2025-11-25) and the model of a call.
// Pure: no socket, no session table.

#include <string>
#include <string_view>

#include "neurond/base/out_queue.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/identity.h"
#include "neurond/mcp/revision.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/session.h"

namespace neuron {

/// What a client's request asks for.
struct DoorRequest {
    enum class Kind {
        kInitialize,
        kPing,
        kToolsList,
        kCall,
        kRefused,  ///< answer `error`
    };
    Kind kind = Kind::kRefused;
    OwnError error;
    /// For kCall: everything but request_id, identity, asker and tag.
    CallRequest call;
};

/// Reads a request; `message` was classified from `scan` and `text`, kind kRequest.
DoorRequest read_legacy_request(const JsonRpcMessage& message, const JsonScanner& scan,
                                const Slice& text);

/// The parameters of `initialize`.
struct InitializeRequest {
    Revision revision = Revision::k20251125;  ///< negotiated: what we answer
    ClientCaps caps;
    std::string error;  ///< not empty: -32602 with this message
};
InitializeRequest read_initialize(const JsonScanner& scan, std::string_view text);

/// The raw id that a `notifications/cancelled` names; empty if it names none.
std::string_view read_cancelled_id(const JsonScanner& scan, std::string_view text);

void write_initialize_result(OutQueue& out, std::string_view id_raw, Revision revision);
/// The tools `identity` may see, sorted by full name.
void write_tools_list(OutQueue& out, std::string_view id_raw, const Rules& rules,
                      const Identity& identity);
/// `request_id` goes into the data of errors of our own.
void write_answer(OutQueue& out, std::string_view id_raw, const Answer& answer,
                  std::string_view request_id);
/// `token_raw` is the client's own progress token, put back where ours stands.
void write_progress(OutQueue& out, const Notice& notice, std::string_view token_raw);
void write_tools_list_changed(OutQueue& out);

/// `{"type":…,"server":…,"request_id":…}` of an error of our own; empty when it has no
/// type (DESIGN 1.7).
std::string error_data(const OwnError& error, std::string_view request_id);

}  // namespace neuron

#endif
