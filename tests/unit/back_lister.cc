#include "neurond/back/lister.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "neurond/base/limits.h"
#include "neurond/wire/json_scan.h"

using namespace neuron;

namespace {

using Next = Lister::Next;

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

Lister begun() {
    Lister lister;
    CHECK(lister.begin({ItemKind::kTool}, nullptr) == Next::kPage);
    return lister;
}

}  // namespace

TEST_CASE("one page without a cursor is the whole list") {
    Lister lister = begun();
    CHECK(lister.on_page(page(tool("a") + "," + tool("b"))) == Next::kDone);
    const auto offer = lister.take_offer();
    REQUIRE(static_cast<bool>(offer));
    CHECK(offer->tools().size() == 2);
    CHECK(offer->problems.empty());
}

TEST_CASE("pages follow each other by the cursor of the one before") {
    Lister lister = begun();
    CHECK_FALSE(lister.cursor());
    CHECK(lister.on_page(page(tool("a"), R"("2\u0041")")) == Next::kPage);
    CHECK(lister.cursor() == "2A");  // decoded
    CHECK(lister.on_page(page("", R"("")")) == Next::kPage);  // empty is a cursor, too
    CHECK(lister.cursor() == "");
    CHECK(lister.on_page(page(tool("b"), "null")) == Next::kDone);
    const auto offer = lister.take_offer();
    REQUIRE(offer->tools().size() == 2);
    CHECK(offer->tools()[1].own_name == "b");
}

TEST_CASE("a cursor that leads back to its own page ends the list, with a note") {
    Lister lister = begun();
    CHECK(lister.on_page(page(tool("a"), R"("x")")) == Next::kPage);
    CHECK(lister.on_page(page(tool("b"), R"("x")")) == Next::kDone);
    const auto offer = lister.take_offer();
    CHECK(offer->tools().size() == 2);
    REQUIRE(offer->problems.size() == 1);
    CHECK(offer->problems[0].find("does not end") != std::string::npos);
}

TEST_CASE("a list without an end has one") {
    Lister lister = begun();
    unsigned pages = 0;
    Next next = Next::kPage;
    while (next == Next::kPage && pages <= kMaxListPages) {
        next = lister.on_page(page(tool("t" + std::to_string(pages)),
                                   '"' + std::to_string(pages) + '"'));
        ++pages;
    }
    CHECK(next == Next::kDone);
    CHECK(pages == kMaxListPages);
    CHECK(lister.take_offer()->tools().size() == kMaxListPages);
}

TEST_CASE("what is no list of tools fails with a reason") {
    for (const char* text : {"{}", R"({"tools":{}})", R"({"tools":null})"}) {
        Lister lister = begun();
        CHECK(lister.on_page(Slice::copy_of(text)) == Next::kFailed);
        CHECK(lister.why().find("tools") != std::string::npos);
    }
}

TEST_CASE("begin() forgets the list before") {
    Lister lister = begun();
    CHECK(lister.on_page(page(tool("a"), R"("x")")) == Next::kPage);
    CHECK(lister.begin({ItemKind::kTool}, nullptr) == Next::kPage);
    CHECK_FALSE(lister.cursor());
    CHECK(lister.on_page(page(tool("b"), R"("x")")) == Next::kPage);  // no loop: a new list
    CHECK(lister.on_page(page("")) == Next::kDone);
    CHECK(lister.take_offer()->tools().size() == 1);
}

TEST_CASE("kinds follow each other, and one that is refused stays empty") {
    Lister lister;
    CHECK(lister.begin({ItemKind::kTool, ItemKind::kPrompt, ItemKind::kResource,
                        ItemKind::kTemplate},
                       nullptr) == Next::kPage);
    CHECK(lister.on_page(page(tool("a"))) == Next::kPage);
    CHECK(lister.kind() == ItemKind::kPrompt);
    CHECK(lister.on_refused("it refused prompts/list") == Next::kPage);
    CHECK(lister.kind() == ItemKind::kResource);
    CHECK(lister.on_page(Slice::copy_of(R"({"resources":[{"uri":"a:1","name":"1"}]})")) ==
          Next::kPage);
    CHECK(lister.on_refused("method not found") == Next::kDone);
    const auto offer = lister.take_offer();
    CHECK(offer->tools().size() == 1);
    CHECK(offer->of(ItemKind::kResource).items.size() == 1);
    CHECK(offer->problems == std::vector<std::string>{"it refused prompts/list"});
}

TEST_CASE("without its tools a server fails, unless they were known before") {
    Lister lister = begun();
    CHECK(lister.on_refused("it refused tools/list") == Next::kFailed);
    CHECK(lister.why() == "it refused tools/list");
    Lister good = begun();
    CHECK(good.on_page(page(tool("a"))) == Next::kDone);
    const auto known = good.take_offer();
    CHECK(lister.begin({ItemKind::kTool}, known.get()) == Next::kPage);
    CHECK(lister.on_page(page(tool("b"), R"("x")")) == Next::kPage);
    CHECK(lister.on_refused("silence") == Next::kDone);
    const auto kept = lister.take_offer();
    REQUIRE(kept->tools().size() == 1);
    CHECK(kept->tools().front().own_name == "a");
    CHECK(kept->problems.front() == "keeping the old list: silence");
}

TEST_CASE("a kind that is listed anew leaves the others as they are") {
    Lister lister = begun();
    CHECK(lister.on_page(page(tool("a"))) == Next::kDone);
    const auto known = lister.take_offer();
    CHECK(lister.begin({ItemKind::kPrompt}, known.get()) == Next::kPage);
    CHECK(lister.on_page(Slice::copy_of(R"({"prompts":[{"name":"p"}]})")) == Next::kDone);
    const auto offer = lister.take_offer();
    CHECK(offer->tools().size() == 1);
    CHECK(offer->of(ItemKind::kPrompt).items.size() == 1);
    CHECK(known->of(ItemKind::kPrompt).items.empty());
}

TEST_CASE("a server that declared nothing has an empty offer at once") {
    Lister lister;
    CHECK(lister.begin({}, nullptr) == Next::kDone);
    CHECK(lister.take_offer()->tools().empty());
}
