#ifndef NEUROND_TESTS_UNIT_MCP_STAGE_H
#define NEUROND_TESTS_UNIT_MCP_STAGE_H

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop_world.h"
#include "mcp_fake_parties.h"
#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/text.h"
#include "neurond/mcp/router.h"
#include "neurond/wire/json_view.h"

namespace neuron {

using Told = std::vector<std::string>;

/// A router between a fake server and a fake client.
struct Stage {
    explicit Stage(bool refuse_unaudited = true, size_t calls_in_flight = 100,
                   AuditSettings::Sync sync = AuditSettings::Sync::kNo,
                   std::string path = {})
        : audit_path(path.empty() ? scratch.path("audit.log") : std::move(path)),
          writer(std::in_place, world.loop, world.children, HelperRole::kWriter),
          audit(world.loop, *writer,
                {audit_path, AuditSettings::Arguments::kFull, sync, Millis(60000),
                 std::string(32, 'k')}),
          server(parties.answerers),
          client(parties.askers),
          router(std::in_place, world.loop, parties, audit, directory, observer,
                 RouterLimits{calls_in_flight, refuse_unaudited}) {
        REQUIRE(audit.open());
        rules.catalog = catalog_of(server.registration.handle(), {"get", "quick"});
        rules.policy = std::make_shared<Policy>(
            false, std::vector<PolicyRule>{{"readers", true, {"redis.*"}, {"uid:1*"}},
                                           {"no-secrets", false, {"*.secret"}, {}}});
        router->set_rules(rules);
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage() {
        router.reset();
        writer.reset();
        CHECK(world.until([this] { return world.children.size() == 0; }));
    }

    CallHandle submit(uint64_t tag, const std::string& tool = "redis.get",
                      const std::string& rest = {}) {
        CallRequest request = call_request(R"({"name":")" + tool + "\"" + rest + "}");
        request.request_id = "r-" + std::to_string(tag);
        request.identity = {identity, "127.0.0.1:1"};
        request.asker = client.registration.handle();
        request.tag = tag;
        request.takes_questions = true;
        return router->submit(std::move(request));
    }
    void answer(CallHandle call, const std::string& result = "{}") {
        router->on_answer(call, Answer::result(Slice::copy_of(result)));
    }
    void turn() { world.loop.turn(Millis{0}); }
    /// "EVENT TOOL DECISION RULE RESULT" of each record, or what of it is there.
    Told records() const {
        const Result<std::string> text = read_file(audit_path, 1024 * 1024);
        REQUIRE(text);
        Told out;
        for (const std::string_view line : split(*text, '\n')) {
            const JsonView record(line);
            std::string row;
            for (const char* key : {"event", "tool", "decision", "rule", "result"}) {
                if (const auto value = record.find(key).as_string(); value) {
                    row += (row.empty() ? "" : " ") + *value;
                }
            }
            if (!row.empty() && row != "start") {
                out.push_back(row);
            }
        }
        return out;
    }

    World world;
    Scratch scratch;
    std::string audit_path;
    std::optional<Helper> writer;
    AuditLog audit;
    Parties parties;
    FakeDirectory directory;
    FakeObserver observer;
    FakeServer server;
    FakeClient client;
    Rules rules;
    std::string identity = "uid:1000";
    std::optional<Router> router;
};

}  // namespace neuron

#endif
