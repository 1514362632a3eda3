// One side of the model: what legacy clients say and want to hear. The other sides are
// leg_legacy and, for the stateless revision, door_modern and leg_modern.

#include "neurond/mcp/door_legacy.h"

#include "neurond/base/version.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_string.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr std::string_view kInstructions =
    "neurond routes calls to several MCP servers. The part of a tool's name before the "
    "separator names the server that answers.";

DoorRequest refused(JsonRpcError code, std::string message) {
    DoorRequest out;
    out.kind = DoorRequest::Kind::kRefused;
    out.error = {code, std::move(message), {}, {}, {}};
    return out;
}

DoorRequest read_call(const JsonRpcMessage& message, const JsonScanner& scan,
                      const Slice& text) {
    const std::string_view view = text.view();
    DoorRequest out;
    CallRequest& call = out.call;
    call.name_span = find(scan.params_members(), view, "name");
    const std::optional<std::string> name =
        JsonView(call.name_span.in(view)).as_string();
    if (!name) {
        return refused(JsonRpcError::kInvalidParams,
                       "tools/call: params.name is missing or not a string");
    }
    call.arguments = find(scan.params_members(), view, "arguments");
    if (!call.arguments.empty() && !JsonView(call.arguments.in(view)).is_object()) {
        return refused(JsonRpcError::kInvalidParams,
                       "tools/call: params.arguments is not an object");
    }
    out.kind = DoorRequest::Kind::kCall;
    call.method = message.method;
    call.name = *name;
    call.text = text;
    call.params = message.params;
    call.meta = find(scan.params_members(), view, "_meta");
    call.progress_token = find(scan.meta_members(), view, "progressToken");
    return out;
}

DoorRequest of_kind(DoorRequest::Kind kind) {
    DoorRequest out;
    out.kind = kind;
    return out;
}

}  // namespace

DoorRequest read_legacy_request(const JsonRpcMessage& message, const JsonScanner& scan,
                                const Slice& text) {
    if (message.method == "tools/call") {
        return read_call(message, scan, text);
    }
    if (message.method == "tools/list") {
        // We never hand out a cursor, so none can be valid.
        return find(scan.params_members(), text.view(), "cursor").empty()
                   ? of_kind(DoorRequest::Kind::kToolsList)
                   : refused(JsonRpcError::kInvalidParams,
                             "tools/list: invalid cursor");
    }
    if (message.method == "ping") {
        return of_kind(DoorRequest::Kind::kPing);
    }
    if (message.method == "initialize") {
        return of_kind(DoorRequest::Kind::kInitialize);
    }
    return refused(JsonRpcError::kMethodNotFound, "Method not found");
}

InitializeRequest read_initialize(const JsonScanner& scan, std::string_view text) {
    InitializeRequest out;
    const JsonView version(
        find(scan.params_members(), text, "protocolVersion").in(text));
    const std::optional<std::string> requested = version.as_string();
    if (!requested) {
        out.error = "initialize: params.protocolVersion is missing or not a string";
        return out;
    }
    const JsonView caps(find(scan.params_members(), text, "capabilities").in(text));
    if (caps.exists() && !caps.is_object()) {
        out.error = "initialize: params.capabilities is not an object";
        return out;
    }
    out.revision = negotiate_legacy(*requested);
    out.caps = ClientCaps::parse(caps);
    return out;
}

std::string_view read_cancelled_id(const JsonScanner& scan, std::string_view text) {
    return find(scan.params_members(), text, "requestId").in(text);
}

void write_initialize_result(OutQueue& out, std::string_view id_raw,
                             Revision revision) {
    JsonWriter w;
    w.begin_object().key("protocolVersion").string(to_string(revision));
    w.key("capabilities").raw(R"({"tools":{"listChanged":true}})");
    w.key("serverInfo").begin_object().key("name").string("neurond");
    w.key("title").string("neurond federation proxy").key("version").string(kVersion);
    w.end_object().key("instructions").string(kInstructions).end_object();
    write_result(out, id_raw, Slice::copy_of(w.take()));
}

void write_tools_list(OutQueue& out, std::string_view id_raw, const Rules& rules,
                      const Identity& identity) {
    out.write(R"({"jsonrpc":"2.0","id":)");
    out.write(id_raw);
    out.write(R"(,"result":{"tools":[)");
    bool first = true;
    for (const CatalogEntry& entry : rules.catalog->entries()) {
        if (!rules.policy->decide(identity.name, PolicyKind::kTool, entry.full_name)
                 .allowed) {
            continue;
        }
        if (!first) {
            out.write(",");
        }
        first = false;
        out.append(entry.item);
    }
    out.write("]}}");
}

std::string error_data(const OwnError& error, std::string_view request_id) {
    if (error.type.empty()) {
        return {};
    }
    JsonWriter w;
    w.begin_object().key("type").string(error.type);
    if (!error.server.empty()) {
        w.key("server").string(error.server);
    }
    w.key("request_id").string(request_id);
    if (error.retry_after_seconds) {
        w.key("retry_after").integer(*error.retry_after_seconds);
    }
    return w.end_object().take();
}

void write_answer(OutQueue& out, std::string_view id_raw, const Answer& answer,
                  std::string_view request_id) {
    switch (answer.kind) {
        case Answer::Kind::kResult:
            write_result(out, id_raw, answer.body);
            return;
        case Answer::Kind::kError:
            write_error(out, id_raw, answer.body);
            return;
        case Answer::Kind::kOwnError:
            write_error(out, id_raw, answer.own.code, answer.own.message,
                        error_data(answer.own, request_id));
            return;
    }
}

void write_progress(OutQueue& out, const Notice& notice, std::string_view token_raw) {
    const std::vector<Edit> edits = {{notice.progress_token, token_raw}};
    const Span whole{0, notice.params.size};
    write_notification(out, "notifications/progress",
                       JsonBody{notice.params, whole, edits});
}

void write_tools_list_changed(OutQueue& out) {
    write_notification(out, "notifications/tools/list_changed", std::string_view());
}

}  // namespace neuron
