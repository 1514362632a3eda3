#include "neurond/wire/json_view.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "exact.h"
#include "neurond/wire/json_scan.h"

using namespace neuron;

namespace {

/// Writes a value again out of what the view tells, without blanks.
std::string rewrite(const JsonView& view) {
    std::string text;
    switch (view.type()) {
        case JsonType::kArray:
            for (const JsonView item : view.elements()) {
                text += (text.empty() ? "" : ",") + rewrite(item);
            }
            return "[" + text + "]";
        case JsonType::kObject:
            for (const JsonPair& member : view.members()) {
                text += text.empty() ? "" : ",";
                text += std::string(member.key.raw()) + ":" + rewrite(member.value);
            }
            return "{" + text + "}";
        default:
            return std::string(view.raw());
    }
}

}  // namespace

TEST_CASE("a view walks whatever the scanner accepts") {
    struct Row {
        std::string_view text;
        std::string_view compact;
    };
    const Row rows[] = {
        {"{}", "{}"},
        {" [ ] ", "[]"},
        {"[[],{},[{}]]", "[[],{},[{}]]"},
        {"[1 , -2.5e3,\"a,b\" , true,null,false]",
         "[1,-2.5e3,\"a,b\",true,null,false]"},
        {"{ \"a\" : [ 1 , { \"b\" : \"}]\\\"\" } ] , \"c\":{ } }",
         "{\"a\":[1,{\"b\":\"}]\\\"\"}],\"c\":{}}"},
        {"{\"\\\\\":\"\\\\\",\"\":\"\"}", "{\"\\\\\":\"\\\\\",\"\":\"\"}"},
        {"[\n\t0\r\n]\n", "[0]"},
        {"[\"\",\"\"]", "[\"\",\"\"]"},
        {"\"\\u005d\"", "\"\\u005d\""},
        {" 12345678901234567890.50 ", "12345678901234567890.50"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const Exact text(row.text);
        JsonScanner scanner(64);
        REQUIRE(scanner.finish(text.view()) == Scan::kDone);
        CHECK(rewrite(JsonView(text.view())) == row.compact);
        CHECK(JsonView(text.view()).raw() == scanner.value().in(text.view()));
    }
}

TEST_CASE("a view of unchecked text never reads outside it") {
    for (const char* const text :
         {"[",   "{",  "\"",      "\"\\", "{\"", "{\"a", "{\"a\"", "{\"a\":",
          "[1,", "[[", "[\"\\\"", "]",    "}",   ",",    ":",      "{1",
          "[}",  "{]", "[\"a]",   "x",    "-",   "{:}",  "[,,]",   "{\"a\":}"}) {
        const Exact exact(text);
        const JsonView view(exact.view());
        CHECK(rewrite(view).size() < 16);
        CHECK_FALSE(view.find("nothing").exists());
        CHECK_FALSE(view.at(9).exists());
        CHECK(view.as_string().value_or("").size() < 8);
        CHECK(view.as_int64().value_or(0) == 0);
    }
}

TEST_CASE("values answer only questions of their own type") {
    const JsonView absent;
    CHECK_FALSE(absent.exists());
    CHECK(absent.type() == JsonType::kAbsent);
    CHECK_FALSE(absent.as_string());
    CHECK_FALSE(absent.as_int64());
    CHECK_FALSE(absent.as_double());
    CHECK_FALSE(absent.as_bool());
    CHECK_FALSE(absent.find("a").exists());
    CHECK(JsonView("null").is_null());
    CHECK(JsonView("true").as_bool() == true);
    CHECK(JsonView("false").as_bool() == false);
    CHECK_FALSE(JsonView("\"true\"").as_bool());
    CHECK_FALSE(JsonView("1").as_string());
    CHECK_FALSE(JsonView("\"1\"").as_int64());
    CHECK_FALSE(JsonView("[1]").as_int64());
    CHECK_FALSE(JsonView("[\"a\"]").find("a").exists());
    CHECK_FALSE(JsonView("{\"a\":1}").at(0).exists());
}

TEST_CASE("integers are read strictly and in range") {
    struct Row {
        const char* text;
        std::optional<int64_t> value;
        bool integer;
    };
    const Row rows[] = {
        {"0", 0, true},
        {"-0", 0, true},
        {"-7", -7, true},
        {"9223372036854775807", std::numeric_limits<int64_t>::max(), true},
        {"-9223372036854775808", std::numeric_limits<int64_t>::min(), true},
        {"9223372036854775808", {}, true},  // an integer, but too large for us
        {"123456789012345678901234567890", {}, true},
        {"1.0", {}, false},  // no fraction, even an empty one
        {"1e3", {}, false},
        {"1E0", {}, false},
        {"\"1\"", {}, false},
        {"true", {}, false},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const Exact text(row.text);
        CHECK(JsonView(text.view()).as_int64() == row.value);
        CHECK(JsonView(text.view()).is_integer() == row.integer);
    }
    CHECK(JsonView("1.5e3").as_double() == 1500.0);
    CHECK(JsonView("-0.25").as_double() == -0.25);
    CHECK_FALSE(JsonView("1e400").as_double());
}

TEST_CASE("members are found by their decoded name, elements by their index") {
    const JsonView view(
        "{\"skip\":{\"name\":\"no\"},\"na\\u006de\":\"\\u00e9\",\"list\":[10,[20],{"
        "\"x\":30}]}");
    CHECK(view.find("name").as_string() == "\xc3\xa9");
    CHECK(view.find("name").is_string("\xc3\xa9"));
    CHECK_FALSE(view.find("Name").exists());
    CHECK(view.find("list").at(0).as_int64() == 10);
    CHECK(view.find("list").at(1).raw() == "[20]");
    CHECK(view.find("list").at(2).find("x").as_int64() == 30);
    CHECK_FALSE(view.find("list").at(3).exists());
}

TEST_CASE("the first of several members of one name is found") {
    CHECK(JsonView("{\"a\":1,\"a\":2}").find("a").as_int64() == 1);
}
