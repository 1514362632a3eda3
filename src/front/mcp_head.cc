// Streamable HTTP, the rungs of mcp-protocol 2.2 that need no body.

#include "neurond/front/mcp_head.h"

#include <algorithm>

#include "neurond/base/text.h"
#include "neurond/front/page.h"
#include "neurond/protocol.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

constexpr std::string_view kMainPath = kMcpPath;
constexpr std::string_view kShortPath = "/mcp";
constexpr std::string_view kMethodField = "Mcp-Method";
constexpr std::string_view kNameField = "Mcp-Name";
constexpr const char* kMethods = "POST, GET, DELETE";

bool is_json(std::string_view content_type) {
    return equals_ignoring_case(trim(content_type.substr(0, content_type.find(';'))),
                                "application/json");
}

bool accepts(std::string_view element, std::string_view type,
             std::string_view subtype) {
    const std::string_view range = trim(element.substr(0, element.find(';')));
    const size_t slash = range.find('/');
    if (slash == std::string_view::npos) {
        return false;
    }
    const std::string_view left = range.substr(0, slash);
    const std::string_view right = range.substr(slash + 1);
    return (left == "*" || equals_ignoring_case(left, type)) &&
           (right == "*" || equals_ignoring_case(right, subtype));
}

/// A body that another recipient would decode first is not read as it stands (RFC 9110
/// section 8.4).
bool is_coded(const HttpFields& fields) {
    return std::any_of(fields.begin(), fields.end(), [](const HttpField& field) {
        return equals_ignoring_case(field.name, "Content-Encoding") &&
               !equals_ignoring_case(field.value, "identity");
    });
}

}  // namespace

Accepts Accepts::parse(const HttpFields& fields) {
    if (fields.count("Accept") == 0) {
        return {};
    }
    Accepts out{false, false};
    for (const HttpField& field : fields) {
        if (!equals_ignoring_case(field.name, "Accept")) {
            continue;
        }
        for (const std::string_view element : split(field.value, ',')) {
            out.json = out.json || accepts(element, "application", "json");
            out.events = out.events || accepts(element, "text", "event-stream");
        }
    }
    return out;
}

bool asks_strict(const RequestHead& head, bool otherwise) {
    bool strict = otherwise;
    for (const std::string_view pair : split(head.query, '&')) {
        if (pair == "names=strict" || pair == "names=plain") {
            strict = pair == "names=strict";
        }
    }
    return strict;
}

std::optional<View> read_view(const RequestHead& head, bool strict) {
    View view;
    view.strict = asks_strict(head, strict);
    std::string_view path = head.path;
    if (path == kMainPath || path == kShortPath) {
        return view;
    }
    if (starts_with(path, kMainPath)) {
        view.space = path.substr(kMainPath.size() + 1);
    } else {
        path.remove_suffix(kShortPath.size());
        view.space = path.substr(1);
    }
    return view.space.empty() ? std::nullopt : std::optional(std::move(view));
}

ModernHeaders modern_headers(const HttpFields& fields) {
    ModernHeaders out;
    out.version = fields.field(kVersionField);
    out.method = fields.field(kMethodField);
    out.name = fields.field(kNameField);
    return out;
}

std::string_view repeated_mcp_field(const HttpFields& fields) {
    for (const std::string_view name :
         {kSessionField, kVersionField, kMethodField, kNameField}) {
        if (fields.count(name) > 1) {
            return name;
        }
    }
    return {};
}

std::optional<HttpReply> refuse_mcp_head(const RequestHead& head) {
    if (auto refused = refuse_method(head.method, kMethods); refused) {
        return refused;
    }
    const HttpFields& fields = head.fields;
    const Accepts accepts = Accepts::parse(fields);
    if (head.method == "POST" && !is_json(fields.field("Content-Type").value_or(""))) {
        return error_reply(415, JsonRpcError::kInvalidRequest,
                           "Content-Type must be application/json");
    }
    if (head.method == "POST" && fields.count("Content-Type") > 1) {
        return error_reply(400, JsonRpcError::kInvalidRequest,
                           "Content-Type stands more than once");
    }
    if (head.method == "POST" && is_coded(fields)) {
        HttpReply reply = error_reply(415, JsonRpcError::kInvalidRequest,
                                      "Content-Encoding is not served");
        reply.fields.emplace_back("Accept-Encoding", "identity");
        return reply;
    }
    if (head.method == "POST" && accepts.nothing()) {
        return error_reply(406, JsonRpcError::kInvalidRequest,
                           "Accept must allow application/json or text/event-stream");
    }
    if (head.method == "GET" && !accepts.events) {
        return error_reply(406, JsonRpcError::kInvalidRequest,
                           "Accept must allow text/event-stream");
    }
    return std::nullopt;
}

HttpReply error_reply(int status, JsonRpcError code, std::string_view message,
                      std::string_view id_raw, std::string_view data) {
    HttpReply reply;
    reply.status = status;
    reply.content_type = "application/json";
    write_error(reply.body, id_raw, code, message, data);
    return reply;
}

}  // namespace neuron
