// One side of the model: what legacy clients say and want to hear.

#include "neurond/mcp/door_legacy.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/version.h"
#include "neurond/mcp/greeting.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

DoorRequest of_kind(DoorRequest::Kind kind) {
    DoorRequest out;
    out.kind = kind;
    return out;
}

/// A result of a modern server that a legacy client would take for something else: SDKs
/// read `input_required` as an empty success (mcp-protocol 1.3).
bool is_foreign(const JsonView& result) {
    const JsonView type = result.find("resultType");
    return type.exists() && !type.is_string("complete");
}

DoorRequest read_set_level(const JsonScanner& scan, std::string_view text) {
    const JsonView word(find(scan.params_members(), text, "level").in(text));
    DoorRequest out = of_kind(DoorRequest::Kind::kSetLevel);
    out.call.log_level = parse_message_level(word.as_string().value_or(""));
    return out.call.log_level ? out
                              : refused_request(JsonRpcError::kInvalidParams,
                                                "logging/setLevel: unknown level");
}

class LegacyDoor final : public Door {
  public:
    bool modern() const noexcept override { return false; }
    DoorRequest read_request(const JsonRpcMessage& message, const JsonScanner& scan,
                             const Slice& text) const override;
    void write_list(OutQueue& out, std::string_view id_raw, const DoorRequest& asked,
                    const Viewer& viewer, const ListSettings& settings) const override {
        const auto page = list_page_or_error(out, id_raw, asked, viewer, settings);
        if (page) {
            out.write(R"({"jsonrpc":"2.0","id":)");
            out.write(id_raw);
            out.write(R"(,"result":{)");
            write_list_members(out, asked.list, *page, true);
            out.write("}}");
        }
    }
    void write_answer(OutQueue& out, std::string_view id_raw, const Answer& answer,
                      std::string_view request_id) const override;
    int status_of(const Answer&) const override { return 200; }
};

DoorRequest read_subscribe(const JsonRpcMessage& message, const JsonScanner& scan,
                           std::string_view text) {
    const JsonView value(find(scan.params_members(), text, "uri").in(text));
    const std::optional<std::string> uri = value.as_string();
    if (!uri) {
        return refused_request(JsonRpcError::kInvalidParams,
                               message.method + ": params.uri is missing or not a string");
    }
    DoorRequest out = of_kind(message.method == "resources/subscribe"
                                  ? DoorRequest::Kind::kSubscribe
                                  : DoorRequest::Kind::kUnsubscribe);
    out.uri = *uri;
    return out;
}

DoorRequest LegacyDoor::read_request(const JsonRpcMessage& message,
                                     const JsonScanner& scan, const Slice& text) const {
    if (auto shared = read_shared_request(message, scan, text); shared) {
        return std::move(*shared);
    }
    if (message.method == "resources/subscribe" ||
        message.method == "resources/unsubscribe") {
        return read_subscribe(message, scan, text.view());
    }
    if (message.method == "logging/setLevel") {
        return read_set_level(scan, text.view());
    }
    if (message.method == "ping") {
        return of_kind(DoorRequest::Kind::kPing);
    }
    if (message.method == "initialize") {
        return of_kind(DoorRequest::Kind::kInitialize);
    }
    return refused_request(JsonRpcError::kMethodNotFound, "Method not found");
}

/// Structured content that is no object makes legacy SDKs refuse the result; the text
/// beside it says the same.
void write_legacy_result(OutQueue& out, std::string_view id_raw, const Slice& body) {
    const JsonView result(body.view());
    const JsonView structured = result.find("structuredContent");
    std::vector<Edit> edits;
    if (structured.exists() && !structured.is_object()) {
        remove_members(edits, body.view(), result, [](const JsonView& key) {
            return key.is_string("structuredContent");
        });
    }
    write_result(out, id_raw, JsonBody{body, Span{0, body.size}, edits});
}

void LegacyDoor::write_answer(OutQueue& out, std::string_view id_raw,
                              const Answer& answer, std::string_view request_id) const {
    switch (answer.kind) {
        case Answer::Kind::kResult:
            if (is_foreign(JsonView(answer.body.view()))) {
                write_own_error(out, id_raw,
                                {JsonRpcError::kInternal,
                                 "The server asks for input this client cannot give",
                                 "unavailable",
                                 {},
                                 {}},
                                request_id);
                return;
            }
            write_legacy_result(out, id_raw, answer.body);
            return;
        case Answer::Kind::kError:
            write_error(out, id_raw, answer.body);
            return;
        case Answer::Kind::kOwnError:
            write_own_error(out, id_raw, answer.own, request_id);
            return;
    }
}

}  // namespace

const Door& legacy_door() noexcept {
    static const LegacyDoor door;
    return door;
}

InitializeRequest read_initialize(const JsonScanner& scan, std::string_view text) {
    InitializeRequest out;
    const JsonView version(find(scan.params_members(), text, "protocolVersion").in(text));
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

const char* batch_problem(std::string_view text, std::optional<Revision> revision) {
    const JsonView elements(text);
    if (revision != Revision::k20250326) {
        return "Batches exist only in revision 2025-03-26";
    }
    if (!elements.at(0).exists()) {
        return "The batch is empty";
    }
    if (elements.at(kMaxBatch).exists()) {
        return "The batch has too many messages";
    }
    JsonScanner scan(UINT16_MAX);
    for (const JsonView element : elements.elements()) {
        scan.reset();
        scan.finish(element.raw());
        if (claims_modern(scan, element.raw())) {
            return "A request of revision 2026-07-28 cannot be batched";
        }
    }
    return nullptr;
}

void write_initialize_result(OutQueue& out, std::string_view id_raw, Revision revision,
                             const Viewer& viewer) {
    const Greeting greeting = greeting_for(viewer);
    JsonWriter w;
    w.begin_object().key("protocolVersion").string(to_string(revision));
    w.key("capabilities").raw(greeting.capabilities);
    w.key("serverInfo").begin_object().key("name").string("neurond");
    w.key("title").string("neurond federation proxy").key("version").string(kVersion);
    w.end_object().key("instructions").string(greeting.instructions).end_object();
    write_result(out, id_raw, Slice::copy_of(w.take()));
}

}  // namespace neuron
