#include "neurond/wire/json_splice.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "neurond/base/limits.h"
#include "neurond/wire/json_scan.h"

using namespace neuron;

namespace {

std::string spliced(std::string_view text, const std::vector<Edit>& edits) {
    OutQueue out;
    splice(out, Slice::copy_of(text), edits);
    return out.to_string();
}

/// Removes the members with these indexes from the root object of `text`.
std::string without(std::string_view text, const std::vector<size_t>& gone) {
    JsonScanner scanner(16);
    REQUIRE(scanner.finish(text) == Scan::kDone);
    std::vector<Edit> edits;
    remove_members(edits, scanner.root_members(), gone);
    return spliced(text, edits);
}

}  // namespace

TEST_CASE("edits replace, insert and remove, and leave the rest alone") {
    CHECK(spliced("abcdef", {}) == "abcdef");
    CHECK(spliced("abcdef", {{{0, 1}, "X"}}) == "Xbcdef");
    CHECK(spliced("abcdef", {{{5, 6}, "XYZ"}}) == "abcdeXYZ");
    CHECK(spliced("abcdef", {{{0, 6}, ""}}).empty());
    CHECK(spliced("abcdef", {{{3, 3}, "-"}}) == "abc-def");
    CHECK(spliced("abcdef", {{{0, 0}, "<"}, {{6, 6}, ">"}}) == "<abcdef>");
    CHECK(spliced("abcdef", {{{1, 2}, ""}, {{2, 3}, "X"}, {{3, 3}, "Y"}}) == "aXYdef");
    CHECK(spliced("abcdef", {{{2, 2}, "1"}, {{2, 4}, "2"}}) == "ab12ef");
}

TEST_CASE("a part is spliced with offsets into the whole text") {
    const Slice text = Slice::copy_of("{\"params\":{\"name\":\"a.b\"},\"id\":1}");
    JsonScanner scanner(16);
    REQUIRE(scanner.finish(text.view()) == Scan::kDone);
    const Span name = find(scanner.params_members(), text.view(), "name");
    OutQueue out;
    splice(out, text, scanner.envelope().params, {{name, "\"b\""}});
    CHECK(out.to_string() == "{\"name\":\"b\"}");
}

TEST_CASE("large untouched stretches are shared, and every byte of them stays") {
    std::string text = "{\"id\":1,\"params\":{\"name\":\"x\",\"arguments\":\"";
    for (size_t i = 0; i < 300000; ++i) {
        text += static_cast<char>('a' + i % 26);
    }
    text += "\"}}";
    const Slice slice = Slice::copy_of(text);
    const uint64_t before = Block::total_bytes();
    OutQueue out;
    splice(out, slice, {{{6, 7}, "4711"}});
    CHECK(Block::total_bytes() - before < 2 * kMaxGatherBytes);
    CHECK(out.to_string() == text.substr(0, 6) + "4711" + text.substr(7));
}

TEST_CASE("members are removed with the right commas, whatever remains") {
    constexpr std::string_view kText = "{ \"a\" : 1 , \"b\" : [ 2 ] , \"c\" : \"3\" }";
    CHECK(without(kText, {}) == kText);
    CHECK(without(kText, {0}) == "{ \"b\" : [ 2 ] , \"c\" : \"3\" }");
    CHECK(without(kText, {1}) == "{ \"a\" : 1 , \"c\" : \"3\" }");
    CHECK(without(kText, {2}) == "{ \"a\" : 1 , \"b\" : [ 2 ] }");
    CHECK(without(kText, {0, 1}) == "{ \"c\" : \"3\" }");
    CHECK(without(kText, {0, 2}) == "{ \"b\" : [ 2 ] }");
    CHECK(without(kText, {1, 2}) == "{ \"a\" : 1 }");
    CHECK(without(kText, {0, 1, 2}) == "{  }");
    CHECK(without("{\"a\":1}", {0}) == "{}");
    CHECK(without("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5}", {0, 2, 4}) ==
          "{\"b\":2,\"d\":4}");
}

TEST_CASE("a member is inserted at the front of an object") {
    const auto insert = [](std::string_view text, bool follows) {
        const std::string member = member_text("n\"", "{\"x\":1}", follows);
        return spliced(text, {{front_of_object(Span{0, text.size()}), member}});
    };
    CHECK(insert("{}", false) == "{\"n\\\"\":{\"x\":1}}");
    CHECK(insert("{\"a\":1}", true) == "{\"n\\\"\":{\"x\":1},\"a\":1}");
}

TEST_CASE("line breaks between tokens become blanks, escaped ones stay") {
    std::string text = "{\r\n  \"a\": \"x\\ny\",\n\"b\":\r[1]\n}\n";
    const size_t size = text.size();
    blank_line_breaks(text.data(), text.size());
    CHECK(text == "{    \"a\": \"x\\ny\", \"b\": [1] } ");
    CHECK(text.size() == size);
}
