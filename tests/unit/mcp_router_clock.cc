// How calls end when several things happen to them, and when.

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "mcp_stage.h"

using namespace neuron;

TEST_CASE("in every order of answers, cancelling and deadline there is one end") {
    std::string order = "acdl";  // answer, cancel, deadline, late answer
    do {
        CAPTURE(order);
        Stage stage;
        const CallHandle call = stage.submit(1, "redis.quick");
        stage.turn();
        REQUIRE(stage.server.taken.size() == 1);
        for (const char event : order) {
            switch (event) {
                case 'c':
                    stage.router->cancel(call);
                    break;
                case 'd':
                    spin_past(stage.world.loop.now() + stage.server.quick);
                    stage.turn();
                    break;
                default:
                    stage.answer(
                        call, "{\"late\":" + std::string(event == 'l' ? "1}" : "0}"));
                    break;
            }
        }
        const char first = order.front();
        CHECK(stage.client.answers == (first == 'c' ? 0 : 1));
        CHECK(stage.observer.done == (first == 'c'   ? "1 cancelled "
                                      : first == 'd' ? "1 timeout "
                                                     : "1 success "));
        CHECK(stage.server.cancelled == (first == 'c'   ? "client "
                                         : first == 'd' ? "timeout "
                                                        : ""));
        CHECK(stage.router->in_flight() == 0);
        stage.turn();
        CHECK(stage.records().size() == 2);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a slot that is used again does not get the last call's answer") {
    Stage stage;
    const CallHandle old = stage.submit(1);
    stage.turn();
    stage.router->cancel(old);
    const CallHandle young = stage.submit(2);
    stage.turn();
    CHECK(young.slot == old.slot);
    stage.answer(old, "{\"old\":1}");
    stage.router->on_notice(old, {});
    stage.router->cancel(old);
    CHECK(stage.client.told.empty());
    stage.answer(young, "{\"young\":1}");
    CHECK(stage.client.told == Told{"2 result {\"young\":1}"});
}

TEST_CASE("a deadline tells the server and says how long was waited") {
    Stage stage;
    stage.submit(1, "redis.quick");
    stage.turn();
    CHECK(stage.world.until([&] { return stage.client.answers == 1; }));
    CHECK(stage.client.own.type == "timeout");
    CHECK(stage.client.own.server == "redis");
    CHECK(stage.client.own.code == JsonRpcError::kInternal);
    CHECK(starts_with(stage.client.own.message,
                      "Downstream 'redis' did not answer within "));
    CHECK(stage.server.cancelled == "timeout ");
    stage.turn();
    CHECK(stage.records().back() == "result redis.quick allowed readers timeout");
}

TEST_CASE("with sync = each a call waits until the medium has its record") {
    Stage stage(true, 100, AuditSettings::Sync::kEach);
    const CallHandle gone = stage.submit(1);
    const CallHandle call = stage.submit(2);
    stage.turn();
    CHECK(stage.records().size() == 2);
    CHECK(stage.server.taken.empty());
    stage.router->cancel(gone);  // meanwhile
    CHECK(stage.world.until([&] { return !stage.server.taken.empty(); }));
    CHECK(stage.server.taken == std::vector<CallHandle>{call});
    CHECK(stage.server.cancelled.empty());  // it never had that one
    stage.answer(call);
    CHECK(stage.client.told == Told{"2 result {}"});
    stage.turn();
    CHECK(stage.records() == Told{"call redis.get allowed readers",
                                  "call redis.get allowed readers",
                                  "result redis.get allowed readers cancelled",
                                  "result redis.get allowed readers success"});
}

TEST_CASE("with sync = each a medium that cannot be reached refuses the call") {
    Stage stage(true, 100, AuditSettings::Sync::kEach);
    stage.submit(1);
    stage.turn();
    REQUIRE(::kill(stage.writer->pid(), SIGKILL) == 0);
    CHECK(stage.world.until([&] {  // it may have been quicker than the signal
        return stage.client.answers == 1 || !stage.server.taken.empty();
    }));
    stage.submit(2);  // the helper was started less than a second ago
    CHECK(stage.world.until([&] { return stage.client.answers > 0; }));
    CHECK(stage.client.own.type == "audit");
    CHECK(stage.server.taken.size() <= 1);
}

TEST_CASE("progress reaches who asked for it, with its place") {
    Stage stage;
    const CallHandle asked =
        stage.submit(1, "redis.get", R"(,"_meta":{"progressToken":"t"})");
    const CallHandle not_asked = stage.submit(2);
    stage.turn();
    const Notice notice{Slice::copy_of(R"({"progressToken":7,"progress":1})"),
                        {17, 18}};
    stage.router->on_notice(asked, notice);
    stage.router->on_notice(not_asked, notice);
    CHECK(stage.client.told == Told{R"(1 notice {"progressToken":7,"progress":1})"});
    stage.answer(asked);
    stage.router->on_notice(asked, notice);  // too late
    CHECK(stage.client.told.size() == 2);
}

TEST_CASE("progress starts the clock again, up to the cap") {
    Stage stage;
    stage.server.quick = Millis{300};
    stage.server.most = Millis{500};
    const CallHandle call =
        stage.submit(1, "redis.quick", R"(,"_meta":{"progressToken":"t"})");
    stage.turn();
    const TimePoint begin = stage.world.loop.now();
    TimePoint last = begin;
    Millis longest{0};  // between two notices: a machine may stand still for a while
    while (stage.client.answers == 0 && last - begin < Millis{5000}) {
        stage.router->on_notice(call, {});
        stage.world.loop.turn(Millis{10});
        const TimePoint now = stage.world.loop.now();
        longest = std::max(longest, std::chrono::ceil<Millis>(now - last));
        last = now;
    }
    CHECK(stage.client.own.type == "timeout");
    CHECK(last - begin < Millis{5000});
    if (longest < Millis{250}) {
        CHECK(last - begin >= Millis{500});
    }
}

TEST_CASE("without progress the clock does not start again") {
    Stage stage;
    const CallHandle call = stage.submit(1, "redis.quick");
    stage.turn();
    CHECK(stage.world.until([&] {
        stage.router->on_notice(call, {});  // unasked for
        return stage.client.answers == 1;
    }));
    CHECK(stage.client.own.type == "timeout");
}
