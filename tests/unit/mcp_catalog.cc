#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "neurond/base/limits.h"
#include "neurond/mcp/catalog.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_view.h"

using namespace neuron;

namespace {

constexpr unsigned kDepth = 64;

using Names = std::vector<std::string>;

bool is_json(std::string_view text) {
    JsonScanner scanner(kDepth);
    return scanner.finish(text) == Scan::kDone;
}

/// A tool as it is usually listed.
std::string tool(const std::string& name) {
    return R"({"name":")" + name + R"(","inputSchema":{"type":"object"}})";
}

std::string page(const std::string& tools, const std::string& rest = {}) {
    return R"({"tools":[)" + tools + "]" + rest + "}";
}

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
        parse_tools_page(Slice::copy_of(result), out.offer, out.cursor);
    out.ok = static_cast<bool>(status);
    out.error = out.ok ? "" : status.error().message;
    return out;
}

Names names(const Offer& offer) {
    Names out;
    for (const ToolItem& item : offer.tools) {
        out.push_back(item.own_name);
    }
    return out;
}

Names names(const Catalog& catalog) {
    Names out;
    for (const CatalogEntry& entry : catalog.entries()) {
        out.push_back(entry.full_name);
    }
    return out;
}

std::shared_ptr<const Offer> offer(const std::string& tools) {
    auto out = std::make_shared<Offer>();
    std::optional<std::string> cursor;
    REQUIRE(parse_tools_page(Slice::copy_of(page(tools)), *out, cursor));
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
    REQUIRE(parsed.offer.tools.size() == 1);
    const ToolItem& item = parsed.offer.tools.front();
    CHECK(item.own_name == "a.b");
    CHECK(item.item.view() == text);
    CHECK(item.name_span.in(item.item.view()) == R"("a\u002eb")");
    CHECK(parsed.offer.bytes == text.size());
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
             Row{R"({"name":"a","inputSchema":{"type":"object"},"outputSchema":{}})",
                 "outputSchema"},
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
    REQUIRE(parse_tools_page(
        Slice::copy_of(page(first + "," + tool("a"), R"(,"nextCursor":"x")")), offer,
        cursor));
    REQUIRE(parse_tools_page(Slice::copy_of(page(tool("b") + "," + tool("\\u0061"))),
                             offer, cursor));
    CHECK(names(offer) == Names{"a", "b"});
    CHECK(offer.tools.front().item.view() == first);
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
    CHECK(parsed.offer.problems.back() == "left out more tools");
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
    REQUIRE(parse_tools_page(Slice::copy_of(page("")), offer, cursor));
    CHECK_FALSE(cursor);
    CHECK(offer.tools.empty());
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
            parse_tools_page(Slice::copy_of(page(tools)), offer, cursor));
    };
    CHECK(list(0, kMaxTools / 2));
    CHECK(list(kMaxTools / 2, kMaxTools));
    CHECK(offer.tools.size() == kMaxTools);
    CHECK_FALSE(list(kMaxTools, kMaxTools + 1));
}

TEST_CASE("the bytes of a list have a bound") {
    Offer offer;
    offer.bytes = kMaxOfferBytes - 10;
    std::optional<std::string> cursor;
    CHECK_FALSE(parse_tools_page(Slice::copy_of(page(tool("a"))), offer, cursor));
}

TEST_CASE("a catalog is sorted by full name, bytewise") {
    CatalogBuilder builder;
    builder.add_downstream("b", {},
                           offer(tool("z") + "," + tool("B") + "," + tool("a")));
    builder.add_downstream("a-b", {}, offer(tool("x")));
    builder.add_downstream("a", {}, offer(tool("x") + "," + tool("\\u00e9")));
    const auto catalog = builder.build(".");
    CHECK(names(*catalog) == Names{"a-b.x", "a.x", "a.\u00e9", "b.B", "b.a", "b.z"});
    CHECK(builder.warnings().empty());
}

TEST_CASE("an entry knows where it leads and lists itself under its full name") {
    const std::string listed = R"({"title":"T" , "name" : "own\u002ename", )"
                               R"("inputSchema":{"type":"object","x":1E5}})";
    CatalogBuilder builder;
    const AnswererHandle answerer{3, 7};
    builder.add_downstream("redis", answerer, offer(listed));
    const auto catalog = builder.build("_");
    const CatalogEntry* entry = catalog->find("redis_own.name");
    REQUIRE(entry != nullptr);
    CHECK(entry->full_name == "redis_own.name");
    CHECK(entry->own_name == "own.name");
    CHECK(entry->downstream == "redis");
    CHECK(entry->answerer == answerer);
    CHECK(entry->item.view() == R"({"title":"T" , "name" : "redis_own.name", )"
                                R"("inputSchema":{"type":"object","x":1E5}})");
}

