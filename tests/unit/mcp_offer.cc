#include "neurond/mcp/offer.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcp_listed.h"
#include "neurond/base/limits.h"

using namespace neuron;

namespace {

struct Parsed {
    bool ok = false;
    std::string error;
    Offer offer;
    std::optional<std::string> cursor;
};

Parsed parse(const std::string& result) {
    REQUIRE(is_json(result));
    Parsed out;
    const Status status =
        parse_page(ItemKind::kTool, Slice::copy_of(result), out.offer, out.cursor);
    out.ok = static_cast<bool>(status);
    out.error = out.ok ? "" : status.error().message;
    return out;
}

Names names(const Offer& offer) {
    Names out;
    for (const OfferItem& item : offer.tools()) {
        out.push_back(item.own_name);
    }
    return out;
}

}  // namespace

TEST_CASE("a tool keeps its own bytes, and the span is its name") {
    const std::string text =
        R"({ "inputSchema" : {"type":"object","$schema":"x","n":1.10}, )"
        R"("name" : "a\u002eb",)"
        R"( "extra":[9007199254740993] })";
    const Parsed parsed = parse(page(" " + text + " "));
    REQUIRE(parsed.ok);
    REQUIRE(parsed.offer.tools().size() == 1);
    const OfferItem& item = parsed.offer.tools().front();
    CHECK(item.own_name == "a.b");
    CHECK(item.item.view() == text);
    CHECK(item.name_span.in(item.item.view()) == R"("a\u002eb")");
    CHECK(parsed.offer.bytes() == text.size());
}

TEST_CASE("odd tools are left out, noted, and never cost the list") {
    struct Row {
        const char* tool;
        const char* why;
    };
    for (const Row& row : {
             Row{R"(null)", "not an object"},
             Row{R"(7)", "not an object"},
             Row{R"("a")", "not an object"},
             Row{R"([])", "not an object"},
             Row{R"({})", "no name"},
             Row{R"({"inputSchema":{"type":"object"}})", "no name"},
             Row{R"({"name":"","inputSchema":{"type":"object"}})", "no name"},
             Row{R"({"name":7,"inputSchema":{"type":"object"}})", "name"},
             Row{R"({"name":null,"inputSchema":{"type":"object"}})", "name"},
             Row{R"({"Name":"a","inputSchema":{"type":"object"}})", "no name"},
             Row{R"({"name":"a"})", "inputSchema"},
             Row{R"({"name":"a","inputSchema":null})", "inputSchema"},
             Row{R"({"name":"a","inputSchema":true})", "inputSchema"},
             Row{R"({"name":"a","inputSchema":{}})", "inputSchema"},
             Row{R"({"name":"a","inputSchema":{"type":"string"}})", "inputSchema"},
             Row{R"({"name":"a","inputSchema":{"type":["object"]}})", "inputSchema"},
             Row{R"({"name":"a","inputSchema":{"type":"Object"}})", "inputSchema"},
             Row{R"({"name":"a","inputSchema":{"type":"object","properties":[]}})",
                 "inputSchema"},
             Row{R"({"name":"a","inputSchema":{"type":"object","required":"x"}})",
                 "inputSchema"},
             // Members that clients check and drop the whole list for.
             Row{R"({"name":"a","inputSchema":{"type":"object"},"description":5})",
                 "description"},
             Row{R"({"name":"a","inputSchema":{"type":"object"},"title":null})",
                 "title"},
             Row{R"({"name":"a","inputSchema":{"type":"object"},"annotations":[]})",
                 "annotations"},
             Row{R"({"name":"a","inputSchema":{"type":"object"},"icons":{}})", "icons"},
             Row{R"({"name":"a","inputSchema":{"type":"object"},"_meta":1})", "_meta"},
             Row{R"({"name":"a","inputSchema":{"type":"object"},"outputSchema":[]})",
                 "outputSchema"},
             Row{R"({"name":"a","inputSchema":{"type":"object"},)"
                 R"("execution":{"taskSupport":"required"}})",
                 "task"},
             // A client takes the last of two names: it would be none of ours.
             Row{R"({"name":"a","name":"host.b","inputSchema":{"type":"object"}})",
                 "name"},
             Row{R"({"name":"a","n\u0061me":"b","inputSchema":{"type":"object"}})",
                 "name"},
             Row{R"({"name":"a","inputSchema":{"type":"object"},"inputSchema":{}})",
                 "inputSchema"},
             Row{R"({"name":"a","inputSchema":{"type":"object","type":"string"}})",
                 "inputSchema"},
         }) {
        CAPTURE(std::string(row.tool));
        const Parsed parsed =
            parse(page(tool("first") + "," + row.tool + "," + tool("last")));
        CHECK(parsed.ok);
        CHECK(names(parsed.offer) == Names{"first", "last"});
        REQUIRE(parsed.offer.problems.size() == 1);
        const std::string& problem = parsed.offer.problems.front();
        CHECK_MESSAGE(problem.find(row.why) != std::string::npos, problem);
    }
}

