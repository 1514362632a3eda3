// One side of the model: what stateless clients say and want to hear.

#include "neurond/mcp/door_modern.h"

#include "neurond/base/text.h"
#include "neurond/base/version.h"
#include "neurond/mcp/greeting.h"
#include "neurond/mcp/param_headers.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"
#include "neurond/wire/mcp_header.h"

namespace neuron {

namespace {

constexpr int kNotFound = 404;
constexpr std::string_view kLogLevelKey = "io.modelcontextprotocol/logLevel";
constexpr std::string_view kResultType = R"("resultType":"complete")";
constexpr std::string_view kPrivateNow = R"("ttlMs":0,"cacheScope":"private")";

/// `_meta` of results that neurond makes itself.
std::string own_meta() {
    return R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"neurond","version":)" +
           json_quote(kVersion) + "}}";
}

class ModernDoor final : public Door {
  public:
    bool modern() const noexcept override { return true; }
    DoorRequest read_request(const JsonRpcMessage& message, const JsonScanner& scan,
                             const Slice& text) const override;
    void write_list(OutQueue& out, std::string_view id_raw, const DoorRequest& asked,
                    const Viewer& viewer, const ListSettings& settings) const override;
    void write_answer(OutQueue& out, std::string_view id_raw, const Answer& answer,
                      std::string_view request_id) const override;
    int status_of(const Answer& answer) const override;
};

DoorRequest of_kind(DoorRequest::Kind kind) {
    DoorRequest out;
    out.kind = kind;
    return out;
}

DoorRequest read_listen_request(const JsonScanner& scan, std::string_view text) {
    std::string problem;
    std::optional<ListenFilter> filter = read_listen(scan, text, problem);
    if (!filter) {
        return refused_request(JsonRpcError::kInvalidParams, std::move(problem));
    }
    DoorRequest out = of_kind(DoorRequest::Kind::kListen);
    out.listen = std::move(*filter);
    out.call.caps = read_request_caps(scan, text);
    return out;
}

DoorRequest with_log_level(DoorRequest asked, const JsonScanner& scan,
                           std::string_view text) {
    const JsonView word(find(scan.meta_members(), text, kLogLevelKey).in(text));
    asked.call.log_level = parse_message_level(word.as_string().value_or(""));
    return word.exists() && !asked.call.log_level
               ? refused_request(JsonRpcError::kInvalidParams,
                                 "params._meta[\"" + std::string(kLogLevelKey) +
                                     "\"] is not a level")
               : std::move(asked);
}

DoorRequest ModernDoor::read_request(const JsonRpcMessage& message,
                                     const JsonScanner& scan, const Slice& text) const {
    if (auto shared = read_shared_request(message, scan, text); shared) {
        shared->call.caps = read_request_caps(scan, text.view());
        shared->call.state = find(scan.params_members(), text.view(), "requestState");
        shared->call.responses =
            find(scan.params_members(), text.view(), "inputResponses");
        return with_log_level(std::move(*shared), scan, text.view());
    }
    if (message.method == "subscriptions/listen") {
        return read_listen_request(scan, text.view());
    }
    if (message.method == "server/discover") {
        return of_kind(DoorRequest::Kind::kDiscover);
    }
    return refused_request(JsonRpcError::kMethodNotFound, "Method not found", kNotFound);
}

/// The least that all who contribute to the list promise. What differs from client to
/// client is private.
CacheHint hint_of(ItemKind kind, const Viewer& viewer) {
    std::optional<CacheHint> all;
    for (const CatalogPart& part : viewer.catalog.parts()) {
        const bool legacy = part.offer == nullptr || is_legacy(part.offer->revision);
        if (part.offer != nullptr && !part.offer->caps.has(kind)) {
            continue;
        }
        const CacheHint hint = legacy ? CacheHint() : part.offer->of(kind).hint;
        all = all ? all->and_also(hint) : hint;
    }
    CacheHint out = all.value_or(CacheHint());
    out.is_public = out.is_public && viewer.policy.same_for_all();
    return out;
}

std::string to_members(CacheHint hint) {
    return "\"ttlMs\":" + std::to_string(hint.ttl_ms) + ",\"cacheScope\":\"" +
           (hint.is_public ? "public" : "private") + "\"";
}

void ModernDoor::write_list(OutQueue& out, std::string_view id_raw,
                            const DoorRequest& asked, const Viewer& viewer,
                            const ListSettings& settings) const {
    const auto page = list_page_or_error(out, id_raw, asked, viewer, settings);
    if (!page) {
        return;
    }
    out.write(R"({"jsonrpc":"2.0","id":)");
    out.write(id_raw);
    out.write(R"(,"result":{)");
    out.write(kResultType);
    out.write(",");
    write_list_members(out, asked.list, *page, false);
    out.write("," + to_members(hint_of(asked.list, viewer)) + "," + own_meta() + "}}");
}

/// A legacy server says nothing of the kind of its result, which is complete, nor how
/// long what was read may be kept.
void write_modern_result(OutQueue& out, std::string_view id_raw, const Answer& answer) {
    const Slice& body = answer.body;
    const JsonView result(body.view());
    const Span whole{0, body.size};
    const JsonView type = result.find("resultType");
    std::string missing;
    if (!type.exists()) {
        missing = kResultType;
    }
    if (answer.is_read && (!type.exists() || type.is_string("complete")) &&
        !(result.find("ttlMs").exists() && result.find("cacheScope").exists())) {
        missing += (missing.empty() ? "" : ",") + std::string(kPrivateNow);
    }
    std::vector<Edit> edits;
    if (!missing.empty()) {
        missing += body.view().find('"') != std::string_view::npos ? "," : "";
        edits.push_back({front_of_object(whole), missing});
    }
    write_result(out, id_raw, JsonBody{body, whole, edits});
}

void ModernDoor::write_answer(OutQueue& out, std::string_view id_raw,
                              const Answer& answer, std::string_view request_id) const {
    switch (answer.kind) {
        case Answer::Kind::kResult:
            write_modern_result(out, id_raw, answer);
            return;
        case Answer::Kind::kError:
            write_error(out, id_raw, answer.body);
            return;
        case Answer::Kind::kOwnError: {
            OwnError own = answer.own;
            if (own.code == JsonRpcError::kResourceNotFound) {
                own.code = JsonRpcError::kInvalidParams;
            }
            write_own_error(out, id_raw, own, request_id);
            return;
        }
    }
}

/// Whoever refuses, it is the request that lacks something.
int ModernDoor::status_of(const Answer& answer) const {
    constexpr auto kMissing = JsonRpcError::kMissingClientCapability;
    bool missing = answer.kind == Answer::Kind::kOwnError && answer.own.code == kMissing;
    if (answer.kind == Answer::Kind::kError) {
        missing = JsonView(answer.body.view()).find("code").as_int64() ==
                  static_cast<int64_t>(kMissing);
    }
    return missing ? 400 : 200;
}

/// Integers compare as numbers, everything else as text.
bool same_value(const JsonView& value, std::string_view text) {
    if (value.is_string()) {
        return value.is_string(text);
    }
    if (value.is_number()) {
        const JsonView number(text);
        return value.raw() == text ||
               (number.is_number() && value.as_double() == number.as_double());
    }
    return value.raw() == text;
}

}  // namespace

