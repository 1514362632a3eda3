#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcp_listed.h"
#include "neurond/base/limits.h"
#include "neurond/mcp/catalog.h"
#include "neurond/wire/json_view.h"

using namespace neuron;

namespace {

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
    REQUIRE(parse_page(ItemKind::kTool, Slice::copy_of(page(tools)), *out, cursor));
    return out;
}

}  // namespace

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