TEST_CASE("a name that is listed twice counts once, also on another page") {
    Offer offer;
    std::optional<std::string> cursor;
    const std::string first =
        R"({"name":"a","inputSchema":{"type":"object"},"title":"1"})";
    REQUIRE(parse_page(
        ItemKind::kTool,
        Slice::copy_of(page(first + "," + tool("a"), R"(,"nextCursor":"x")")), offer,
        cursor));
    REQUIRE(parse_page(ItemKind::kTool,
                       Slice::copy_of(page(tool("b") + "," + tool("\\u0061"))), offer,
                       cursor));
    CHECK(names(offer) == Names{"a", "b"});
    CHECK(offer.tools().front().item.view() == first);
    CHECK(offer.problems.size() == 2);
}

TEST_CASE("control characters of a name do not reach the log") {
    const Parsed parsed = parse(page(R"({"name":"a\nb\u001b"})"));
    REQUIRE(parsed.offer.problems.size() == 1);
    for (const char c : parsed.offer.problems.front()) {
        CHECK(c >= ' ');
    }
}

TEST_CASE("of very many odd tools only some are noted") {
    std::string tools;
    for (int i = 0; i < 5000; ++i) {
        tools += "{},";
    }
    const Parsed parsed = parse(page(tools + tool("a")));
    CHECK(parsed.ok);
    CHECK(names(parsed.offer) == Names{"a"});
    CHECK(parsed.offer.problems.size() == kMaxOfferProblems);
    CHECK(parsed.offer.problems.back() == "more of that");
}

TEST_CASE("pages: only an absent or null cursor ends the list") {
    struct Row {
        const char* rest;
        std::optional<std::string> cursor;
    };
    for (const Row& row : {
             Row{"", std::nullopt},
             Row{R"(,"nextCursor":null)", std::nullopt},
             Row{R"(,"nextCursor":"")", ""},
             Row{R"(,"nextCursor":"p2")", "p2"},
             Row{R"(,"nextCursor":"\u0070\"")", "p\""},
             Row{R"(,"nextcursor":"p2")", std::nullopt},
             Row{R"(,"nextCursor":2)", std::nullopt},
         }) {
        CAPTURE(std::string(row.rest));
        const Parsed parsed = parse(page(tool("a"), row.rest));
        CHECK(parsed.ok);
        CHECK(parsed.cursor == row.cursor);
    }
}

TEST_CASE("a cursor of the page before does not stay") {
    Offer offer;
    std::optional<std::string> cursor = "old";
    REQUIRE(parse_page(ItemKind::kTool, Slice::copy_of(page("")), offer, cursor));
    CHECK_FALSE(cursor);
    CHECK(offer.tools().empty());
}

TEST_CASE("what is no list of tools is an error") {
    for (const char* text : {R"({})", R"({"tools":null})", R"({"tools":{}})",
                             R"({"tools":"x"})", R"([])", R"(null)"}) {
        CAPTURE(std::string(text));
        const Parsed parsed = parse(text);
        CHECK_FALSE(parsed.ok);
        CHECK(parsed.error == "its tools/list has no array of tools");
    }
}

TEST_CASE("a list has a bound, over all its pages") {
    Offer offer;
    std::optional<std::string> cursor;
    const auto list = [&](size_t begin, size_t end) {
        std::string tools;
        for (size_t i = begin; i < end; ++i) {
            tools += (i == begin ? "" : ",") + tool("t" + std::to_string(i));
        }
        return static_cast<bool>(
            parse_page(ItemKind::kTool, Slice::copy_of(page(tools)), offer, cursor));
    };
    CHECK(list(0, kMaxItems / 2));
    CHECK(list(kMaxItems / 2, kMaxItems));
    CHECK(offer.tools().size() == kMaxItems);
    CHECK_FALSE(list(kMaxItems, kMaxItems + 1));
}

TEST_CASE("the bytes of a list have a bound") {
    Offer offer;
    offer.of(ItemKind::kPrompt).bytes = kMaxOfferBytes - 10;
    std::optional<std::string> cursor;
    CHECK_FALSE(
        parse_page(ItemKind::kTool, Slice::copy_of(page(tool("a"))), offer, cursor));
}

