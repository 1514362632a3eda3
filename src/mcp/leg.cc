// What both eras of servers have in common: the envelope, and the client's params with as
// little changed as a proxy must.

#include "neurond/mcp/leg.h"

#include <algorithm>
#include <vector>

#include "neurond/base/text.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/leg_legacy.h"
#include "neurond/mcp/leg_modern.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

/// Keys of `_meta` that describe the hop they came over (mcp-protocol 1.4).
constexpr std::string_view kHopKeys[] = {
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/logLevel",
};

bool is_hop_key(const JsonView& key) {
    return std::any_of(std::begin(kHopKeys), std::end(kHopKeys),
                       [&key](std::string_view hop) { return key.is_string(hop); });
}

/// Takes the keys of the client's own hop out of `_meta`, and `hop_meta` in.
void edit_meta(std::vector<Edit>& edits, const Call& call, std::string& inserted,
               std::string_view hop_meta) {
    const std::string_view text = call.request.text.view();
    const JsonView meta(call.request.meta.in(text));
    bool others = false;
    for (const JsonPair& member : meta.members()) {
        others = others || !is_hop_key(member.key);
    }
    if (!hop_meta.empty()) {
        inserted = hop_meta;
        inserted += others ? "," : "";
        edits.push_back({front_of_object(call.request.meta), inserted});
    }
    remove_members(edits, text, meta, is_hop_key);
}

/// Tasks go to nobody; `context` came with 2025-06-18; a retry without a state of ours is
/// a new call, whose replies are to nothing a legacy server knows.
void drop_members(std::vector<Edit>& edits, const Call& call) {
    const CallRequest& request = call.request;
    const bool tool = request.kind == CallKind::kTool;
    const bool drops =
        !request.drop.empty() && (tool || call.server < Revision::k20250618);
    const bool replies = is_legacy(call.server) &&
                         !(request.responses.empty() && request.state.empty());
    if (!replies) {
        if (drops) {
            edits.push_back({request.drop, {}});
        }
        return;
    }
    const std::string_view text = request.text.view();
    remove_members(edits, text, JsonView(request.params.in(text)),
                   [&](const JsonView& key) {
                       return key.is_string("inputResponses") ||
                              key.is_string("requestState") ||
                              (drops && key.is_string(tool ? "task" : "context"));
                   });
}

}  // namespace

const Leg& leg_of(Revision revision) noexcept {
    return is_legacy(revision) ? legacy_leg() : modern_leg();
}

void write_cancelled(OutQueue& out, uint64_t id, std::string_view reason) {
    JsonWriter w;
    w.begin_object().key("requestId").unsigned_integer(id);
    w.key("reason").string(reason).end_object();
    write_notification(out, "notifications/cancelled", w.take());
}

void write_ping(OutQueue& out, uint64_t id) {
    write_request(out, std::to_string(id), "ping", std::string_view());
}

std::optional<ProgressToken> read_progress(const JsonScanner& scan,
                                           std::string_view text) {
    const Span where = find(scan.params_members(), text, "progressToken");
    const std::optional<uint64_t> id = read_leg_id(where.in(text));
    if (!id) {
        return std::nullopt;
    }
    return ProgressToken{*id, where};
}

std::optional<uint64_t> read_leg_id(std::string_view id_raw) noexcept {
    return parse_u64(id_raw);
}

void write_call_request(OutQueue& out, uint64_t id, const Call& call,
                        std::string_view hop_meta, std::string_view more) {
    const CallRequest& request = call.request;
    std::string front(more);
    front += more.empty() ? "" : ",";
    const std::string id_text = std::to_string(id);
    const std::string own_name = json_quote(call.entry->own_name);
    std::string inserted;
    std::vector<Edit> edits;
    if (!front.empty()) {
        edits.push_back({front_of_object(request.params), front});
    }
    if (!request.meta.empty()) {
        edit_meta(edits, call, inserted, hop_meta);
    } else if (!hop_meta.empty()) {
        inserted = "\"_meta\":{" + std::string(hop_meta) + "},";
        edits.push_back({front_of_object(request.params), inserted});
    }
    if (!request.progress_token.empty()) {
        edits.push_back({request.progress_token, id_text});
    }
    edits.push_back({request.name_span, own_name});
    drop_members(edits, call);
    std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
        return a.where.begin < b.where.begin;
    });
    write_request(out, id_text, request.method,
                  JsonBody{request.text, request.params, edits});
}

std::optional<Notice> read_server_message(std::string_view params,
                                          const std::string& server) {
    const JsonView view(params);
    const std::optional<MessageLevel> level =
        parse_message_level(view.find("level").as_string().value_or(""));
    if (!level || !view.is_object()) {
        return std::nullopt;
    }
    const std::string_view logger = view.find("logger").raw();
    const std::string own = view.find("logger").as_string().value_or("");
    const std::string named = json_quote(own.empty() ? server : server + "." + own);
    std::string text(params);
    if (logger.empty()) {
        text.insert(text.find('{') + 1, "\"logger\":" + named + ",");
    } else {
        text.replace(static_cast<size_t>(logger.data() - params.data()), logger.size(),
                     named);
    }
    Notice notice;
    notice.params = Slice::copy_of(text);
    notice.kind = Notice::Kind::kMessage;
    notice.level = *level;
    return notice;
}

void write_set_level(OutQueue& out, uint64_t id, MessageLevel level) {
    JsonWriter w;
    w.begin_object().key("level").string(to_string(level)).end_object();
    write_request(out, std::to_string(id), "logging/setLevel", w.take());
}

}  // namespace neuron
