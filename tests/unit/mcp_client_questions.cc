// What legacy clients are asked: who can be asked what, and whose answer is whose.

#include "neurond/mcp/client_questions.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "neurond/wire/json_view.h"

using namespace neuron;

namespace {

constexpr uint16_t kForm = ClientCaps::kElicitationForm;
constexpr uint16_t kUrl = ClientCaps::kElicitationUrl;
constexpr uint16_t kSampling = ClientCaps::kSampling;
constexpr uint16_t kTools = kSampling | ClientCaps::kSamplingTools;
constexpr uint16_t kRoots = ClientCaps::kRoots;

Question question(const std::string& key, const std::string& method,
                  const std::string& params = {}) {
    return {key, method, params.empty() ? Slice() : Slice::copy_of(params)};
}

/// Asks a client of 2025-11-25 that can do all of it.
struct Asked {
    std::vector<InputReply> ask(uint64_t tag, std::vector<Question> questions) {
        InputRound round;
        round.questions = std::move(questions);
        return open.ask(tag, round, {kForm | kTools | kRoots}, Revision::k20251125,
                        asked, [this](OutQueue&& message) {
                            said.push_back(message.to_string());
                        });
    }
    ClientQuestions open;
    uint64_t asked = 0;
    std::vector<std::string> said;
};

}  // namespace

TEST_CASE("a client is asked to open a URL under an id, minted where there is none") {
    const auto written = [](const std::string& params) {
        OutQueue out;
        write_question(out, "1", question("k", "elicitation/create", params));
        return out.to_string();
    };
    const std::string given = R"({"mode":"url","elicitationId":"e","url":"http://x"})";
    CHECK(written(given).find(given) != std::string::npos);
    const std::string minted = written(R"({"mode":"url","url":"http://x"})");
    const JsonView message(minted);
    CHECK(message.find("params").find("elicitationId").as_string()->size() == 36);
    CHECK(message.find("params").find("url").is_string("http://x"));
    CHECK(written(R"({"mode":"form"})").find("elicitationId") == std::string::npos);
}

TEST_CASE("a client is asked only what it declared, and its revision has") {
    const char* const elicit = "elicitation/create";
    const char* const sample = "sampling/createMessage";
    struct Row {
        const char* method;
        const char* params;
        unsigned caps;
        Revision revision;
        int64_t refused;  ///< the code; 0 = it is asked
    };
    for (const Row& row : {
             Row{elicit, "{}", kForm, Revision::k20250618, 0},
             Row{elicit, "{}", kForm, Revision::k20250326, -32601},  // before its time
             Row{elicit, "{}", 0, Revision::k20251125, -32601},
             Row{elicit, "{}", kUrl, Revision::k20251125, -32602},
             Row{elicit, R"({"mode":"form"})", kForm, Revision::k20251125, 0},
             Row{elicit, R"({"mode":"url"})", kForm, Revision::k20251125, -32602},
             Row{elicit, R"({"mode":"url"})", kUrl, Revision::k20251125, 0},
             Row{elicit, R"({"mode":"url"})", kUrl, Revision::k20250618, -32602},
             Row{sample, "{}", kSampling, Revision::k20241105, 0},
             Row{sample, "{}", kForm, Revision::k20251125, -32601},
             Row{sample, R"({"tools":[]})", kSampling, Revision::k20251125, -32602},
             Row{sample, R"({"toolChoice":{}})", kSampling, Revision::k20251125, -32602},
             Row{sample, R"({"tools":[]})", kTools, Revision::k20251125, 0},
             Row{"roots/list", "", kRoots, Revision::k20241105, 0},
             Row{"roots/list", "", kForm, Revision::k20251125, -32601},
             Row{"tools/list", "", kRoots, Revision::k20251125, -32601},  // no question
         }) {
        CAPTURE(row.method);
        CAPTURE(row.params);
        CAPTURE(row.caps);
        const auto error = refuse_question(question("k", row.method, row.params),
                                           {static_cast<uint16_t>(row.caps)},
                                           row.revision);
        CHECK(error.has_value() == (row.refused != 0));
        if (error) {
            CHECK(JsonView(*error).find("code").as_int64() == row.refused);
        }
    }
}

TEST_CASE("each question of a round goes out under an id of our own, verbatim") {
    Asked client;
    const auto refused = client.ask(
        7, {question("a", "elicitation/create", R"({"message":"1.50","x":1E5})"),
            question("b", "elicitation/create", R"({"mode":"url"})"),
            question("c", "roots/list")});
    CHECK(client.said ==
          std::vector<std::string>{
              R"({"jsonrpc":"2.0","id":"n1","method":"elicitation/create",)"
              R"("params":{"message":"1.50","x":1E5}})",
              R"({"jsonrpc":"2.0","id":"n2","method":"roots/list"})"});
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].key == "b");
    CHECK(refused[0].failed);
    CHECK(client.asked == 2);
}

TEST_CASE("the token of a question's progress is its id, where the server gave one") {
    Asked client;
    client.ask(7, {question("a", "sampling/createMessage",
                            R"({"x":1.0,"_meta":{"y":1E5,"progressToken":0,"z":[]}})"),
                   question("b", "sampling/createMessage",
                            R"({"_meta":{"progressToken":"p"},"progressToken":3})"),
                   question("c", "roots/list", R"({"_meta":{}})")});
    REQUIRE(client.said.size() == 3);
    CHECK(client.said[0].find(R"({"x":1.0,"_meta":{"y":1E5,"progressToken":"n1","z":[]}})") !=
          std::string::npos);
    CHECK(client.said[1].find(R"({"_meta":{"progressToken":"n2"},"progressToken":3})") !=
          std::string::npos);
    CHECK(client.said[2].find(R"("params":{"_meta":{}})") != std::string::npos);
    InputReply progress;
    progress.progress_token = {0, 1};
    for (int i = 0; i < 2; ++i) {  // as often as it likes
        REQUIRE(client.open.of("\"n2\"", progress));
        CHECK(client.open.of("\"n2\"", progress)->key == "b");
    }
    CHECK(client.open.of("\"n2\"", InputReply()));
    CHECK_FALSE(client.open.of("\"n2\"", progress));
}

TEST_CASE("a reply finds its question once, by an id of the right type") {
    Asked client;
    client.ask(7, {question("a", "roots/list"), question("b", "roots/list")});
    client.ask(8, {question("a", "roots/list")});
    CHECK_FALSE(client.open.take("1"));
    CHECK_FALSE(client.open.take("\"n9\""));
    const auto second = client.open.take("\"n2\"");
    REQUIRE(second);
    CHECK(second->tag == 7);
    CHECK(second->key == "b");
    CHECK_FALSE(client.open.take("\"n2\""));
    const auto other = client.open.take(8, "a");  // of another call, with the same key
    REQUIRE(other);
    CHECK(other->id_raw == "\"n3\"");
    CHECK_FALSE(client.open.take(8, "a"));
    CHECK_FALSE(client.open.empty());
    CHECK(client.open.take_all(8).empty());
    CHECK(client.open.take_all(7).size() == 1);
    CHECK(client.open.empty());
}

TEST_CASE("a question is taken back by its id") {
    OutQueue out;
    write_question_cancelled(out, "\"n4\"");
    CHECK(out.to_string() ==
          R"({"jsonrpc":"2.0","method":"notifications/cancelled",)"
          R"("params":{"requestId":"n4","reason":"no longer needed"}})");
}
