#include "neurond/mcp/router.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "mcp_stage.h"

using namespace neuron;

namespace {

Missing missing(const std::string& full_name, const char* message, bool starting) {
    return {{JsonRpcError::kInternal, message, "unavailable", "redis", {}},
            full_name,
            starting};
}

}  // namespace

TEST_CASE("a call is recorded, then taken, then answered, then its result recorded") {
    Stage stage;
    stage.server.when_taken = [&](Call& call) {
        CHECK(stage.records() == Told{"call redis.get allowed readers"});
        CHECK(call.entry->own_name == "get");
        CHECK(call.request.arguments.in(call.request.text.view()) == R"({"n":1.10})");
    };
    const CallHandle call = stage.submit(7, "redis.get", R"(,"arguments":{"n":1.10})");
    CHECK(stage.server.taken.empty());  // never inside submit()
    CHECK(stage.records().empty());
    stage.turn();
    CHECK(stage.server.taken == std::vector<CallHandle>{call});
    CHECK(stage.router->in_flight() == 1);
    CHECK(stage.router->find_call(call) == stage.server.last);
    CHECK(stage.client.told.empty());
    stage.answer(call, R"({"content":[],"n":9007199254740993})");
    CHECK(stage.client.told == Told{R"(7 result {"content":[],"n":9007199254740993})"});
    CHECK(stage.router->in_flight() == 0);
    CHECK(stage.router->find_call(call) == nullptr);
    CHECK(stage.observer.done == "7 success ");
    stage.turn();
    CHECK(stage.records() == Told{"call redis.get allowed readers",
                                  "result redis.get allowed readers success"});
    CHECK(stage.server.cancelled.empty());
}

TEST_CASE("an error of the server passes as it is and counts as one") {
    Stage stage;
    const CallHandle call = stage.submit(1);
    stage.turn();
    const std::string error = R"({"code":-32000,"message":"no","data":{"x":1.0}})";
    stage.router->on_answer(call, Answer::error(Slice::copy_of(error)));
    CHECK(stage.client.told == Told{"1 error " + error});
    CHECK(stage.observer.done == "1 error ");
    stage.turn();
    CHECK(stage.records().back() == "result redis.get allowed readers error");
}

TEST_CASE("all calls of a turn are recorded before the first is taken") {
    Stage stage;
    stage.server.when_taken = [&](Call&) { CHECK(stage.records().size() == 3); };
    for (uint64_t tag = 1; tag <= 3; ++tag) {
        stage.submit(tag);
    }
    stage.turn();
    CHECK(stage.server.taken.size() == 3);
    stage.answer(stage.server.taken[2], "{\"c\":3}");  // in any order, each to its own
    stage.answer(stage.server.taken[0], "{\"a\":1}");
    stage.answer(stage.server.taken[1], "{\"b\":2}");
    CHECK(stage.client.told ==
          Told{"3 result {\"c\":3}", "1 result {\"a\":1}", "2 result {\"b\":2}"});
}

TEST_CASE("refusals are answered and recorded, and no server hears of them") {
    struct Row {
        const char* identity;
        const char* tool;
        const char* told;
        const char* record;
        JsonRpcError code;
    };
    for (const Row& row : {
             Row{"uid:1000", "redis.none", "1 own  Unknown tool: redis.none",
                 "call redis.none denied error", JsonRpcError::kInvalidParams},
             Row{"uid:2000", "redis.get",
                 "1 own  Access denied to tool redis.get by security policy",
                 "call redis.get denied default blocked",
                 JsonRpcError::kInvalidRequest},
             Row{"uid:1000", "redis.down",
                 "1 own unavailable Downstream 'redis' is not available: broken",
                 "call redis.down denied readers error", JsonRpcError::kInternal},
             // who may not use it is not told that its server is down, or starting
             Row{"uid:1000", "redis.secret",
                 "1 own  Access denied to tool redis.secret by security policy",
                 "call redis.secret denied no-secrets blocked",
                 JsonRpcError::kInvalidRequest},
             Row{"uid:2000", "redis.soon",
                 "1 own  Access denied to tool redis.soon by security policy",
                 "call redis.soon denied default blocked",
                 JsonRpcError::kInvalidRequest},
         }) {
        CAPTURE(std::string(row.tool));
        Stage stage;
        const char* const broken = "Downstream 'redis' is not available: broken";
        for (const char* tool : {"redis.down", "redis.secret"}) {
            stage.directory.missing[tool] = missing(tool, broken, false);
        }
        stage.directory.missing["redis.soon"] = missing("redis.soon", "", true);
        stage.identity = row.identity;
        stage.submit(1, row.tool);
        CHECK(stage.client.answers == 0);  // never inside submit()
        stage.turn();
        CHECK(stage.client.told == Told{row.told});
        CHECK(stage.client.own.code == row.code);
        CHECK(stage.server.taken.empty());
        CHECK(stage.records() == Told{row.record});
        CHECK(stage.observer.done ==
              (row.code == JsonRpcError::kInvalidRequest ? "1 blocked " : "1 error "));
        CHECK(stage.router->in_flight() == 0);
    }
}

TEST_CASE("over the limit a call is told to come back") {
    Stage stage(true, 2);
    for (uint64_t tag = 1; tag <= 3; ++tag) {
        stage.submit(tag);
        stage.turn();
    }
    CHECK(stage.client.told == Told{"3 own busy Too many calls in flight"});
    CHECK(stage.client.own.retry_after_seconds == 1);
    stage.answer(stage.server.taken[0]);
    stage.submit(4);
    stage.turn();
    CHECK(stage.server.taken.size() == 3);
}