TEST_CASE("names are found exactly") {
    CatalogBuilder builder;
    builder.add_downstream("a", {}, offer(tool("b") + "," + tool("c.d")));
    const auto catalog = builder.build(".");
    CHECK(catalog->find("a.b") != nullptr);
    CHECK(catalog->find("a.c.d") != nullptr);
    for (const char* other :
         {"", "a", "a.", "b", ".b", "A.b", "a.B", "a.b ", "a.c", "a_b"}) {
        CAPTURE(std::string(other));
        CHECK(catalog->find(other) == nullptr);
    }
    CHECK(catalog->find(std::string_view("a.b\0", 4)) == nullptr);
}

TEST_CASE("names that need escapes are spliced as valid JSON") {
    CatalogBuilder builder;
    builder.add_downstream("a", {}, offer(tool(R"(q\"\\\n\u0000)")));
    const auto catalog = builder.build(".");
    REQUIRE(catalog->entries().size() == 1);
    const CatalogEntry& entry = catalog->entries().front();
    CHECK(entry.full_name == std::string("a.q\"\\\n\0", 7));
    REQUIRE(is_json(entry.item.view()));
    CHECK(JsonView(entry.item.view()).find("name").as_string() == entry.full_name);
}

TEST_CASE("of two tools with one full name the first configured wins") {
    for (const bool swapped : {false, true}) {
        CatalogBuilder builder;
        const AnswererHandle one{1, 1};
        const AnswererHandle two{2, 1};
        if (swapped) {
            builder.add_downstream("a", two, offer(tool("b_c")));
            builder.add_downstream("a_b", one, offer(tool("c")));
        } else {
            builder.add_downstream("a_b", one, offer(tool("c")));
            builder.add_downstream("a", two, offer(tool("b_c")));
        }
        const auto catalog = builder.build("_");
        CHECK(names(*catalog) == Names{"a_b_c"});
        CHECK(catalog->find("a_b_c")->answerer == (swapped ? two : one));
        REQUIRE(builder.warnings().size() == 1);
        const std::string& warning = builder.warnings().front();
        CHECK(warning == (swapped ? "'a_b_c' is offered by a and by a_b; a wins"
                                  : "'a_b_c' is offered by a_b and by a; a_b wins"));
    }
}

TEST_CASE("of very many collisions only some are warned about") {
    std::string tools = tool("t0");
    for (int i = 1; i < 1000; ++i) {
        tools += "," + tool("t" + std::to_string(i));
    }
    CatalogBuilder builder;
    builder.add_downstream("a", {}, offer(tools));
    builder.add_downstream("a", {}, offer(tools));
    CHECK(builder.build(".")->entries().size() == 1000);
    CHECK(builder.warnings().size() == kMaxOfferProblems);
}

TEST_CASE("a full name may have 128 bytes and not one more") {
    const std::string fits(kMaxToolNameBytes - 2, 'n');
    CatalogBuilder builder;
    builder.add_downstream("a", {}, offer(tool(fits) + "," + tool(fits + "n")));
    const auto catalog = builder.build(".");
    CHECK(names(*catalog) == Names{"a." + fits});
    CHECK(builder.warnings().size() == 1);
}

TEST_CASE("two catalogs are the same when a client would see the same list") {
    const auto build = [](const std::string& tools, AnswererHandle answerer) {
        CatalogBuilder builder;
        builder.add_downstream("a", answerer, offer(tools));
        return builder.build(".");
    };
    const auto one = build(tool("x") + "," + tool("y"), {1, 1});
    CHECK(one->same_content(*build(tool("y") + "," + tool("x"), {1, 2})));
    CHECK_FALSE(one->same_content(*build(tool("x"), {1, 1})));
    CHECK_FALSE(one->same_content(*build(tool("x") + "," + tool("z"), {1, 1})));
    CHECK_FALSE(one->same_content(*build(
        tool("x") + R"(,{"name":"y","inputSchema":{"type":"object"},"title":"t"})",
        {1, 1})));
    CHECK(CatalogBuilder().build(".")->same_content(*CatalogBuilder().build("_")));
}

TEST_CASE("a catalog outlives the offers it was built from") {
    std::shared_ptr<const Catalog> catalog;
    {
        CatalogBuilder builder;
        builder.add_downstream("a", {}, offer(tool("x")));
        catalog = builder.build(".");
    }
    CHECK(catalog->find("a.x")->item.view() == tool("a.x"));
}
