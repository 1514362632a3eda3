// What legacy servers ask: their ids, our keys, and what they get when nobody replies.

#include "neurond/mcp/server_questions.h"

#include <doctest/doctest.h>

#include <string>

using namespace neuron;

namespace {

constexpr CallHandle kOne{1, 1};
constexpr CallHandle kTwo{2, 1};

Question question(const char* method) {
    return {{}, method, {}};
}

template <typename Write>
std::string written(Write write) {
    OutQueue out;
    write(out);
    return out.to_string();
}

}  // namespace

TEST_CASE("a server's ids compare with type, and one is open until it is taken") {
    ServerQuestions open;
    const std::string number = open.add("0", question("roots/list"), kOne);
    const std::string text = open.add("\"0\"", question("roots/list"), kTwo);
    CHECK(number != text);
    CHECK_FALSE(open.take_id("1"));
    const auto taken = open.take_id("\"0\"");
    REQUIRE(taken);
    CHECK(taken->key == text);
    CHECK(taken->call == kTwo);
    CHECK_FALSE(open.take_id("\"0\""));
    CHECK_FALSE(open.take(text));
    REQUIRE(open.take(number));
    CHECK(open.size() == 0);
    // Keys are never used again.
    CHECK(open.add("0", question("roots/list"), kOne) != number);
}

TEST_CASE("the questions of one call are taken together, and no other's") {
    ServerQuestions open;
    open.add("1", question("roots/list"), kOne);
    open.add("2", question("elicitation/create"), kTwo);
    open.add("3", question("sampling/createMessage"), kOne);
    const auto taken = open.take_all(kOne);
    REQUIRE(taken.size() == 2);
    CHECK(taken[0].id_raw == "1");
    CHECK(taken[1].id_raw == "3");
    CHECK(open.size() == 1);
    open.clear();
    CHECK(open.take_all(kTwo).empty());
}

TEST_CASE("a reply passes under the id of the server; none is replaced by one of ours") {
    struct Row {
        const char* method;
        const char* nobody;
    };
    for (const Row& row : {
             Row{"elicitation/create", R"("result":{"action":"cancel"}})"},
             Row{"sampling/createMessage",
                 R"("error":{"code":-1,"message":"The client has gone"}})"},
             Row{"roots/list",
                 R"("error":{"code":-32603,"message":"The client has gone"}})"},
         }) {
        CAPTURE(row.method);
        CHECK(is_question(row.method));
        const ServerQuestions::Open open{"q1", "\"x\"", row.method, kOne, {}};
        const std::string begin = R"({"jsonrpc":"2.0","id":"x",)";
        CHECK(written([&](OutQueue& out) { write_no_reply(out, open); }) ==
              begin + row.nobody);
        CHECK(written([&](OutQueue& out) {
                  write_reply(out, open, {"q1", false, Slice::copy_of(R"({"n":1.0})")});
              }) == begin + R"("result":{"n":1.0}})");
        CHECK(written([&](OutQueue& out) {
                  write_reply(out, open, {"q1", true, Slice::copy_of(R"({"code":5})")});
              }) == begin + R"("error":{"code":5}})");
    }
    CHECK_FALSE(is_question("ping"));
    CHECK_FALSE(is_question("tools/call"));
}
