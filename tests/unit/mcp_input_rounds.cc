// How often, and how long, the client of a call is asked.

#include "neurond/mcp/input_rounds.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "mcp_stage.h"
#include "neurond/base/limits.h"
#include "neurond/mcp/log_level.h"

using namespace neuron;

namespace {

InputRound round_of(const std::vector<std::string>& keys, std::string_view result = {}) {
    InputRound round;
    for (const std::string& key : keys) {
        round.questions.push_back({key, "elicitation/create", Slice::copy_of("{}")});
    }
    if (!result.empty()) {
        round.result = Slice::copy_of(result);
    }
    return round;
}

CallHandle sent(Stage& stage, const std::string& tool = "redis.get") {
    const CallHandle call = stage.submit(1, tool);
    stage.turn();
    REQUIRE(stage.server.taken.size() == 1);
    return call;
}

}  // namespace

TEST_CASE("questions put while others are open are of one round") {
    InputRounds rounds;
    CHECK(rounds.open({"a", "b"}, 2));
    CHECK(rounds.open({"c"}, 2));
    CHECK(rounds.rounds() == 1);
    CHECK(rounds.close("b"));
    CHECK_FALSE(rounds.close("b"));
    CHECK(rounds.take_open() == std::vector<std::string>{"a", "c"});
    CHECK(rounds.open({"a"}, 2));
    CHECK(rounds.close("a"));
    CHECK_FALSE(rounds.open({"a"}, 2));  // a third round
    CHECK_FALSE(rounds.asking());
}

TEST_CASE("one key twice, or very many, are not opened") {
    InputRounds rounds;
    CHECK_FALSE(rounds.open({"a", "a"}, 8));
    CHECK(rounds.open({"a"}, 8));
    CHECK_FALSE(rounds.open({"b", "a"}, 8));
    std::vector<std::string> many;
    for (size_t i = 0; i < kMaxOpenQuestions; ++i) {
        many.push_back(std::to_string(i));
    }
    CHECK_FALSE(rounds.open(many, 8));
    CHECK(rounds.take_open() == std::vector<std::string>{"a"});
}

TEST_CASE("levels of messages are eight words, the wanted one and worse are heard") {
    CHECK(parse_message_level("debug") == MessageLevel::kDebug);
    CHECK(parse_message_level("emergency") == MessageLevel::kEmergency);
    CHECK_FALSE(parse_message_level("Debug"));
    CHECK_FALSE(parse_message_level(""));
    CHECK(std::string(to_string(MessageLevel::kNotice)) == "notice");
    CHECK(wants(MessageLevel::kWarning, MessageLevel::kWarning));
    CHECK(wants(MessageLevel::kWarning, MessageLevel::kAlert));
    CHECK_FALSE(wants(MessageLevel::kWarning, MessageLevel::kInfo));
    CHECK_FALSE(wants(std::nullopt, MessageLevel::kEmergency));
}

TEST_CASE("a question goes to the asker and its reply to the server, once") {
    Stage stage;
    const CallHandle call = sent(stage);
    CHECK(stage.router->on_input(call, round_of({"q"})) == InputOutcome::kAsked);
    CHECK(stage.client.told == Told{"1 asked q elicitation/create {}"});
    const InputReply reply{"q", false, Slice::copy_of(R"({"action":"accept"})")};
    stage.router->reply(call, reply);
    stage.router->reply(call, reply);                                  // again
    stage.router->reply(call, {"other", false, Slice::copy_of("{}")});  // never asked
    CHECK(stage.server.replies == Told{R"(q {"action":"accept"})"});
    stage.answer(call);
    CHECK(stage.client.told.back() == "1 result {}");
}

TEST_CASE("what is still asked when the call ends is withdrawn first") {
    Stage stage;
    const CallHandle call = sent(stage);
    stage.router->on_input(call, round_of({"a"}));
    stage.router->on_input(call, round_of({"b"}));
    stage.router->on_input_withdrawn(call, "a");
    stage.router->on_input_withdrawn(call, "a");
    stage.answer(call);
    CHECK(stage.client.told == Told{"1 asked a elicitation/create {}",
                                    "1 asked b elicitation/create {}", "1 withdrawn a",
                                    "1 withdrawn b", "1 result {}"});
    stage.router->reply(call, {"b", false, Slice::copy_of("{}")});
    CHECK(stage.server.replies.empty());
}

TEST_CASE("an asker that cannot be asked refuses for the waiting server alone") {
    Stage stage;
    stage.client.outcome = InputOutcome::kRefused;
    const CallHandle call = sent(stage);
    CHECK(stage.router->on_input(call, round_of({"q"})) == InputOutcome::kRefused);
    CHECK(stage.client.answers == 0);
    stage.answer(call);
    CHECK(stage.client.told.back() == "1 result {}");
}

TEST_CASE("a server that has ended the call gets it ended when nobody can be asked") {
    Stage stage;
    stage.client.outcome = InputOutcome::kRefused;
    const CallHandle call = sent(stage);
    CHECK(stage.router->on_input(call, round_of({"q"}, "{\"x\":1}")) ==
          InputOutcome::kRefused);
    CHECK(stage.client.own.type == "unavailable");
    CHECK(stage.router->in_flight() == 0);
}

TEST_CASE("a round that the asker passes on is the end of the call") {
    Stage stage;
    stage.client.outcome = InputOutcome::kPassedOn;
    const CallHandle call = sent(stage);
    CHECK(stage.router->on_input(call, round_of({"q"}, "{\"x\":1}")) ==
          InputOutcome::kPassedOn);
    CHECK(stage.client.answers == 0);
    CHECK(stage.observer.done == "1 success ");
    CHECK(stage.router->in_flight() == 0);
    CHECK(stage.router->on_input(call, round_of({"r"})) == InputOutcome::kPassedOn);
    stage.turn();
    CHECK(stage.records().back() == "result redis.get allowed readers success");
}

TEST_CASE("a round too many is refused") {
    Stage stage;
    const CallHandle call = sent(stage);
    for (int i = 0; i < 8; ++i) {
        CHECK(stage.router->on_input(call, round_of({"q"})) == InputOutcome::kAsked);
        stage.router->reply(call, {"q", true, Slice::copy_of("{}")});
    }
    CHECK(stage.router->on_input(call, round_of({"q"})) == InputOutcome::kRefused);
    CHECK(stage.client.told.size() == 8);
    CHECK(stage.router->in_flight() == 1);
}

TEST_CASE("while the client is asked the server's clock stands still") {
    Stage stage;
    const CallHandle call = sent(stage, "redis.quick");
    stage.router->on_input(call, round_of({"q"}));
    spin_past(stage.world.loop.now() + 4 * stage.server.quick);
    stage.turn();
    CHECK(stage.client.answers == 0);
    stage.router->reply(call, {"q", false, Slice::copy_of("{}")});
    CHECK(stage.world.until([&] { return stage.client.answers == 1; }));
    CHECK(stage.client.own.type == "timeout");
    CHECK(starts_with(stage.client.own.message, "Downstream 'redis' did not answer"));
}

TEST_CASE("messages reach who wants them") {
    Stage stage;
    const CallHandle call = sent(stage);
    Notice notice{Slice::copy_of("{}"), {}, Notice::Kind::kMessage, MessageLevel::kError};
    stage.router->on_notice(call, notice);
    CHECK(stage.client.told.empty());
    stage.server.last->request.log_level = MessageLevel::kWarning;
    stage.router->on_notice(call, notice);
    notice.level = MessageLevel::kInfo;
    stage.router->on_notice(call, notice);
    CHECK(stage.client.told == Told{"1 notice {}"});
}