TEST_CASE("without its record a call is not sent, unless the operator wants it") {
    for (const bool refuse : {true, false}) {
        Stage stage(refuse, 100, AuditSettings::Sync::kNo, "/dev/full");
        stage.submit(1);
        stage.submit(2);
        stage.turn();
        CHECK(stage.server.taken.size() == (refuse ? 0 : 2));
        CHECK(stage.client.answers == (refuse ? 2 : 0));
        if (refuse) {
            CHECK(stage.client.own.type == "audit");
            CHECK(starts_with(stage.client.told[0],
                              "1 own audit Audit logging failed: "));
            CHECK(stage.observer.done == "1 error 2 error ");
        } else {
            stage.answer(stage.server.taken[0]);
            CHECK(stage.client.told == Told{"1 result {}"});
        }
        stage.turn();
    }
}

TEST_CASE("cancelled before its turn a call leaves no trace") {
    Stage stage;
    stage.router->cancel(stage.submit(1));
    stage.turn();
    CHECK(stage.server.taken.empty());
    CHECK(stage.client.told.empty());
    CHECK(stage.records().empty());
    CHECK(stage.server.cancelled.empty());
    CHECK(stage.observer.done == "1 cancelled ");
}

TEST_CASE("a call for a server that is starting waits for it") {
    Stage stage;
    const Rules rules = stage.rules;
    stage.router->set_rules(
        {catalog_of(stage.server.registration.handle(), {}), stage.rules.policy});
    stage.directory.missing["redis.get"] = missing("redis.get", "it failed", true);
    stage.submit(1);
    const CallHandle gone = stage.submit(2);
    stage.turn();
    CHECK(stage.client.told.empty());
    CHECK(stage.records().empty());  // not admitted yet
    CHECK(stage.router->in_flight() == 2);
    stage.router->set_rules(stage.router->rules());  // another has come up
    stage.turn();
    CHECK(stage.router->in_flight() == 2);
    stage.router->cancel(gone);
    SUBCASE("until it is there") {
        stage.directory.missing.clear();
        stage.router->set_rules(rules);
        stage.turn();
        REQUIRE(stage.server.taken.size() == 1);
        stage.answer(stage.server.taken[0]);
        CHECK(stage.client.told == Told{"1 result {}"});
    }
    SUBCASE("until it has failed") {
        stage.directory.missing["redis.get"].starting = false;
        stage.router->set_rules(stage.router->rules());
        stage.turn();
        CHECK(stage.client.told == Told{"1 own unavailable it failed"});
    }
    SUBCASE("until neurond stops") {
        stage.router->refuse_unsent();
        CHECK(stage.client.told ==
              Told{"1 own unavailable The call was not sent: neurond is stopping"});
    }
    CHECK(stage.router->in_flight() == 0);
}

TEST_CASE("what has been sent is not refused when neurond stops") {
    Stage stage;
    const CallHandle sent = stage.submit(1);
    stage.turn();
    stage.submit(2);
    int idle = 0;
    stage.router->on_idle([&] { ++idle; });
    stage.router->refuse_unsent();
    CHECK(stage.client.answers == 1);
    CHECK(stage.router->in_flight() == 1);
    stage.turn();
    CHECK(idle == 0);
    stage.answer(sent);
    CHECK(idle == 0);  // not inside the answer
    stage.turn();
    CHECK(idle == 1);
    stage.answer(stage.submit(3));
    stage.turn();
    CHECK(idle == 1);
}

TEST_CASE("a server that was removed meanwhile is told as such") {
    Stage stage;
    {
        FakeServer short_lived(stage.parties.answerers);
        stage.rules.catalog = catalog_of(short_lived.registration.handle(), {"get"});
        stage.router->set_rules(stage.rules);
    }
    stage.submit(1);
    stage.turn();
    CHECK(stage.client.told == Told{"1 own unavailable Downstream 'redis' is not "
                                    "available: it has been removed"});
    stage.turn();
    CHECK(stage.records().back() == "result redis.get allowed readers error");
}

TEST_CASE("a call keeps the catalog and the rule it began with") {
    Stage stage;
    const CallHandle call = stage.submit(1);
    stage.turn();
    stage.router->set_rules(
        {catalog_of(stage.server.registration.handle(), {"other"}),
         std::make_shared<Policy>(false, std::vector<PolicyRule>())});
    stage.rules = {};
    CHECK(stage.server.last->entry->own_name == "get");
    stage.answer(call);
    CHECK(stage.client.told == Told{"1 result {}"});
    stage.turn();
    CHECK(stage.records().back() == "result redis.get allowed readers success");
}

TEST_CASE("an asker may be gone, and may ask anew from within its answer") {
    Stage stage;
    CallHandle orphan;
    {
        FakeClient short_lived(stage.parties.askers);
        CallRequest request = call_request(R"({"name":"redis.get"})");
        request.identity = {"uid:1000", {}};
        request.asker = short_lived.registration.handle();
        orphan = stage.router->submit(std::move(request));
        stage.turn();
    }
    stage.router->on_notice(orphan, {});
    stage.answer(orphan);
    CHECK(stage.router->in_flight() == 0);
    stage.client.when_answered = [&] {
        if (stage.client.answers < 3) {
            stage.submit(10);
        }
    };
    stage.submit(9, "redis.none");  // refused, which answers within the stage
    for (int i = 0; i < 5; ++i) {
        stage.turn();
        if (stage.router->in_flight() > 0 && stage.server.taken.size() > 1) {
            stage.answer(stage.server.taken.back());
        }
    }
    CHECK(stage.client.answers == 3);
}
