// One side of the model: how modern servers are spoken to.

#include "neurond/mcp/leg_modern.h"

#include "neurond/base/version.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

/// The members of `_meta` that every request carries (mcp-protocol 1.4), comma-joined.
std::string hop_meta(ClientCaps caps) {
    static const std::string version =
        std::string("\"io.modelcontextprotocol/protocolVersion\":") +
        json_quote(to_string(Revision::k20260728)) +
        ",\"io.modelcontextprotocol/clientCapabilities\":";
    static const std::string info =
        ",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"neurond\",\"version\":" +
        json_quote(kVersion) + "}";
    return version + caps.to_json() + info;
}

class ModernLeg final : public Leg {
  public:
    void write_list(OutQueue& out, uint64_t id, ItemKind kind,
                    const std::optional<std::string>& cursor) const override {
        const std::string more =
            cursor ? "\"cursor\":" + json_quote(*cursor) + "," : "";
        write_request(out, std::to_string(id), words_of(kind).method,
                      "{" + more + "\"_meta\":{" + hop_meta({}) + "}}");
    }
    void write_call(OutQueue& out, uint64_t id, const Call& call,
                    std::string_view more) const override {
        ClientCaps caps = relayable(call.request.caps);
        caps.bits &= static_cast<uint16_t>(~ClientCaps::kRootsListChanged);
        std::string meta = hop_meta(caps);
        if (call.request.log_level) {
            meta += ",\"io.modelcontextprotocol/logLevel\":" +
                    json_quote(to_string(*call.request.log_level));
        }
        write_call_request(out, id, call, meta, more);
    }
};

}  // namespace

const Leg& modern_leg() noexcept {
    static const ModernLeg leg;
    return leg;
}

void write_discover(OutQueue& out, uint64_t id) {
    write_request(out, std::to_string(id), "server/discover",
                  "{\"_meta\":{" + hop_meta({}) + "}}");
}

void write_listen(OutQueue& out, uint64_t id, const std::set<std::string>& uris) {
    JsonWriter w;
    w.begin_object().key("toolsListChanged").boolean(true);
    w.key("promptsListChanged").boolean(true).key("resourcesListChanged").boolean(true);
    if (!uris.empty()) {
        w.key("resourceSubscriptions").begin_array();
        for (const std::string& uri : uris) {
            w.string(uri);
        }
        w.end_array();
    }
    write_request(out, std::to_string(id), "subscriptions/listen",
                  "{\"_meta\":{" + hop_meta({}) +
                      "},\"notifications\":" + w.end_object().take() + "}");
}

Acknowledged read_acknowledged(const JsonScanner& scan, std::string_view text) {
    Acknowledged out;
    out.listen =
        read_leg_id(
            find(scan.meta_members(), text, "io.modelcontextprotocol/subscriptionId")
                .in(text))
            .value_or(0);
    const JsonView honoured(
        find(scan.params_members(), text, "notifications").in(text));
    for (const JsonView uri : honoured.find("resourceSubscriptions").elements()) {
        out.resources.insert(uri.as_string().value_or(""));
    }
    return out;
}

ServerHello read_discover_result(std::string_view result) {
    const JsonView hello(result);
    const JsonView info =
        hello.find("_meta").find("io.modelcontextprotocol/serverInfo");
    ServerHello out;
    out.revision = Revision::k20260728;
    out.caps = ServerCaps::parse(hello.find("capabilities"));
    out.instructions = hello.find("instructions").as_string().value_or("");
    out.name = info.find("name").as_string().value_or("");
    out.version = info.find("version").as_string().value_or("");
    return out;
}

}  // namespace neuron
