// One side of the model: how legacy servers are spoken to. Towards them every id is a
// small integer of our own, whatever the client's looked like.

#include "neurond/mcp/leg_legacy.h"

#include "neurond/base/text.h"
#include "neurond/base/version.h"
#include "neurond/mcp/catalog.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron::leg_legacy {

void write_initialize(OutQueue& out, uint64_t id) {
    JsonWriter w;
    w.begin_object().key("protocolVersion").string(to_string(Revision::k20251125));
    // One instance serves everybody, so no client's capabilities can be promised.
    w.key("capabilities").begin_object().end_object();
    w.key("clientInfo").begin_object().key("name").string("neurond");
    w.key("version").string(kVersion).end_object().end_object();
    write_request(out, std::to_string(id), "initialize", w.take());
}

void write_initialized(OutQueue& out) {
    write_notification(out, "notifications/initialized", std::string_view());
}

void write_tools_list(OutQueue& out, uint64_t id,
                      const std::optional<std::string>& cursor) {
    const std::string params =
        cursor ? "{\"cursor\":" + json_quote(*cursor) + "}" : std::string();
    write_request(out, std::to_string(id), "tools/list", params);
}

void write_call(OutQueue& out, uint64_t id, const Call& call) {
    const CallRequest& request = call.request;
    const std::string id_text = std::to_string(id);
    const std::string own_name = json_quote(call.entry->own_name);
    std::vector<Edit> edits = {{request.name_span, own_name}};
    if (!request.progress_token.empty()) {
        const Edit token{request.progress_token, id_text};
        const bool in_front = token.where.begin < request.name_span.begin;
        edits.insert(in_front ? edits.begin() : edits.end(), token);
    }
    write_request(out, id_text, request.method,
                  JsonBody{request.text, request.params, edits});
}

void write_cancelled(OutQueue& out, uint64_t id, std::string_view reason) {
    JsonWriter w;
    w.begin_object().key("requestId").unsigned_integer(id);
    w.key("reason").string(reason).end_object();
    write_notification(out, "notifications/cancelled", w.take());
}

Result<ServerHello> read_hello(std::string_view result) {
    const JsonView hello(result);
    const std::optional<std::string> version =
        hello.find("protocolVersion").as_string();
    if (!version) {
        return Error{"its answer to initialize has no protocolVersion", 0};
    }
    const std::optional<Revision> revision = parse_revision(*version);
    if (!revision || !is_legacy(*revision)) {
        return Error{
            "it speaks the unsupported protocol version " + escape(*version, 64), 0};
    }
    ServerHello out;
    out.revision = *revision;
    const JsonView tools = hello.find("capabilities").find("tools");
    out.tools = tools.is_object();
    out.tools_list_changed = tools.find("listChanged").as_bool().value_or(false);
    out.name = hello.find("serverInfo").find("name").as_string().value_or("");
    out.version = hello.find("serverInfo").find("version").as_string().value_or("");
    return out;
}

std::optional<ProgressToken> read_progress(const JsonScanner& scan,
                                           std::string_view text) {
    const Span where = find(scan.params_members(), text, "progressToken");
    const std::optional<uint64_t> id = read_id(where.in(text));
    if (!id) {
        return std::nullopt;
    }
    return ProgressToken{*id, where};
}

std::optional<uint64_t> read_id(std::string_view id_raw) noexcept {
    return parse_u64(id_raw);
}

}  // namespace neuron::leg_legacy
