// A legacy server's requests: answered here, passed to the client of a call, or refused.

#include "neurond/back/question_relay.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "neurond/wire/json_scan.h"

using namespace neuron;

namespace {

constexpr CallHandle kCall{3, 1};
constexpr uint16_t kAll = ClientCaps::kRoots | ClientCaps::kSampling |
                          ClientCaps::kElicitationForm;
using Said = std::vector<std::string>;

/// Takes questions as told to.
struct Sink final : CallSink {
    void on_notice(CallHandle, const Notice&) override {}
    InputOutcome on_input(CallHandle call, const InputRound& round) override {
        CHECK(call == kCall);
        for (const Question& question : round.questions) {
            keys.push_back(question.key);
            asked.push_back(question.method + " " +
                            std::string(question.params.view()));
        }
        return outcome;
    }
    void on_input_withdrawn(CallHandle, const std::string& key) override {
        asked.push_back("withdrawn " + key);
    }
    void on_answer(CallHandle, const Answer&) override {}
    InputOutcome outcome = InputOutcome::kAsked;
    Said asked;
    Said keys;
};

/// The one session of the server, when there is one.
struct Session final : OneSession {
    bool ask_session(const Question& question) override {
        if (there) {
            waiting.push_back(question);
        }
        return there;
    }
    std::optional<Question> reclaim_from_session(const std::string& key) override {
        for (auto each = waiting.begin(); each != waiting.end(); ++each) {
            if (each->key == key) {
                Question taken = *each;
                waiting.erase(each);
                return taken;
            }
        }
        return std::nullopt;
    }
    void withdraw_from_session(const std::string& key) override {
        withdrawn.push_back(key);
    }
    bool there = false;
    std::vector<Question> waiting;
    Said withdrawn;
};

struct World {
    void request(const std::string& text, std::optional<CallHandle> call = kCall,
                 uint16_t caps = kAll) {
        JsonScanner scan(64);
        scan.finish(text);
        relay.on_request(classify(scan, text), Slice::copy_of(text), call, {caps});
    }
    Sink sink;
    Said said;
    Session session;
    QuestionRelay relay{sink, session, [this](OutQueue&& answer) {
                            said.push_back(answer.to_string());
                        }};
};

std::string asks(const std::string& method, const std::string& id = "0") {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method +
           R"(","params":{"x":1.0}})";
}

}  // namespace

TEST_CASE("a server waits until it has a reply, or takes a question back") {
    World world;
    CHECK(!world.relay.awaits_reply(kCall));
    world.request(asks("sampling/createMessage", "1"));
    CHECK(world.relay.awaits_reply(kCall));
    world.request(asks("sampling/createMessage", "2"));
    world.request(asks("sampling/createMessage", "3"));
    CHECK(world.relay.awaits_reply(kCall));
    world.relay.reply({world.sink.keys[0], false, Slice({}, "{}")});
    CHECK(!world.relay.awaits_reply(kCall));  // it may ask more for what it knows now
    world.relay.reply({world.sink.keys[1], false, Slice({}, "{}")});
    world.relay.reply({world.sink.keys[2], false, Slice({}, "{}")});
    world.request(asks("sampling/createMessage", "4"));
    CHECK(world.relay.awaits_reply(kCall));
    world.request(asks("sampling/createMessage", "5"));
    world.relay.on_cancelled("4");
    CHECK(!world.relay.awaits_reply(kCall));
}

TEST_CASE("what a server asks goes to the client of its call, who knows if it may") {
    struct Row {
        const char* method;
        bool call;
        unsigned caps;
        const char* asked;
        const char* said;  ///< part of the answer; empty = none yet
    };
    for (const Row& row : {
             Row{"ping", false, 0, "", R"("result":{})"},
             Row{"elicitation/create", true, kAll, R"(elicitation/create {"x":1.0})", ""},
             Row{"sampling/createMessage", true, ClientCaps::kRoots,
                 R"(sampling/createMessage {"x":1.0})", ""},
             Row{"sampling/createMessage", false, ClientCaps::kRoots, "", "-32601"},
             Row{"elicitation/create", false, kAll, "", "-32602"},  // of no call
             Row{"roots/list", true, kAll, R"(roots/list {"x":1.0})", ""},
             Row{"tools/list", true, kAll, "", "-32601"},
         }) {
        CAPTURE(row.method);
        World world;
        world.request(asks(row.method),
                      row.call ? std::optional(kCall) : std::nullopt,
                      static_cast<uint16_t>(row.caps));
        CHECK(world.sink.asked == (*row.asked == '\0' ? Said{} : Said{row.asked}));
        CHECK(world.said.size() == (*row.said == '\0' ? 0 : 1));
        if (!world.said.empty()) {
            CHECK(world.said[0].find(row.said) != std::string::npos);
            CHECK(world.said[0].find(R"("id":0,)") != std::string::npos);
        }
    }
}

