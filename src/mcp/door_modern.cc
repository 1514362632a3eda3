// One side of the model: what stateless clients say and want to hear.

#include "neurond/mcp/door_modern.h"

#include "neurond/base/text.h"
#include "neurond/base/version.h"
#include "neurond/mcp/param_headers.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"
#include "neurond/wire/mcp_header.h"

namespace neuron {

namespace {

constexpr int kNotFound = 404;
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
    void write_tools_list(OutQueue& out, std::string_view id_raw, const Catalog& catalog,
                          const Policy& policy, const Identity& identity) const override {
        out.write(R"({"jsonrpc":"2.0","id":)");
        out.write(id_raw);
        out.write(R"(,"result":{)");
        out.write(kResultType);
        out.write(R"(,"tools":[)");
        write_visible_tools(out, catalog, policy, identity, false);
        out.write("],");
        out.write(kPrivateNow);
        out.write("," + own_meta() + "}}");
    }
    void write_answer(OutQueue& out, std::string_view id_raw, const Answer& answer,
                      std::string_view request_id) const override;
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
    return out;
}

DoorRequest ModernDoor::read_request(const JsonRpcMessage& message,
                                     const JsonScanner& scan, const Slice& text) const {
    if (message.method == "tools/call") {
        DoorRequest out = read_call(message, scan, text);
        out.call.caps = read_request_caps(scan, text.view());
        return out;
    }
    if (message.method == "tools/list") {
        return find(scan.params_members(), text.view(), "cursor").empty()
                   ? of_kind(DoorRequest::Kind::kToolsList)
                   : refused_request(JsonRpcError::kInvalidParams,
                                     "tools/list: invalid cursor");
    }
    if (message.method == "subscriptions/listen") {
        return read_listen_request(scan, text.view());
    }
    if (message.method == "server/discover") {
        return of_kind(DoorRequest::Kind::kDiscover);
    }
    return refused_request(JsonRpcError::kMethodNotFound, "Method not found", kNotFound);
}

/// A legacy server says nothing of the kind of its result: it is complete.
void write_modern_result(OutQueue& out, std::string_view id_raw, const Slice& body) {
    const JsonView result(body.view());
    const Span whole{0, body.size};
    std::string type;
    std::vector<Edit> edits;
    if (!result.find("resultType").exists()) {
        const bool more = body.view().find('"') != std::string_view::npos;
        type = std::string(kResultType) + (more ? "," : "");
        edits.push_back({front_of_object(whole), type});
    }
    write_result(out, id_raw, JsonBody{body, whole, edits});
}

void ModernDoor::write_answer(OutQueue& out, std::string_view id_raw,
                              const Answer& answer, std::string_view request_id) const {
    switch (answer.kind) {
        case Answer::Kind::kResult:
            write_modern_result(out, id_raw, answer.body);
            return;
        case Answer::Kind::kError:
            write_error(out, id_raw, answer.body);
            return;
        case Answer::Kind::kOwnError:
            write_own_error(out, id_raw, answer.own, request_id);
            return;
    }
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

void write_discover_result(OutQueue& out, std::string_view id_raw) {
    JsonWriter w;
    w.begin_object().key("resultType").string("complete");
    w.key("supportedVersions").begin_array().string(to_string(Revision::k20260728));
    w.end_array().key("capabilities").raw(R"({"tools":{"listChanged":true}})");
    w.key("instructions").string(kInstructions);
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