TEST_CASE("prompts, resources and templates are told apart by what names them") {
    struct Row {
        ItemKind kind;
        const char* result;
        const char* names;    ///< of what is taken
        const char* problem;  ///< of what is not
    };
    for (
        const Row& row : {
            Row{ItemKind::kPrompt,
                R"({"prompts":[{"name":"p"},{"name":"q","arguments":[{"name":"x"}]}]})",
                "p q ", ""},
            Row{ItemKind::kPrompt, R"({"prompts":[{"name":"p","arguments":{}}]})", "",
                "arguments"},
            Row{ItemKind::kPrompt, R"({"prompts":[{"name":"p","arguments":[{}]}]})", "",
                "arguments"},
            Row{ItemKind::kResource,
                R"({"resources":[{"uri":"file:///a","name":"a"}]})", "file:///a ", ""},
            Row{ItemKind::kResource, R"({"resources":[{"uri":"file:///a"}]})", "",
                "it has no name"},
            Row{ItemKind::kResource, R"({"resources":[{"name":"a"}]})", "",
                "it has no uri"},
            Row{ItemKind::kResource,
                R"({"resources":[{"uri":"a:b","name":"a","size":"1"}]})", "", "size"},
            Row{ItemKind::kTemplate,
                R"({"resourceTemplates":[{"uriTemplate":"a:{b}","name":"a"}]})",
                "a:{b} ", ""},
            Row{ItemKind::kTemplate, R"({"resourceTemplates":[{"uri":"a:b"}]})", "",
                "it has no uriTemplate"},
        }) {
        CAPTURE(std::string(row.result));
        Offer offer;
        std::optional<std::string> cursor;
        CHECK(parse_page(row.kind, Slice::copy_of(row.result), offer, cursor));
        std::string found;
        for (const OfferItem& item : offer.of(row.kind).items) {
            found += item.own_name + " ";
            CHECK(
                JsonView(item.name_span.in(item.item.view())).is_string(item.own_name));
        }
        CHECK(found == row.names);
        const std::string problem =
            offer.problems.empty() ? "" : offer.problems.front();
        CHECK_MESSAGE(problem.find(row.problem) != std::string::npos, problem);
    }
}

TEST_CASE("an output schema may be of any type") {
    const Parsed parsed = parse(
        page(R"({"name":"a","inputSchema":{"type":"object"},"outputSchema":{}})"));
    CHECK(names(parsed.offer) == Names{"a"});
}

TEST_CASE("a list may be kept as long as its shortest page says, and by whom") {
    struct Row {
        const char* first;
        const char* second;
        int64_t ttl_ms;
        bool is_public;
    };
    const char* const none = "";
    const char* const open = R"(,"ttlMs":5000,"cacheScope":"public")";
    for (const Row& row : {
             Row{open, open, 5000, true},
             Row{open, R"(,"ttlMs":300,"cacheScope":"public")", 300, true},
             Row{open, R"(,"ttlMs":9000,"cacheScope":"private")", 5000, false},
             Row{open, none, 0, false},
             Row{none, open, 0, false},
             Row{open, R"(,"ttlMs":-5,"cacheScope":"public")", 0, true},
             Row{open, R"(,"cacheScope":"public")", 0, false},
         }) {
        CAPTURE(std::string(row.first) + row.second);
        Offer offer;
        std::optional<std::string> cursor;
        for (const auto& [name, rest] :
             {std::pair("a", row.first), {"b", row.second}}) {
            REQUIRE(parse_page(ItemKind::kTool, Slice::copy_of(page(tool(name), rest)),
                               offer, cursor));
        }
        CHECK(offer.of(ItemKind::kTool).hint.ttl_ms == row.ttl_ms);
        CHECK(offer.of(ItemKind::kTool).hint.is_public == row.is_public);
    }
}

TEST_CASE("capabilities are read from what the server declared") {
    const ServerCaps all = ServerCaps::parse(JsonView(
        R"({"tools":{},"prompts":{"listChanged":true},"resources":{"subscribe":true},)"
        R"("logging":{},"completions":{},"tasks":{}})"));
    CHECK(all.tools);
    CHECK(all.has(ItemKind::kPrompt));
    CHECK(all.has(ItemKind::kTemplate));
    CHECK(all.subscribe);
    CHECK(all.logging);
    CHECK(all.completions);
    const ServerCaps some =
        ServerCaps::parse(JsonView(R"({"tools":null,"resources":{"subscribe":1}})"));
    CHECK_FALSE(some.tools);
    CHECK(some.resources);
    CHECK_FALSE(some.subscribe);
    CHECK_FALSE(ServerCaps::parse(JsonView()).has(ItemKind::kTool));
}