TEST_CASE("progress on a question goes under the server's token while that is open") {
    World world;
    world.request(R"({"jsonrpc":"2.0","id":3,"method":"sampling/createMessage","params":)"
                  R"({"_meta":{"progressToken":0}}})");
    world.request(asks("sampling/createMessage", "4"));
    REQUIRE(world.sink.keys.size() == 2);
    const Slice params = Slice::copy_of(R"({"progress":0.50,"progressToken":"n1"})");
    for (const std::string& key : world.sink.keys) {
        world.relay.reply({key, false, params, {33, 37}});
    }
    const Said told{R"({"jsonrpc":"2.0","method":"notifications/progress",)"
                    R"("params":{"progress":0.50,"progressToken":0}})"};
    CHECK(world.said == told);  // the other one has not asked for it
    CHECK(world.relay.awaits_reply(kCall));
    world.relay.reply({world.sink.keys[0], false, Slice::copy_of("{}")});
    world.relay.reply({world.sink.keys[0], false, params, {33, 37}});
    CHECK(world.said.size() == 2);
}

TEST_CASE("each question gets one answer, under the server's own id") {
    World world;
    world.request(asks("elicitation/create", "\"a\""));
    world.request(asks("roots/list", "7"));
    REQUIRE(world.sink.keys.size() == 2);
    world.relay.reply({world.sink.keys[1], false, Slice::copy_of(R"({"roots":[]})")});
    world.relay.reply({world.sink.keys[1], false, Slice::copy_of("{}")});
    CHECK(world.said == Said{R"({"jsonrpc":"2.0","id":7,"result":{"roots":[]}})"});
    world.relay.close(kCall);
    world.relay.reply({world.sink.keys[0], false, Slice::copy_of("{}")});
    CHECK(world.said.size() == 2);
    CHECK(world.said[1] == R"({"jsonrpc":"2.0","id":"a","result":{"action":"cancel"}})");
}

TEST_CASE("a question that is refused, or taken back, is over") {
    World world;
    world.sink.outcome = InputOutcome::kRefused;
    world.request(asks("roots/list"));
    CHECK(world.said.size() == 1);
    world.sink.outcome = InputOutcome::kAsked;
    world.request(asks("roots/list", "5"));
    world.relay.on_cancelled("\"5\"");  // another type: another id
    world.relay.on_cancelled("5");
    world.relay.on_cancelled("5");
    CHECK(world.sink.asked.back() == "withdrawn " + world.sink.keys.back());
    world.relay.close(kCall);
    CHECK(world.said.size() == 1);
}

TEST_CASE("a question of no call goes to the one session there is") {
    World world;
    world.session.there = true;
    world.request(asks("elicitation/create", "8"), std::nullopt);
    REQUIRE(world.session.waiting.size() == 1);
    CHECK(world.session.waiting[0].params.view() == R"({"x":1.0})");
    const std::string key = world.session.waiting[0].key;
    world.relay.close(kCall);
    CHECK(world.said.empty());
    world.relay.reply({key, false, Slice::copy_of("{}")});
    CHECK(world.said == Said{R"({"jsonrpc":"2.0","id":8,"result":{}})"});
    world.request(asks("roots/list", "9"), std::nullopt);
    world.relay.on_cancelled("9");
    world.request(asks("roots/list", "10"), std::nullopt);
    world.relay.clear();
    CHECK(world.session.withdrawn.size() == 2);
    CHECK(world.said.size() == 1);
}

TEST_CASE("a session that could not be asked yet is asked by its next call") {
    World world;
    world.session.there = true;
    world.request(asks("sampling/createMessage", "8"), std::nullopt);
    CHECK(world.relay.waiting());
    world.relay.release(kCall);
    CHECK(world.sink.asked == Said{R"(sampling/createMessage {"x":1.0})"});
    CHECK(!world.relay.waiting());
    world.request(asks("roots/list", "9"), std::nullopt);
    world.session.waiting.clear();  // it has been put
    world.relay.release(kCall);
    CHECK(world.sink.asked.size() == 1);
    world.relay.close(kCall);  // before its client has replied to the first
    REQUIRE(world.session.waiting.size() == 1);
    CHECK(world.session.waiting[0].method == "sampling/createMessage");
    world.relay.reply({world.sink.keys[0], false, Slice::copy_of("{}")});
    CHECK(world.said.empty());
    world.sink.outcome = InputOutcome::kRefused;
    world.relay.release(kCall);
    CHECK(world.session.waiting.size() == 1);
    CHECK(world.said.empty());
}

TEST_CASE("questions for roots wait for a call, and are owed when none comes") {
    World world;
    world.request(asks("roots/list", "1"), std::nullopt);
    world.request(asks("roots/list", "2"), std::nullopt);
    world.relay.on_cancelled("1");
    CHECK(world.said.empty());
    world.relay.release(kCall);
    CHECK(world.sink.asked == Said{R"(roots/list {"x":1.0})"});
    CHECK(!world.relay.take_owed_roots());
    world.request(asks("roots/list", "3"), std::nullopt);
    world.relay.give_up(false);
    CHECK(world.said == Said{R"({"jsonrpc":"2.0","id":3,"result":{"roots":[]}})"});
    CHECK(world.relay.take_owed_roots());
    CHECK(!world.relay.take_owed_roots());
}
