// One side of the model: how legacy servers are spoken to.

#include "neurond/mcp/leg_legacy.h"

#include "neurond/base/text.h"
#include "neurond/base/version.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

class LegacyLeg final : public Leg {
  public:
    void write_list(OutQueue& out, uint64_t id, ItemKind kind,
                    const std::optional<std::string>& cursor) const override {
        const std::string params =
            cursor ? "{\"cursor\":" + json_quote(*cursor) + "}" : std::string();
        write_request(out, std::to_string(id), words_of(kind).method, params);
    }
    void write_call(OutQueue& out, uint64_t id, const Call& call,
                    std::string_view more) const override {
        write_call_request(out, id, call, {}, more);
    }
};

}  // namespace

const Leg& legacy_leg() noexcept {
    static const LegacyLeg leg;
    return leg;
}

void write_initialize(OutQueue& out, uint64_t id, ClientCaps caps) {
    JsonWriter w;
    w.begin_object().key("protocolVersion").string(to_string(Revision::k20251125));
    w.key("capabilities").raw(caps.to_json());
    w.key("clientInfo").begin_object().key("name").string("neurond");
    w.key("version").string(kVersion).end_object().end_object();
    write_request(out, std::to_string(id), "initialize", w.take());
}

void write_initialized(OutQueue& out) {
    write_notification(out, "notifications/initialized", std::string_view());
}

Result<ServerHello> read_initialize_result(std::string_view result) {
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
    out.caps = ServerCaps::parse(hello.find("capabilities"));
    out.instructions = hello.find("instructions").as_string().value_or("");
    out.name = hello.find("serverInfo").find("name").as_string().value_or("");
    out.version = hello.find("serverInfo").find("version").as_string().value_or("");
    return out;
}

}  // namespace neuron
