#ifndef NEUROND_FRONT_MCP_HEAD_H
#define NEUROND_FRONT_MCP_HEAD_H

#include <optional>
#include <string_view>

#include "neurond/front/http_server.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/view.h"
#include "neurond/wire/http_fields.h"
#include "neurond/wire/http_head.h"

namespace neuron {

// What the head of a request to the MCP endpoint says, before its body is looked at.

constexpr std::string_view kSessionField = "Mcp-Session-Id";
constexpr std::string_view kVersionField = "MCP-Protocol-Version";

/// Which forms of answer a client takes (its Accept field).
struct Accepts {
    bool json = true;
    bool events = true;

    static Accepts parse(const HttpFields& fields);
    bool nothing() const noexcept { return !json && !events; }
};

/// Whether names are to be strict: `?names=strict` and `?names=plain` decide over
/// `otherwise`.
bool asks_strict(const RequestHead& head, bool otherwise);

/// `/api/v1/mcp`, `/mcp`: everything; `/api/v1/mcp/NAME`, `/NAME/mcp`: the space NAME.
/// Nothing when NAME is empty. `head` was routed here; `strict` as for asks_strict().
std::optional<View> read_view(const RequestHead& head, bool strict);

ModernHeaders modern_headers(const HttpFields& fields);
/// The first of MCP's fields that stands more than once, so that two hops could believe
/// two things; empty when there is none.
std::string_view repeated_mcp_field(const HttpFields& fields);

/// The answer to a head whose method, Content-Type or Accept the endpoint does not take.
std::optional<HttpReply> refuse_mcp_head(const RequestHead& head);

/// A reply that is a JSON-RPC error. An empty `id_raw` leaves the id out; `data` too.
HttpReply error_reply(int status, JsonRpcError code, std::string_view message,
                      std::string_view id_raw = {}, std::string_view data = {});

}  // namespace neuron

#endif
