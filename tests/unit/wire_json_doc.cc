#include "neurond/wire/json_doc.h"

#include <doctest/doctest.h>

#include <string>

using namespace neuron;

namespace {

std::string refusal(std::string_view text) {
    const Result<JsonDoc> doc = JsonDoc::parse(text);
    return doc ? std::string() : doc.error().message;
}

}  // namespace

TEST_CASE("a tree answers by key, index and order") {
    const Result<JsonDoc> doc = JsonDoc::parse(
        "{\"a\":[1,\"two\",null,true,{}],\"A\":-2.5,\"b\":{\"c\":\"\\u00e9\"}}");
    REQUIRE(doc);
    const JsonNode root = doc->root();
    CHECK(root.is_object());
    CHECK(root.size() == 3);
    CHECK(root.get("a").size() == 5);
    CHECK(root.get("a").at(0).as_number() == 1.0);
    CHECK(root.get("a").at(1).as_string() == "two");
    CHECK(root.get("a").at(2).is_null());
    CHECK(root.get("a").at(3).as_bool() == true);
    CHECK(root.get("a").at(4).is_object());
    CHECK(root.get("A").as_number() == -2.5);  // exact case
    CHECK(root.get("b").get("c").as_string() == "\xc3\xa9");
    CHECK(root.at(2).key() == "b");
    std::string keys;
    for (JsonNode child = root.first(); child.exists(); child = child.next()) {
        keys += child.key();
    }
    CHECK(keys == "aAb");
}

TEST_CASE("an absent node has a negative answer to everything") {
    const JsonNode absent;
    CHECK_FALSE(absent.exists());
    CHECK_FALSE(absent.get("a").get("b").at(3).exists());
    CHECK_FALSE(absent.is_null());
    CHECK_FALSE(absent.as_string());
    CHECK_FALSE(absent.as_number());
    CHECK_FALSE(absent.as_bool());
    CHECK(absent.size() == 0);
    CHECK(absent.key().empty());
    CHECK(absent.print().empty());
}

TEST_CASE("a tree prints in one line or for people") {
    const Result<JsonDoc> doc = JsonDoc::parse("{ \"a\" : [ 1, 2 ] }");
    REQUIRE(doc);
    CHECK(doc->root().print() == "{\"a\":[1,2]}");
    CHECK(doc->root().print_pretty() == "{\n\t\"a\":\t[1, 2]\n}");
}

TEST_CASE("what the scanner refuses is refused, with its reason") {
    CHECK(refusal("{\"a\":}") == "parse JSON: unexpected byte at byte 5");
    CHECK(refusal("") == "parse JSON: unexpected end at byte 0");
    CHECK(refusal("{} x") == "parse JSON: something behind the value at byte 3");
    CHECK(refusal("{\"a\":1,\"a\":2}") == "parse JSON: duplicate key at byte 7");
    CHECK(refusal(std::string(600, '[')) == "parse JSON: nested too deep at byte 512");
}

TEST_CASE(
    "strings that a C string cannot hold are refused, escaped backslashes are not") {
    CHECK(refusal("\"a\\u0000b\"") == "parse JSON: a string holds U+0000");
    CHECK(refusal("{\"\\\\\\u0000\":1}") == "parse JSON: a string holds U+0000");
    CHECK(refusal("\"\\\\u0000\"").empty());
}
