#include <doctest/doctest.h>

#include <string>

#include "exact.h"
#include "neurond/base/limits.h"
#include "neurond/wire/id_finder.h"

using namespace neuron;

namespace {

/// The id of `text`, which has to be the same wherever the text is cut in two.
std::string id_of(const std::string& text) {
    IdFinder whole;
    whole.feed(Exact(text).view());
    const std::string id(whole.id());
    CHECK(whole.request_id().empty());
    IdFinder split;  // used again and again: reset() forgets all of the last text
    for (size_t n = 0; n <= text.size(); ++n) {
        split.reset();
        split.feed(Exact(text.substr(0, n)).view());
        split.feed(Exact(text.substr(n)).view());
        CHECK(split.id() == id);
    }
    IdFinder slow;
    for (const char c : text) {
        slow.feed(Exact({&c, 1}).view());
    }
    CHECK(slow.id() == id);
    return id;
}

}  // namespace

TEST_CASE("the id of a message is found wherever it stands") {
    struct Row {
        const char* text;
        const char* id;
    };
    for (const Row& row : {
             Row{R"({"id":7,"result":{"a":[1,2]}})", "7"},         // first
             Row{R"({"result":{"a":[1,2]},"id":7})", "7"},         // last
             Row{R"({"jsonrpc":"2.0","id":7,"result":{}})", "7"},  // between
             Row{R"({"id": 7, "result": {}})", "7"},               // blank in front
             Row{"{ \"id\" \t:\r 7 , \"result\" : {} }", "7"},     // blanks everywhere
             Row{R"({"result":{},"id":7 })", "7"},                 // blank behind
             Row{R"({"id":-12,"x":0})", "-12"},                    // negative
             Row{R"({"id":1.5e+3,"x":0})", "1.5e+3"},              // not ours, but raw
             Row{R"({"id":null,"error":{}})", "null"},
             Row{R"({"id":"a b","x":0})", R"("a b")"},  // a string, with quotes
             Row{R"({"id": "a" ,"x":0})", R"("a")"},
             Row{R"({"id":"","x":0})", R"("")"},
             Row{R"({"id":"a\"b\\","x":0})", R"("a\"b\\")"},  // escapes stay raw
             Row{R"({"id":"},{\"id\":9","x":0})", R"("},{\"id\":9")"},
         }) {
        CAPTURE(std::string(row.text));
        CHECK(id_of(row.text) == row.id);
    }
}

TEST_CASE("what only looks like the message's id is passed over") {
    for (const char* text : {
             "",
             "7",
             R"({"result":{"id":7}})",                 // one level down
             R"({"result":[{"id":7}]})",               // in an array
             R"([{"id":7}])",                          // a batch
             R"({"result":{"a":{"id":1}},"x":"id"})",  // a value
             R"({"x":"\"id\":7"})",                    // inside a string
             R"({"x":"a\\","y":"\"id\":7"})",          // behind an escaped backslash
             R"({"ID":7,"Id":7,"id ":7,"i":7,"idx":7,"":7})",
             R"({"\"id":7})",
             R"({"id":7)",  // may have been 71
             R"({"id":"7)",
         }) {
        CAPTURE(std::string(text));
        CHECK(id_of(text).empty());
    }
}

TEST_CASE("an id on the outermost level wins over those below it") {
    CHECK(id_of(R"({"result":{"id":1,"a":[{"id":2}]},"id":3})") == "3");
    CHECK(id_of(R"({"id":3,"result":{"id":1,"a":[{"id":2}]}})") == "3");
    CHECK(id_of(R"({"error":{"message":"}"},"id":3})") == "3");
}

TEST_CASE("an id that occurs twice is none") {
    CHECK(id_of(R"({"id":1,"id":2})").empty());
    CHECK(id_of(R"({"id":1,"result":{},"id":1})").empty());
}

TEST_CASE("an id longer than the bound is none, one of the bound is whole") {
    const std::string longest = "\"" + std::string(kMaxOversizeIdBytes - 2, 'x') + "\"";
    const auto found = [](const std::string& id) {
        IdFinder finder;
        finder.feed(R"({"id":)" + id + R"(,"result":{}})");
        return std::string(finder.id());
    };
    CHECK(found(longest) == longest);
    CHECK(found("\"" + longest.substr(1, 1) + longest.substr(1)).empty());
    CHECK(found(std::string(kMaxOversizeIdBytes, '1')).size() == kMaxOversizeIdBytes);
    CHECK(found(std::string(kMaxOversizeIdBytes + 1, '1')).empty());
}

TEST_CASE("the id of a request is told apart from that of an answer") {
    for (const char* text : {R"({"id":7,"method":"x"})", R"({"method":"x","id":7})"}) {
        IdFinder finder;
        finder.feed(Exact(text).view());
        CHECK(finder.request_id() == "7");
        CHECK(finder.id().empty());
    }
    IdFinder answer;
    answer.feed(R"({"id":7,"result":{"method":"x"}})");
    CHECK(answer.request_id().empty());
    CHECK(answer.id() == "7");
}

TEST_CASE("no text brings the finder out of step for the next message") {
    IdFinder finder;
    for (const char* text : {"}}}]]]", "{[{[", "\"", "\"\\", "{\"id\":", "{\"id",
                             ":::,,,", "{\"id\":{\"a\":1}", "\xff\xfe{\"id\":1"}) {
        finder.reset();
        finder.feed(text);
        finder.reset();
        finder.feed(R"({"id":5})");
        CHECK(finder.id() == "5");
    }
}

TEST_CASE("the id of a request is another thing than that of an answer") {
    for (const char* text : {
             R"({"id":7,"method":"tools/call","params":{}})",
             R"({"method":"tools/call","id":7})",
             R"({"params":{},"id":7,"method":"x"})",
         }) {
        CAPTURE(std::string(text));
        IdFinder finder;
        for (const char c : std::string(text)) {
            finder.feed(Exact({&c, 1}).view());
        }
        CHECK(finder.request_id() == "7");
        CHECK(finder.id().empty());
        finder.reset();
        finder.feed(R"({"id":7,"result":{"method":"x"},"methods":1,"metho":2})");
        CHECK(finder.id() == "7");
        CHECK(finder.request_id().empty());
    }
    IdFinder notification;
    notification.feed(R"({"method":"x","params":{"id":7}})");
    CHECK(notification.request_id().empty());
}
