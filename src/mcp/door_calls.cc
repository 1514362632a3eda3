// What clients of both eras ask in the same words: calls, and lists with their pages.

#include <optional>

#include "neurond/mcp/door.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

DoorRequest invalid(const JsonRpcMessage& message, const std::string& what) {
    return refused_request(JsonRpcError::kInvalidParams, message.method + ": " + what);
}

std::optional<CallKind> call_kind(std::string_view method) {
    if (method == "tools/call") {
        return CallKind::kTool;
    }
    if (method == "prompts/get") {
        return CallKind::kPrompt;
    }
    if (method == "resources/read") {
        return CallKind::kResource;
    }
    if (method == "completion/complete") {
        return CallKind::kCompletePrompt;  // or a resource's: read_reference() decides
    }
    return std::nullopt;
}

std::optional<ItemKind> list_kind(std::string_view method) {
    for (const ItemKind kind : kItemKinds) {
        if (method == words_of(kind).method) {
            return kind;
        }
    }
    return std::nullopt;
}

Span span_of(const JsonView& value, std::string_view text) {
    if (!value.exists()) {
        return {};
    }
    const auto at = static_cast<size_t>(value.raw().data() - text.data());
    return {at, at + value.raw().size()};
}

/// Where a completion says what it completes; false when that is not as it must be.
bool read_reference(CallRequest& call, const JsonView& ref, std::string_view text) {
    if (ref.find("type").is_string("ref/prompt")) {
        call.kind = CallKind::kCompletePrompt;
        call.name_span = span_of(ref.find("name"), text);
    } else if (ref.find("type").is_string("ref/resource")) {
        call.kind = CallKind::kCompleteResource;
        call.name_span = span_of(ref.find("uri"), text);
    }
    return !call.name_span.empty();
}

/// The member of params that some servers must not get, with its comma.
Span span_to_drop(const JsonScanner& scan, std::string_view text, std::string_view key) {
    const JsonMembers& members = scan.params_members();
    for (size_t i = 0; i < members.size(); ++i) {
        if (JsonView(members[i].key.in(text)).is_string(key)) {
            std::vector<Edit> edits;
            remove_members(edits, members, {i});
            return edits.front().where;
        }
    }
    return {};
}

/// The members of params that only some methods have. The problem; empty when none.
std::string read_parts(CallRequest& call, const JsonScanner& scan, std::string_view text) {
    const auto member = [&](const char* key) {
        return find(scan.params_members(), text, key);
    };
    switch (call.kind) {
        case CallKind::kResource:
            call.name_span = member("uri");
            return JsonView(call.name_span.in(text)).is_string()
                       ? ""
                       : "params.uri is missing or not a string";
        case CallKind::kCompletePrompt:
        case CallKind::kCompleteResource:
            call.arguments = member("argument");
            call.drop = span_to_drop(scan, text, "context");
            if (!read_reference(call, JsonView(member("ref").in(text)), text)) {
                return "params.ref names neither a prompt nor a resource";
            }
            break;
        case CallKind::kTool:
            call.drop = span_to_drop(scan, text, "task");
            [[fallthrough]];
        case CallKind::kPrompt:
            call.arguments = member("arguments");
            call.name_span = member("name");
            break;
    }
    if (!JsonView(call.name_span.in(text)).is_string()) {
        return "params.name is missing or not a string";
    }
    return call.arguments.empty() || JsonView(call.arguments.in(text)).is_object()
               ? ""
               : "params.arguments is not an object";
}

DoorRequest read_list(ItemKind kind, const JsonRpcMessage& message,
                      const JsonScanner& scan, std::string_view text) {
    DoorRequest out;
    out.kind = DoorRequest::Kind::kList;
    out.list = kind;
    const JsonView cursor(find(scan.params_members(), text, "cursor").in(text));
    if (cursor.exists() && !cursor.is_string()) {
        return invalid(message, "invalid cursor");
    }
    out.cursor = cursor.as_string();
    return out;
}

}  // namespace

DoorRequest read_call(const JsonRpcMessage& message, const JsonScanner& scan,
                      const Slice& text) {
    const std::string_view view = text.view();
    DoorRequest out;
    CallRequest& call = out.call;
    call.kind = call_kind(message.method).value_or(CallKind::kTool);
    if (const std::string problem = read_parts(call, scan, view); !problem.empty()) {
        return invalid(message, problem);
    }
    call.meta = find(scan.params_members(), view, "_meta");
    if (!call.meta.empty() && !JsonView(call.meta.in(view)).is_object()) {
        return invalid(message, "params._meta is not an object");
    }
    out.kind = DoorRequest::Kind::kCall;
    call.method = message.method;
    call.name = JsonView(call.name_span.in(view)).as_string().value_or("");
    call.text = text;
    call.params = message.params;
    call.progress_token = find(scan.meta_members(), view, "progressToken");
    return out;
}

std::optional<DoorRequest> read_shared_request(const JsonRpcMessage& message,
                                               const JsonScanner& scan,
                                               const Slice& text) {
    if (call_kind(message.method)) {
        return read_call(message, scan, text);
    }
    if (const std::optional<ItemKind> kind = list_kind(message.method); kind) {
        return read_list(*kind, message, scan, text.view());
    }
    return std::nullopt;
}

std::optional<ListPage> list_page_or_error(OutQueue& out, std::string_view id_raw,
                                           const DoorRequest& asked, const Viewer& viewer,
                                           const ListSettings& settings) {
    std::optional<ListPage> page = list_page(asked.list, asked.cursor, viewer, settings);
    if (!page) {
        write_error(out, id_raw, JsonRpcError::kInvalidParams,
                    std::string(words_of(asked.list).method) + ": invalid cursor");
    }
    return page;
}

void write_list_members(OutQueue& out, ItemKind kind, const ListPage& page, bool legacy) {
    out.write("\"");
    out.write(words_of(kind).array);
    out.write("\":[");
    bool first = true;
    for (const CatalogEntry* entry : page.entries) {
        if (!first) {
            out.write(",");
        }
        first = false;
        out.append(legacy ? entry->legacy_item : entry->item);
    }
    out.write("]");
    if (page.next) {
        out.write(",\"nextCursor\":" + json_quote(*page.next));
    }
}

}  // namespace neuron
