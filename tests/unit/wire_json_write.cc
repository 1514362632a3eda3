#include "neurond/wire/json_write.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "exact.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_string.h"

using namespace neuron;

TEST_CASE("commas and colons come by themselves") {
    JsonWriter w;
    w.begin_object();
    w.key("a").integer(-1).key("b").begin_array().end_array();
    w.key("c")
        .begin_array()
        .boolean(true)
        .null()
        .string(",")
        .begin_object()
        .end_object();
    w.raw("[1]").end_array().key("d").begin_object().key("e").string("").end_object();
    w.end_object();
    CHECK(w.take() ==
          "{\"a\":-1,\"b\":[],\"c\":[true,null,\",\",{},[1]],\"d\":{\"e\":\"\"}}");
    CHECK(w.take().empty());
}

TEST_CASE("strings that end in a bracket or colon do not swallow the comma") {
    JsonWriter w;
    w.begin_array().string("[").string("{").string(":").string("").end_array();
    CHECK(w.take() == "[\"[\",\"{\",\":\",\"\"]");
}

TEST_CASE("numbers are written so that they read back the same") {
    JsonWriter w;
    w.begin_array();
    w.integer(std::numeric_limits<int64_t>::min());
    w.unsigned_integer(std::numeric_limits<uint64_t>::max());
    w.number(0.1).number(1e300).number(-2.0).number(5e-324).end_array();
    CHECK(w.take() ==
          "[-9223372036854775808,18446744073709551615,0.1,1e+300,-2,5e-324]");
}

TEST_CASE("text is quoted so that it is JSON and stays itself") {
    struct Row {
        std::string_view text;
        std::string_view quoted;
    };
    const Row rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t", "\"\\u0008\\u000c\\n\\r\\t\""},
        {{"\0\x1f\x7f", 3}, "\"\\u0000\\u001f\x7f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xff", "\"\xef\xbf\xbd\""},                                  // no lead byte
        {"a\xc3", "\"a\xef\xbf\xbd\""},                                // cut off
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},  // a surrogate
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                  // overlong
        {"\xe2\x82z", "\"\xef\xbf\xbd\xef\xbf\xbdz\""},
    };
    for (const Row& row : rows) {
        const Exact text(row.text);
        CHECK(json_quote(text.view()) == row.quoted);
        JsonScanner scanner(1);
        CHECK(scanner.finish(row.quoted) == Scan::kDone);
    }
}

TEST_CASE("every byte survives quoting and unquoting, unless it is no UTF-8") {
    std::string text;
    for (char c = 0; c < 0x7f; ++c) {
        text += c;
    }
    CHECK(json_unquote(json_quote(text)) == text);
}
