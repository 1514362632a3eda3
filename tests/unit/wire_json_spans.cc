#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "exact.h"
#include "neurond/base/limits.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_string.h"

using namespace neuron;

namespace {

constexpr unsigned kDepth = 64;

/// Scans `text` in two pieces and lends scanner and text to `check`, at every split.
template <typename Check>
void at_every_split(std::string_view text, Check check) {
    JsonScanner scanner(kDepth);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        scanner.reset();
        const Exact head(text.substr(0, cut));
        REQUIRE(scanner.feed(head.view()) != Scan::kBad);
        const Exact whole(text);
        REQUIRE(scanner.finish(whole.view()) == Scan::kDone);
        check(scanner, whole.view());
    }
}

std::string with_members(size_t count) {
    std::string text = "{";
    for (size_t i = 0; i < count; ++i) {
        text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
    }
    return text + "}";
}

Scan scan(std::string_view text, JsonScanner& scanner) {
    scanner.reset();
    return scanner.finish(text);
}

}  // namespace

TEST_CASE("the envelope is found in any order, its bytes exact") {
    at_every_split(
        " { \"result\" : {\"content\" : [ ]} , \"jsonrpc\":\"2.0\",\n\"id\" : 1.10e5 "
        "} ",
        [](const JsonScanner& scanner, std::string_view text) {
            const JsonEnvelope& envelope = scanner.envelope();
            CHECK(envelope.result.in(text) == "{\"content\" : [ ]}");
            CHECK(envelope.jsonrpc.in(text) == "\"2.0\"");
            CHECK(envelope.id.in(text) == "1.10e5");
            CHECK(envelope.method.empty());
            CHECK(envelope.params.empty());
            CHECK(envelope.error.empty());
            CHECK(scanner.root() == JsonScanner::Root::kObject);
            CHECK(scanner.value() == Span{1, text.size() - 1});
            CHECK(scanner.has_line_breaks());
        });
}

TEST_CASE("members of params and of its _meta are listed") {
    at_every_split(
        "{\"method\":\"tools/"
        "call\",\"params\":{\"name\":\"x\",\"_meta\":{\"progressToken\":7,"
        "\"a/"
        "b\":[{}]},\"arguments\":{\"name\":\"no\",\"_meta\":{\"c\":1}},\"u\":null},"
        "\"id\":0}",
        [](const JsonScanner& scanner, std::string_view text) {
            const JsonMembers& params = scanner.params_members();
            REQUIRE(params.size() == 4);
            CHECK(params[0].key.in(text) == "\"name\"");
            CHECK(params[0].value.in(text) == "\"x\"");
            CHECK(find(params, text, "arguments").in(text) ==
                  "{\"name\":\"no\",\"_meta\":{\"c\":1}}");
            CHECK(find(params, text, "u").in(text) == "null");
            CHECK(find(params, text, "c").empty());
            const JsonMembers& meta = scanner.meta_members();
            REQUIRE(meta.size() == 2);
            CHECK(find(meta, text, "progressToken").in(text) == "7");
            CHECK(find(meta, text, "a/b").in(text) == "[{}]");
            CHECK(scanner.root_members().size() == 3);
            CHECK(scanner.envelope().id.in(text) == "0");
            CHECK_FALSE(scanner.has_line_breaks());
        });
}

TEST_CASE("keys count decoded, in exact case") {
    at_every_split(
        "{\"\\u0070arams\":{\"na\\u006de\":1,\"Name\":2},\"ID\":3,\"i\\u0064\":4}",
        [](const JsonScanner& scanner, std::string_view text) {
            CHECK(find(scanner.params_members(), text, "name").in(text) == "1");
            CHECK(find(scanner.params_members(), text, "Name").in(text) == "2");
            CHECK(scanner.envelope().id.in(text) == "4");
            CHECK(scanner.envelope().params.in(text)[0] == '{');
        });
}

TEST_CASE("what looks like the envelope inside strings or deeper is not it") {
    at_every_split(
        "{\"a\":\"\\\"id\\\":9\",\"b\":{\"id\":8,\"method\":\"m\"},\"c\":[{\"id\":7}]}",
        [](const JsonScanner& scanner, std::string_view) {
            CHECK(scanner.envelope().id.empty());
            CHECK(scanner.envelope().method.empty());
            CHECK(scanner.root_members().size() == 3);
        });
}

TEST_CASE("params that are no object have no members") {
    at_every_split("{\"params\":[{\"a\":1}],\"result\":[1]}",
                   [](const JsonScanner& scanner, std::string_view text) {
                       CHECK(scanner.params_members().empty());
                       CHECK(scanner.envelope().params.in(text) == "[{\"a\":1}]");
                   });
}

