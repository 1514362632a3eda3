#include "neurond/mcp/list_pages.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "neurond/mcp/greeting.h"

using namespace neuron;

namespace {

const Identity kSomebody{"uid:1", ""};

std::shared_ptr<Offer> offer(ItemKind kind, const std::string& result) {
    auto out = std::make_shared<Offer>();
    std::optional<std::string> cursor;
    REQUIRE(parse_page(kind, Slice::copy_of(result), *out, cursor));
    return out;
}

std::shared_ptr<const Catalog> prompts(const std::string& names) {
    std::string list;
    for (const char name : names) {
        list += (list.empty() ? "" : ",") + std::string(R"({"name":")") + name + "\"}";
    }
    CatalogBuilder builder;
    builder.add_downstream("a", {}, offer(ItemKind::kPrompt, R"({"prompts":[)" + list + "]}"));
    return builder.build(".");
}

std::string names(const ListPage& page) {
    std::string out;
    for (const CatalogEntry* entry : page.entries) {
        out += entry->own_name;
    }
    return out;
}

}  // namespace

TEST_CASE("pages follow each other and lose nothing, whatever changes meanwhile") {
    const Policy all(true, {});
    const ListSettings settings{2, "key"};
    const auto before = prompts("abcde");
    auto page = list_page(ItemKind::kPrompt, {}, {*before, all, kSomebody}, settings);
    REQUIRE(page);
    CHECK(names(*page) == "ab");
    REQUIRE(page->next);
    const auto after = prompts("acde");  // the last of the page has gone
    page = list_page(ItemKind::kPrompt, page->next, {*after, all, kSomebody}, settings);
    REQUIRE(page);
    CHECK(names(*page) == "cd");
    page = list_page(ItemKind::kPrompt, page->next, {*after, all, kSomebody}, settings);
    REQUIRE(page);
    CHECK(names(*page) == "e");
    CHECK_FALSE(page->next);
}

TEST_CASE("a full last page has no cursor, and what may not be seen takes no place") {
    const Policy some(true, {{"r", false, {}, {}, {"a.b", "a.d"}, {}}});
    const auto catalog = prompts("abcd");
    const auto page =
        list_page(ItemKind::kPrompt, {}, {*catalog, some, kSomebody}, {2, "key"});
    REQUIRE(page);
    CHECK(names(*page) == "ac");
    CHECK_FALSE(page->next);
}

TEST_CASE("a cursor is good for its own list, view and key only") {
    const Policy all(true, {});
    const auto catalog = prompts("abc");
    const Viewer viewer{*catalog, all, kSomebody};
    const auto first = list_page(ItemKind::kPrompt, {}, viewer, {1, "key"});
    REQUIRE(first);
    REQUIRE(first->next);
    CHECK(list_page(ItemKind::kPrompt, first->next, viewer, {1, "key"}));
    CHECK(list_page(ItemKind::kPrompt, first->next, viewer, {0, "key"}));
    CHECK_FALSE(list_page(ItemKind::kTool, first->next, viewer, {1, "key"}));
    CHECK_FALSE(list_page(ItemKind::kPrompt, first->next, viewer, {1, "other"}));
    const auto strict = catalog->seen_as({"", true});
    CHECK_FALSE(list_page(ItemKind::kPrompt, first->next, {*strict, all, kSomebody},
                          {1, "key"}));
    std::string changed = *first->next;
    changed[0] = changed[0] == 'A' ? 'B' : 'A';
    for (const std::string& bad : {std::string(), std::string("x"), changed,
                                   *first->next + "A", std::string(60, 'A')}) {
        CHECK_FALSE(list_page(ItemKind::kPrompt, bad, viewer, {1, "key"}));
    }
}

TEST_CASE("a rule about a URI means the wrapped one, too") {
    CatalogBuilder builder;
    const std::string list = R"({"resources":[{"uri":"file:///a","name":"a"}]})";
    builder.add_downstream("a", {}, offer(ItemKind::kResource, list));
    builder.add_downstream("b", {}, offer(ItemKind::kResource, list));
    const auto catalog = builder.build(".");
    const auto count = [&](const Policy& policy) {
        return list_page(ItemKind::kResource, {}, {*catalog, policy, kSomebody}, {})
            ->entries.size();
    };
    CHECK(count(Policy(true, {})) == 2);
    CHECK(count(Policy(true, {{"r", false, {}, {}, {}, {"file:*"}}})) == 0);
    CHECK(count(Policy(true, {{"r", false, {}, {}, {}, {"neurond://b/*"}}})) == 1);
    CHECK(count(Policy(false, {{"r", true, {"*"}, {}, {"*"}, {}}})) == 0);
}

TEST_CASE("a client is told what the servers offer to it, and nothing of the others") {
    CatalogBuilder builder;
    const auto add = [&builder](const char* name, const char* instructions) {
        auto made = offer(ItemKind::kPrompt, R"({"prompts":[{"name":"p"}]})");
        made->caps.prompts = true;
        made->caps.completions = std::string_view(name) == "b";
        made->instructions = instructions;
        builder.add_downstream(name, {}, made);
    };
    add("a", "Use a.");
    add("b", "Use b.");
    const auto catalog = builder.build(".");
    const Policy all(true, {});
    const Greeting whole = greeting_for({*catalog, all, kSomebody});
    CHECK(whole.capabilities == R"({"prompts":{"listChanged":true},"completions":{}})");
    const size_t a = whole.instructions.find("# a\n\nUse a.");
    const size_t b = whole.instructions.find("# b\n\nUse b.");
    CHECK(a < b);
    CHECK(b != std::string::npos);
    const Policy only_a(false, {{"r", true, {}, {}, {"a.*"}, {}}});
    const Greeting less = greeting_for({*catalog, only_a, kSomebody});
    CHECK(less.capabilities == R"({"prompts":{"listChanged":true}})");
    CHECK(less.instructions.find("Use b.") == std::string::npos);
}

TEST_CASE("a server that is not up may offer anything") {
    CatalogBuilder builder;
    builder.add_downstream("a", {}, nullptr);
    const auto catalog = builder.build(".");
    const Policy all(true, {});
    CHECK(greeting_for({*catalog, all, kSomebody}).capabilities ==
          R"({"logging":{},"tools":{"listChanged":true},"prompts":{"listChanged":true},)"
          R"("resources":{"listChanged":true,"subscribe":true},"completions":{}})");
}

TEST_CASE("instructions are cut between characters") {
    auto made = std::make_shared<Offer>();
    for (int i = 0; i < 5000; ++i) {
        made->instructions += "\u20ac";
    }
    CatalogBuilder builder;
    builder.add_downstream("a", {}, made);
    const auto catalog = builder.build(".");
    const Policy all(true, {});
    const std::string text = greeting_for({*catalog, all, kSomebody}).instructions;
    CHECK(text.size() < 5000);
    CHECK(text.substr(text.size() - 3) == "\u20ac");
}