const Door& modern_door() noexcept {
    static const ModernDoor door;
    return door;
}

void write_discover_result(OutQueue& out, std::string_view id_raw,
                           const Viewer& viewer) {
    const Greeting greeting = greeting_for(viewer);
    JsonWriter w;
    w.begin_object().key("resultType").string("complete");
    w.key("supportedVersions").begin_array().string(to_string(Revision::k20260728));
    w.end_array().key("capabilities").raw(greeting.capabilities);
    w.key("instructions").string(greeting.instructions);
    const std::string head = w.end_object().take();
    write_result(out, id_raw,
                 Slice::copy_of(head.substr(0, head.size() - 1) + "," +
                                std::string(kPrivateNow) + "," + own_meta() + "}"));
}

std::string param_header_problem(const CatalogEntry& entry, const JsonView& arguments,
                                 const HttpFields& fields) {
    std::string problem;
    for_each_param_header(
        entry, arguments, [&](const std::string& name, const JsonView& value) {
            const auto field = fields.field(name);
            const bool expected = value.exists() && !value.is_null();
            if (expected != field.has_value()) {
                problem = name + (expected ? " is missing" : " names an absent argument");
                return;
            }
            if (fields.count(name) > 1) {
                problem = name + " stands more than once";
                return;
            }
            const auto decoded = field ? decode_mcp_header(*field) : std::nullopt;
            if (field && (!decoded || !same_value(value, *decoded))) {
                problem = name + " is not the argument's value";
            }
        });
    return problem;
}

}  // namespace neuron