TEST_CASE("a batch has no envelope") {
    at_every_split("[{\"id\":1},{\"id\":1}]",
                   [](const JsonScanner& scanner, std::string_view) {
                       CHECK(scanner.root() == JsonScanner::Root::kArray);
                       CHECK(scanner.envelope().id.empty());
                       CHECK(scanner.root_members().empty());
                   });
}

TEST_CASE("reset forgets the message before") {
    JsonScanner scanner(kDepth);
    REQUIRE(scan("{\"id\":1,\n\"params\":{\"a\":1}}", scanner) == Scan::kDone);
    REQUIRE(scan("{\"id\":1,\"id\":2}", scanner) == Scan::kBad);
    REQUIRE(scan("{}", scanner) == Scan::kDone);
    CHECK(scanner.envelope().id.empty());
    CHECK(scanner.params_members().empty());
    CHECK_FALSE(scanner.has_line_breaks());
    CHECK(scanner.error() == JsonError::kNone);
}

TEST_CASE("levels that are read have a limit of members, others have none") {
    JsonScanner scanner(kDepth);
    const std::string most = with_members(kMaxEnvelopeMembers);
    const std::string more = with_members(kMaxEnvelopeMembers + 1);
    CHECK(scan(most, scanner) == Scan::kDone);
    CHECK(scanner.root_members().size() == kMaxEnvelopeMembers);
    CHECK(scan(more, scanner) == Scan::kBad);
    CHECK(scanner.error() == JsonError::kTooManyMembers);
    CHECK(scan("{\"params\":{\"_meta\":" + more + "}}", scanner) == Scan::kBad);
    CHECK(scanner.error() == JsonError::kTooManyMembers);
    CHECK(scan("{\"params\":{\"arguments\":" + more + "}}", scanner) == Scan::kDone);
    CHECK(scan("{\"result\":{\"structuredContent\":" + more + "}}", scanner) ==
          Scan::kDone);
}

TEST_CASE("strings are decoded and compared by what they stand for") {
    struct Row {
        std::string_view quoted;
        std::string_view plain;
    };
    const Row rows[] = {
        {"\"\"", ""},
        {"\"name\"", "name"},
        {"\"na\\u006de\"", "name"},
        {"\"\\u00e9\"", "\xc3\xa9"},
        {"\"\\u20AC\"", "\xe2\x82\xac"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},  // a pair is one character
        {"\"\\b\\f\\n\\r\\t\\\"\\\\\\/\"", "\b\f\n\r\t\"\\/"},
        {"\"x\\u0000y\"", {"x\0y", 3}},  // an escaped NUL is a byte
        {"\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80"},
        {"\"\\\\u0041\"", "\\u0041"},  // an escaped backslash
    };
    for (const Row& row : rows) {
        INFO(row.quoted);
        const Exact quoted(row.quoted);
        CHECK(json_unquote(quoted.view()) == row.plain);
        CHECK(json_string_is(quoted.view(), row.plain));
        CHECK_FALSE(json_string_is(quoted.view(), std::string(row.plain) + "x"));
        if (!row.plain.empty()) {
            CHECK_FALSE(json_string_is(quoted.view(), row.plain.substr(1)));
        }
    }
}

TEST_CASE("a lone surrogate decodes to U+FFFD and equals only itself") {
    for (const char* const quoted :
         {"\"\\ud83d\"", "\"\\ude00\"", "\"\\ude00\\ud83d\"", "\"\\ud83dx\"",
          "\"\\ud83d\\n\"", "\"\\ud83d\\u0041\""}) {
        INFO(quoted);
        CHECK(json_unquote(quoted).substr(0, 3) == "\xef\xbf\xbd");
        CHECK(json_strings_equal(quoted, quoted));
        CHECK_FALSE(json_string_is(quoted, json_unquote(quoted)));
    }
    CHECK(json_unquote("\"\\ud83d\\u0041\"") ==
          "\xef\xbf\xbd"
          "A");
    CHECK(json_unquote("\"\\ud83d\\ud83d\\ude00\"") == "\xef\xbf\xbd\xf0\x9f\x98\x80");
    CHECK_FALSE(json_strings_equal("\"\\ud800\"", "\"\\ud801\""));
    CHECK(json_strings_equal("\"\\ud800\"", "\"\\uD800\""));
}

TEST_CASE("equal strings hash alike, however they are written") {
    CHECK(json_string_hash("\"name\"") == json_string_hash("\"\\u006eam\\u0065\""));
    CHECK(json_string_hash("\"\\ud83d\\ude00\"") ==
          json_string_hash("\"\xf0\x9f\x98\x80\""));
    CHECK(json_string_hash("\"a\"") != json_string_hash("\"b\""));
}
