// What the doors of both eras share, and the choice between them.

#include "neurond/mcp/door.h"

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"
#include "neurond/wire/mcp_header.h"

namespace neuron {

namespace {

constexpr std::string_view kVersionKey = "io.modelcontextprotocol/protocolVersion";
constexpr std::string_view kCapabilitiesKey =
    "io.modelcontextprotocol/clientCapabilities";
constexpr std::string_view kClientInfoKey = "io.modelcontextprotocol/clientInfo";

using Era = EraChoice::Era;

EraChoice refused(JsonRpcError code, std::string message, std::string data = {}) {
    EraChoice out;
    out.era = Era::kRefused;
    out.error = {code, std::move(message), {}, {}, {}};
    out.data = std::move(data);
    return out;
}

EraChoice mismatch(std::string_view header, std::string_view what) {
    return refused(JsonRpcError::kHeaderMismatch,
                   "Header mismatch: " + std::string(header) + " " + std::string(what));
}

/// Dates compare as strings; what is no date at all is legacy's business.
bool names_modern(const std::optional<std::string_view>& version) {
    return version && *version >= to_string(Revision::k20260728);
}

/// The error text for `_meta` that is not as it must be; empty when it is.
std::string meta_problem(const JsonScanner& scan, std::string_view text) {
    const auto meta = [&](std::string_view key) {
        return JsonView(find(scan.meta_members(), text, key).in(text));
    };
    if (!meta(kVersionKey).is_string()) {
        return "params._meta[\"" + std::string(kVersionKey) + "\"] must be a string";
    }
    if (!meta(kCapabilitiesKey).is_object()) {
        return "params._meta[\"" + std::string(kCapabilitiesKey) + "\"] must be an object";
    }
    const JsonView info = meta(kClientInfoKey);
    if (info.exists() &&
        (!info.find("name").is_string() || !info.find("version").is_string())) {
        return "params._meta[\"" + std::string(kClientInfoKey) +
               "\"] must have name and version";
    }
    return {};
}

EraChoice unsupported(std::string_view requested) {
    JsonWriter w;
    w.begin_object().key("supported").begin_array();
    w.string(to_string(Revision::k20260728)).end_array();
    w.key("requested").string(requested).end_object();
    return refused(JsonRpcError::kUnsupportedVersion, "Unsupported protocol version",
                   w.take());
}

/// Which member of params `Mcp-Name` repeats.
std::string_view named_by(std::string_view method) {
    return method == "tools/call" || method == "prompts/get" ? "name"
           : method == "resources/read"                      ? "uri"
                                                             : "";
}

/// Nothing when the routing headers agree with the body.
std::optional<EraChoice> header_problem(const JsonRpcMessage& message,
                                        const JsonScanner& scan, std::string_view text,
                                        const ModernHeaders& headers) {
    if (!headers.method || *headers.method != message.method) {
        return mismatch("Mcp-Method", headers.method ? "is not the method" : "is missing");
    }
    const std::string_view key = named_by(message.method);
    if (key.empty()) {
        return std::nullopt;
    }
    const JsonView value(find(scan.params_members(), text, key).in(text));
    const std::optional<std::string> wanted = value.as_string();
    if (!wanted) {
        return std::nullopt;  // the params are at fault, which is told later
    }
    if (!headers.name) {
        return mismatch("Mcp-Name", "is missing");
    }
    const std::optional<std::string> name = decode_mcp_header(*headers.name);
    if (!name || *name != *wanted) {
        return mismatch("Mcp-Name", "is not params." + std::string(key));
    }
    return std::nullopt;
}

EraChoice modern() {
    EraChoice out;
    out.era = Era::kModern;
    return out;
}

EraChoice choose_claimed(const JsonRpcMessage& message, const JsonScanner& scan,
                         std::string_view text, std::string_view claim,
                         const ModernHeaders* headers) {
    if (headers != nullptr && headers->version && *headers->version != claim) {
        return mismatch("MCP-Protocol-Version", "is not the one in params._meta");
    }
    const auto revision = parse_revision(claim);
    if (!revision || is_legacy(*revision)) {
        return unsupported(claim);
    }
    if (headers != nullptr && !headers->version) {
        return mismatch("MCP-Protocol-Version", "is missing");
    }
    if (headers != nullptr && message.kind == JsonRpcMessage::Kind::kRequest) {
        if (auto problem = header_problem(message, scan, text, *headers); problem) {
            return *problem;
        }
    }
    return modern();
}

}  // namespace

const char* const kInstructions =
    "neurond routes calls to several MCP servers. The part of a tool's name before the "
    "separator names the server that answers.";

const char* const kNotSubscribable =
    "There is no such resource, or its server tells of no changes";

EraChoice choose_era(const JsonRpcMessage& message, const JsonScanner& scan,
                     std::string_view text, const ModernHeaders* headers) {
    const JsonView claim(find(scan.meta_members(), text, kVersionKey).in(text));
    const bool modern_header = headers != nullptr && names_modern(headers->version);
    const std::string claimed = claim.as_string().value_or("");
    if (message.kind == JsonRpcMessage::Kind::kNotification) {
        return claim.exists() || modern_header ? modern() : EraChoice();
    }
    if (message.method == "initialize" && !names_modern(claimed)) {
        return modern_header ? mismatch("MCP-Protocol-Version", "has no initialize")
                             : EraChoice();
    }
    if (!claim.exists() && !modern_header) {
        return {};
    }
    if (const std::string problem = meta_problem(scan, text); !problem.empty()) {
        return refused(JsonRpcError::kInvalidParams, problem);
    }
    return choose_claimed(message, scan, text, claimed, headers);
}

std::string named_target(const JsonRpcMessage& message, const JsonScanner& scan,
                         std::string_view text) {
    const std::string_view key = named_by(message.method);
    return key.empty() ? std::string()
                       : JsonView(find(scan.params_members(), text, key).in(text))
                             .as_string()
                             .value_or("");
}

bool claims_modern(const JsonScanner& scan, std::string_view text) {
    return !find(scan.meta_members(), text, kVersionKey).empty();
}

ClientCaps read_request_caps(const JsonScanner& scan, std::string_view text) {
    return ClientCaps::parse(
        JsonView(find(scan.meta_members(), text, kCapabilitiesKey).in(text)));
}

std::string_view read_cancelled_id(const JsonScanner& scan, std::string_view text) {
    return find(scan.params_members(), text, "requestId").in(text);
}

void write_notice(OutQueue& out, const Notice& notice, std::string_view token_raw) {
    if (notice.kind == Notice::Kind::kMessage) {
        write_notification(out, "notifications/message", notice.params.view());
        return;
    }
    const std::vector<Edit> edits = {{notice.progress_token, token_raw}};
    const Span whole{0, notice.params.size};
    write_notification(out, "notifications/progress",
                       JsonBody{notice.params, whole, edits});
}

void write_own_error(OutQueue& out, std::string_view id_raw, const OwnError& error,
                     std::string_view request_id) {
    const std::string message = mask_secrets(error.message);
    JsonWriter w;
    if (!error.uri.empty()) {
        w.begin_object().key("uri").string(error.uri).end_object();
        write_error(out, id_raw, error.code, message, w.take());
        return;
    }
    if (!error.required.empty()) {
        w.begin_object().key("requiredCapabilities").raw(error.required).end_object();
        write_error(out, id_raw, error.code, error.message, w.take());
        return;
    }
    w.begin_object();
    if (!error.type.empty()) {
        w.key("type").string(error.type);
    }
    if (!error.server.empty()) {
        w.key("server").string(error.server);
    }
    w.key("request_id").string(request_id);
    if (error.retry_after_seconds) {
        w.key("retry_after").integer(*error.retry_after_seconds);
    }
    write_error(out, id_raw, error.code, message, w.end_object().take());
}

DoorRequest refused_request(JsonRpcError code, std::string message, int status) {
    DoorRequest out;
    out.error = {code, std::move(message), {}, {}, {}};
    out.status = status;
    return out;
}

}  // namespace neuron
