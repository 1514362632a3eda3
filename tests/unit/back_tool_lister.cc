#include "neurond/back/tool_lister.h"

#include <doctest/doctest.h>

#include <string>

#include "neurond/base/limits.h"
#include "neurond/wire/json_scan.h"

using namespace neuron;

namespace {

using Next = ToolLister::Next;

std::string tool(const std::string& name) {
    return R"({"name":")" + name + R"(","inputSchema":{"type":"object"}})";
}

Slice page(const std::string& tools, const std::string& cursor_json = {}) {
    const std::string text = R"({"tools":[)" + tools + "]" +
                             (cursor_json.empty() ? "" : ",\"nextCursor\":" + cursor_json) +
                             "}";
    JsonScanner scanner(64);
    REQUIRE(scanner.finish(text) == Scan::kDone);
    return Slice::copy_of(text);
}

ToolLister begun() {
    ToolLister lister;
    lister.begin();
    return lister;
}

}  // namespace

TEST_CASE("one page without a cursor is the whole list") {
    ToolLister lister = begun();
    CHECK(lister.on_page(page(tool("a") + "," + tool("b"))) == Next::kDone);
    const auto offer = lister.take_offer();
    REQUIRE(static_cast<bool>(offer));
    CHECK(offer->tools.size() == 2);
    CHECK(offer->problems.empty());
}

TEST_CASE("pages follow each other by the cursor of the one before") {
    ToolLister lister = begun();
    CHECK_FALSE(lister.cursor());
    CHECK(lister.on_page(page(tool("a"), R"("2\u0041")")) == Next::kPage);
    CHECK(lister.cursor() == "2A");  // decoded
    CHECK(lister.on_page(page("", R"("")")) == Next::kPage);  // empty is a cursor, too
    CHECK(lister.cursor() == "");
    CHECK(lister.on_page(page(tool("b"), "null")) == Next::kDone);
    const auto offer = lister.take_offer();
    REQUIRE(offer->tools.size() == 2);
    CHECK(offer->tools[1].own_name == "b");
}

TEST_CASE("a cursor that leads back to its own page ends the list, with a note") {
    ToolLister lister = begun();
    CHECK(lister.on_page(page(tool("a"), R"("x")")) == Next::kPage);
    CHECK(lister.on_page(page(tool("b"), R"("x")")) == Next::kDone);
    const auto offer = lister.take_offer();
    CHECK(offer->tools.size() == 2);
    REQUIRE(offer->problems.size() == 1);
    CHECK(offer->problems[0].find("does not end") != std::string::npos);
}

TEST_CASE("a list without an end has one") {
    ToolLister lister = begun();
    unsigned pages = 0;
    Next next = Next::kPage;
    while (next == Next::kPage && pages <= kMaxListPages) {
        next = lister.on_page(page(tool("t" + std::to_string(pages)),
                                   '"' + std::to_string(pages) + '"'));
        ++pages;
    }
    CHECK(next == Next::kDone);
    CHECK(pages == kMaxListPages);
    CHECK(lister.take_offer()->tools.size() == kMaxListPages);
}

TEST_CASE("what is no list of tools fails with a reason") {
    for (const char* text : {"{}", R"({"tools":{}})", R"({"tools":null})"}) {
        ToolLister lister = begun();
        CHECK(lister.on_page(Slice::copy_of(text)) == Next::kFailed);
        CHECK(lister.why().find("tools") != std::string::npos);
    }
}

TEST_CASE("begin() forgets the list before") {
    ToolLister lister = begun();
    CHECK(lister.on_page(page(tool("a"), R"("x")")) == Next::kPage);
    lister.begin();
    CHECK_FALSE(lister.cursor());
    CHECK(lister.on_page(page(tool("b"), R"("x")")) == Next::kPage);  // no loop: a new list
    CHECK(lister.on_page(page("")) == Next::kDone);
    CHECK(lister.take_offer()->tools.size() == 1);
}
