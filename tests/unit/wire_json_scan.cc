#include "neurond/wire/json_scan.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "exact.h"
#include "neurond/base/text.h"

using namespace neuron;
using namespace std::string_view_literals;

namespace {

constexpr unsigned kDepth = 8;  // of the tables below

/// A text, what is wrong with it, and at which byte.
struct Case {
    std::string_view text;
    JsonError error = JsonError::kNone;
    size_t at = 0;
};

const Case kValid[] = {
    {"{}"},
    {"[]"},
    {"0"},   // any value may be the root
    {"-0"},  // minus zero is a number
    {"7"},   // ends only where the text ends
    {"-1"},
    {"10"},
    {"123456789012345678901234567890"},  // no size limit: nothing is converted
    {"9007199254740993"},
    {"1.0"},
    {"1.10"},
    {"0.5"},
    {"-0.0"},
    {"1e5"},
    {"1E5"},
    {"1e+5"},
    {"1e-5"},
    {"0e0"},    // an exponent behind zero
    {"0E+00"},  // leading zeros in an exponent are fine
    {"1.5e3"},
    {"-123.456E-789"},  // out of a double's range: the grammar does not care
    {"1e400"},
    {"true"},
    {"false"},
    {"null"},
    {"\"\""},
    {"\"a\""},
    {"\" \""},
    {"\"'\""},
    {"\"/\""},    // a slash needs no escape
    {"\"\\/\""},  // but may have one
    {"\"\\\"\""},
    {"\"\\\\\""},
    {"\"\\b\\f\\n\\r\\t\""},
    {"\"\\u0041\""},
    {"\"\\u00e9\""},
    {"\"\\u00E9\""},  // hex digits in either case
    {"\"\\u0000\""},  // an escaped NUL
    {"\"\\u001f\""},
    {"\"\\ud83d\\ude00\""},  // a pair
    {"\"\\ud83d\""},         // lone halves: grammatical, RFC 8259 section 8.2
    {"\"\\ude00\""},
    {"\"\\ude00\\ud83d\""},
    {"\"\\ud83dx\""},
    {"\"\\uFFFF\""},  // noncharacters
    {"\"\\uFEFF\""},
    {"\"\x7f\""},      // DEL is no control character to JSON
    {"\"\xc2\x80\""},  // first and last of each length
    {"\"\xdf\xbf\""},
    {"\"\xe0\xa0\x80\""},
    {"\"\xed\x9f\xbf\""},
    {"\"\xee\x80\x80\""},
    {"\"\xef\xbf\xbf\""},
    {"\"\xf0\x90\x80\x80\""},
    {"\"\xf4\x8f\xbf\xbf\""},
    {"\"\xe2\x82\xac\xf0\x9f\x98\x80"
     "a\xc3\xa9\""},
    {"\"\xe2\x80\xa8\xe2\x80\xa9\""},  // line separators of JavaScript
    {"\"\xef\xbb\xbf\""},              // a BOM inside a string is a character
    {"\"1234567\""},                   // around the eight byte step
    {"\"12345678\""},
    {"\"123456789\""},
    {"\"1234567\\n89abcdef0\""},
    {"\"1234567\xc3\xa9"
     "89abcdef\""},
    {" 1"},
    {"1 "},
    {"\t\n\r 1 \t\n\r"},
    {" { } "},
    {" [ ] "},
    {"[1,2]"},
    {"[ 1 , 2 ]"},
    {"[1\n,\n2\n]\n"},
    {"[[]]"},
    {"[[],[]]"},
    {"[{}]"},
    {"[{},{}]"},
    {"{\"a\":1}"},
    {"{ \"a\" : 1 }"},
    {"{\"a\":1,\"b\":2}"},
    {"{\"\":0}"},  // the empty key
    {"{\"\\u0061\":0}"},
    {"{\"a\":{}}"},
    {"{\"a\":[]}"},
    {"{\"a\":{\"b\":{\"c\":[{}]}}}"},
    {"{\"a\":\"}\"}"},  // brackets in strings do not count
    {"[\"]\",\"[\",\"{\",\"}\"]"},
    {"{\"a\":\"\\\"id\\\":1\"}"},
    {"[true,false,null]"},
    {"[0,-0,0.0,0e0]"},
    {"[[[[[[[[]]]]]]]]"},  // exactly as deep as allowed
    {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}"},
    {"[{\"a\":1,\"a\":2}]"},  // duplicates on levels that are not read pass
    {"{\"x\":{\"a\":1,\"a\":2}}"},
    {"{\"params\":{\"arguments\":{\"a\":1,\"a\":2}}}"},
    {"{\"params\":[{\"a\":1,\"a\":2}]}"},
    {"{\"result\":{\"_meta\":{\"a\":1,\"a\":2}}}"},  // _meta is read in params only
    {"{\"result\":{\"a\":1,\"a\":2}}"},  // results pass as they are
    {"{\"error\":{\"a\":1,\"a\":2}}"},
    {"{\"_meta\":{\"a\":1,\"a\":2}}"},
    {"{\"a\":1,\"A\":2}"},              // exact case
    {"{\"\\ud800\":1,\"\\ud801\":2}"},  // different lone surrogates differ
    {"{\"a\":1,\"a\\u0000\":2}"},
};

const Case kInvalid[] = {
    {"", JsonError::kIncomplete, 0},
    {" ", JsonError::kIncomplete, 1},
    {"\n\n", JsonError::kIncomplete, 2},
    {"{", JsonError::kIncomplete, 1},
    {"[", JsonError::kIncomplete, 1},
    {"[1", JsonError::kIncomplete, 2},
    {"[1,", JsonError::kIncomplete, 3},
    {"{\"a\"", JsonError::kIncomplete, 4},
    {"{\"a\":", JsonError::kIncomplete, 5},
    {"{\"a\":1", JsonError::kIncomplete, 6},
    {"{\"a\":1,", JsonError::kIncomplete, 7},
    {"\"", JsonError::kIncomplete, 1},
    {"\"a", JsonError::kIncomplete, 2},
    {"\"\\", JsonError::kIncomplete, 2},
    {"\"\\u00", JsonError::kIncomplete, 5},
    {"t", JsonError::kIncomplete, 1},
    {"nul", JsonError::kIncomplete, 3},
    {"-", JsonError::kIncomplete, 1},
    {"1.", JsonError::kIncomplete, 2},
    {"1e", JsonError::kIncomplete, 2},
    {"1e+", JsonError::kIncomplete, 3},
    {"]", JsonError::kUnexpectedByte, 0},
    {"}", JsonError::kUnexpectedByte, 0},
    {",", JsonError::kUnexpectedByte, 0},
    {":", JsonError::kUnexpectedByte, 0},
    {"[}", JsonError::kUnexpectedByte, 1},
    {"{]", JsonError::kUnexpectedByte, 1},
    {"[1}", JsonError::kUnexpectedByte, 2},
    {"{\"a\":1]", JsonError::kUnexpectedByte, 6},
    {"[,1]", JsonError::kUnexpectedByte, 1},
    {"[1,]", JsonError::kUnexpectedByte, 3},  // no comma at the end
    {"[1,,2]", JsonError::kUnexpectedByte, 3},
    {"[1 2]", JsonError::kUnexpectedByte, 3},
    {"[1:2]", JsonError::kUnexpectedByte, 2},
    {"[\"a\":1]", JsonError::kUnexpectedByte, 4},
    {"{1:2}", JsonError::kUnexpectedByte, 1},  // keys are strings
    {"{a:1}", JsonError::kUnexpectedByte, 1},
    {"{'a':1}", JsonError::kUnexpectedByte, 1},
    {"{\"a\" 1}", JsonError::kUnexpectedByte, 5},
    {"{\"a\",1}", JsonError::kUnexpectedByte, 4},
    {"{\"a\"::1}", JsonError::kUnexpectedByte, 5},
    {"{\"a\":}", JsonError::kUnexpectedByte, 5},
    {"{\"a\":1,}", JsonError::kUnexpectedByte, 7},
    {"{,}", JsonError::kUnexpectedByte, 1},
    {"{\"a\":1 \"b\":2}", JsonError::kUnexpectedByte, 7},
    {"{\"a\":1;\"b\":2}", JsonError::kUnexpectedByte, 6},
    {"{\"a\":1,2}", JsonError::kUnexpectedByte, 7},
    {"'a'", JsonError::kUnexpectedByte, 0},
    {"/* */1", JsonError::kUnexpectedByte, 0},  // no comments
    {"[1]//", JsonError::kTrailing, 3},
    {"#1", JsonError::kUnexpectedByte, 0},
    {"+1", JsonError::kUnexpectedByte, 0},
    {".5", JsonError::kUnexpectedByte, 0},
    {"NaN", JsonError::kUnexpectedByte, 0},
    {"Infinity", JsonError::kUnexpectedByte, 0},
    {"True", JsonError::kUnexpectedByte, 0},
    {"undefined", JsonError::kUnexpectedByte, 0},
    {"[\v1]", JsonError::kUnexpectedByte, 1},  // only four bytes are blanks
    {"[\f1]", JsonError::kUnexpectedByte, 1},
    {"\xc2\xa0"
     "1",
     JsonError::kUnexpectedByte, 0},
    {"[\0]"sv, JsonError::kUnexpectedByte, 1},
    {"\0"sv, JsonError::kUnexpectedByte, 0},
    {"\xef\xbb\xbf{}", JsonError::kUnexpectedByte, 0},  // no byte order mark
    {"\xff\xfe{\0}\0"sv, JsonError::kUnexpectedByte, 0},
    {"\xe2\x80\x9c"
     "a\"",
     JsonError::kUnexpectedByte, 0},
    {"[\xff]", JsonError::kUnexpectedByte, 1},
    {"-Infinity", JsonError::kNumber, 1},
    {"-a", JsonError::kNumber, 1},
    {"--1", JsonError::kNumber, 1},
    {"-.5", JsonError::kNumber, 1},
    {"01", JsonError::kNumber, 1},
    {"-01", JsonError::kNumber, 2},
    {"00", JsonError::kNumber, 1},
    {"[1.]", JsonError::kNumber, 3},
    {"1.e5", JsonError::kNumber, 2},
    {"1..5", JsonError::kNumber, 2},
    {"[1e]", JsonError::kNumber, 3},
    {"1e+-5", JsonError::kNumber, 3},
    {"1ee5", JsonError::kNumber, 2},
    {"- 1", JsonError::kNumber, 1},
    {"0x10", JsonError::kTrailing, 1},
    {"1.5.5", JsonError::kTrailing, 3},
    {"1e5.5", JsonError::kTrailing, 3},
    {"1e5e5", JsonError::kTrailing, 3},
    {"1+2", JsonError::kTrailing, 1},
    {"1_000", JsonError::kTrailing, 1},
    {"1f", JsonError::kTrailing, 1},
    {"1\0"sv, JsonError::kTrailing, 1},
    {"trua", JsonError::kLiteral, 3},
    {"tr ue", JsonError::kLiteral, 2},
    {"nulL", JsonError::kLiteral, 3},
    {"[fals]", JsonError::kLiteral, 5},
    {"truee", JsonError::kTrailing, 4},
    {"nullnull", JsonError::kTrailing, 4},
    {"\"\\a\"", JsonError::kEscape, 2},
    {"\"\\x41\"", JsonError::kEscape, 2},
    {"\"\\'\"", JsonError::kEscape, 2},
    {"\"\\0\"", JsonError::kEscape, 2},
    {"\"\\\0\""sv, JsonError::kEscape, 2},
    {"\"\\U0041\"", JsonError::kEscape, 2},
    {"\"\\u004\"", JsonError::kEscape, 6},
    {"\"\\u00g0\"", JsonError::kEscape, 5},
    {"\"\\u+041\"", JsonError::kEscape, 3},
    {"\"\\u 041\"", JsonError::kEscape, 3},
    {"\"\\ud83d\\u\"", JsonError::kEscape, 9},
    {"\"\\\n\"", JsonError::kEscape, 2},
    {"\"\n\"", JsonError::kControl, 1},
    {"\"\r\"", JsonError::kControl, 1},
    {"\"\t\"", JsonError::kControl, 1},
    {"\"\0\""sv, JsonError::kControl, 1},
    {"\"a\x1f\"", JsonError::kControl, 2},
    {"\"12345678\x01\"", JsonError::kControl, 9},
    {"{\"\n\":1}", JsonError::kControl, 2},
    {"\"\x80\"    ", JsonError::kUtf8, 1},  // continuation without a lead
    {"\"\xbf\"    ", JsonError::kUtf8, 1},
    {"\"\xc0\xaf\"   ", JsonError::kUtf8, 1},  // overlong slash
    {"\"\xc1\xbf\"   ", JsonError::kUtf8, 1},
    {"\"\xe0\x80\xaf\"  ", JsonError::kUtf8, 1},
    {"\"\xe0\x9f\xbf\"  ", JsonError::kUtf8, 1},
    {"\"\xf0\x80\x80\xaf\" ", JsonError::kUtf8, 1},
    {"\"\xf0\x8f\xbf\xbf\" ", JsonError::kUtf8, 1},
    {"\"\xed\xa0\x80\"  ", JsonError::kUtf8, 1},  // surrogates in UTF-8
    {"\"\xed\xbf\xbf\"  ", JsonError::kUtf8, 1},
    {"\"\xf4\x90\x80\x80\" ", JsonError::kUtf8, 1},  // above U+10FFFF
    {"\"\xf5\x80\x80\x80\" ", JsonError::kUtf8, 1},
    {"\"\xf8\x88\x80\x80\x80\" ", JsonError::kUtf8, 1},  // five bytes were never legal
    {"\"\xfe\"    ", JsonError::kUtf8, 1},
    {"\"\xff\"    ", JsonError::kUtf8, 1},
    {"\"\xc3\"    ", JsonError::kUtf8, 1},  // cut off by the quote
    {"\"\xe2\x82\"   ", JsonError::kUtf8, 1},
    {"\"\xf0\x9f\x98\"  ", JsonError::kUtf8, 1},
    {"\"\xe2\x28\xa1\"  ", JsonError::kUtf8, 1},
    {"\"\xff\"", JsonError::kUtf8, 1},  // near the end of the text
    {"\"\xc3", JsonError::kUtf8, 1},
    {"\"ab\xe2\x82", JsonError::kUtf8, 3},
    {"\"caf\xe9\"    ", JsonError::kUtf8, 4},  // Latin-1
    {"{\"\xff\":1}", JsonError::kUtf8, 2},
    {"1 2", JsonError::kTrailing, 2},
    {"{}{}", JsonError::kTrailing, 2},
    {"{}\n{}", JsonError::kTrailing, 3},
    {"[]]", JsonError::kTrailing, 2},
    {"{}}", JsonError::kTrailing, 2},
    {"{},", JsonError::kTrailing, 2},
    {"\"a\"b", JsonError::kTrailing, 3},
    {"{}\0"sv, JsonError::kTrailing, 2},
    {"{}\xff", JsonError::kTrailing, 2},
    {"[[[[[[[[[]]]]]]]]]", JsonError::kDepth, 8},
    {"[[[[[[[[{", JsonError::kDepth, 8},
    {"{\"a\":1,\"a\":2}", JsonError::kDuplicateKey, 7},
    {"{\"id\":1,\"id\":1}", JsonError::kDuplicateKey, 8},
    {"{\"id\":1,\"\\u0069d\":2}", JsonError::kDuplicateKey, 8},  // compared decoded
    {"{\"\\u0069d\":1,\"i\\u0064\":2}", JsonError::kDuplicateKey, 13},
    {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", JsonError::kDuplicateKey, 18},
    {"{\"\\ud800\":1,\"\\uD800\":2}", JsonError::kDuplicateKey, 12},
    {"{\"\":1,\"\":2}", JsonError::kDuplicateKey, 6},
    {"{\"\\/\":1,\"/\":2}", JsonError::kDuplicateKey, 8},
    {"{\"params\":{\"a\":1,\"a\":2}}", JsonError::kDuplicateKey, 17},
    {"{\"params\":{\"b\":{},\"b\":2}}", JsonError::kDuplicateKey, 18},
    {"{\"params\":{\"_meta\":{\"a\":1,\"a\":2}}}", JsonError::kDuplicateKey, 26},
    {"{\"p\\u0061rams\":{\"a\":1,\"a\":2}}", JsonError::kDuplicateKey, 22},
    {"{\"a\":{\"x\":[1]},\"b\":{},\"a\":0}", JsonError::kDuplicateKey, 22},
};

/// Feeds `text` in pieces that end at `cuts`, each time as a copy of its own, then ends it.
Scan scan_in_pieces(JsonScanner& scanner, std::string_view text,
                    const std::vector<size_t>& cuts) {
    scanner.reset();
    for (const size_t cut : cuts) {
        const Exact so_far(text.substr(0, cut));
        if (scanner.feed(so_far.view()) == Scan::kBad) {
            return Scan::kBad;
        }
    }
    const Exact whole(text);
    return scanner.finish(whole.view());
}

void check_verdict(const JsonScanner& scanner, Scan scan, const Case& row) {
    CHECK(scan == (row.error == JsonError::kNone ? Scan::kDone : Scan::kBad));
    CHECK(scanner.error() == row.error);
    if (row.error != JsonError::kNone) {
        CHECK(scanner.error_offset() == row.at);
    }
    CHECK(scanner.message().empty() == (row.error == JsonError::kNone));
}

void check_at_every_split(const Case& row) {
    INFO(escape(row.text));
    JsonScanner scanner(kDepth);
    check_verdict(scanner, scan_in_pieces(scanner, row.text, {}), row);
    std::vector<size_t> every;
    for (size_t cut = 0; cut <= row.text.size(); ++cut) {
        check_verdict(scanner, scan_in_pieces(scanner, row.text, {cut}), row);
        every.push_back(cut);
    }
    check_verdict(scanner, scan_in_pieces(scanner, row.text, every), row);
}

template <size_t kRows>
void check_at_random_splits(const Case (&rows)[kRows], std::mt19937& random) {
    JsonScanner scanner(kDepth);
    for (const Case& row : rows) {
        INFO(escape(row.text));
        for (int round = 0; round < 8; ++round) {
            std::vector<size_t> cuts;
            for (size_t cut = 0; cut < row.text.size(); cut += 1 + random() % 5) {
                cuts.push_back(cut);
            }
            check_verdict(scanner, scan_in_pieces(scanner, row.text, cuts), row);
        }
    }
}

}  // namespace

TEST_CASE("the scanner accepts what RFC 8259 calls JSON, at every split") {
    for (const Case& row : kValid) {
        check_at_every_split(row);
    }
}

TEST_CASE("the scanner refuses everything else with the reason and the byte") {
    for (const Case& row : kInvalid) {
        check_at_every_split(row);
    }
}

TEST_CASE("random splits give the same verdicts") {
    const unsigned seed = std::random_device()();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    check_at_random_splits(kValid, random);
    check_at_random_splits(kInvalid, random);
}

TEST_CASE("every change of one byte is judged alike in one piece and in three") {
    constexpr std::string_view kText =
        "{\"id\":-1.5e3,\"a\":[\"\\u00e9\xc3\xa9\",true,{\"b\":null}]}";
    JsonScanner scanner(kDepth);
    for (size_t at = 0; at < kText.size(); ++at) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            std::string text(kText);
            text[at] = static_cast<char>(byte);
            const Scan whole = scan_in_pieces(scanner, text, {});
            const JsonError error = scanner.error();
            const size_t offset = scanner.error_offset();
            REQUIRE(scan_in_pieces(scanner, text, {at, at + 1}) == whole);
            REQUIRE(scanner.error() == error);
            REQUIRE(scanner.error_offset() == offset);
        }
    }
}

TEST_CASE("feed says done as soon as the value is complete") {
    JsonScanner scanner(kDepth);
    CHECK(scanner.feed("{\"a\":1") == Scan::kMore);
    CHECK(scanner.feed("{\"a\":1}") == Scan::kDone);
    CHECK(scanner.feed("{\"a\":1} \n") == Scan::kDone);
    CHECK(scanner.value() == Span{0, 7});
    CHECK(scanner.feed("{\"a\":1} \nx") == Scan::kBad);
    CHECK(scanner.feed("{\"a\":1} \nx") == Scan::kBad);
    CHECK(scanner.message() == "something behind the value at byte 9");
}

TEST_CASE("a number at the root is complete only at the end") {
    JsonScanner scanner(kDepth);
    CHECK(scanner.feed("12") == Scan::kMore);
    CHECK(scanner.finish("123") == Scan::kDone);
    CHECK(scanner.value() == Span{0, 3});
    CHECK(scanner.root() == JsonScanner::Root::kScalar);
}

TEST_CASE("nesting is limited exactly, at any depth") {
    for (const unsigned depth : {1U, 2U, 63U, 64U, 65U, 200U}) {
        JsonScanner scanner(depth);
        const std::string fits = std::string(depth, '[') + std::string(depth, ']');
        CHECK(scanner.finish(fits) == Scan::kDone);
        scanner.reset();
        CHECK(scanner.finish("[" + fits + "]") == Scan::kBad);
        CHECK(scanner.error() == JsonError::kDepth);
        CHECK(scanner.error_offset() == depth);
    }
}

TEST_CASE("mixed nesting closes in the order it was opened") {
    std::string text;
    std::string closing;
    for (int i = 0; i < 100; ++i) {
        const bool object = i % 3 == 0;
        text += object ? "{\"k\":" : "[";
        closing.insert(closing.begin(), object ? '}' : ']');
    }
    JsonScanner scanner(100);
    CHECK(scanner.finish(text + "1" + closing) == Scan::kDone);
    closing[50] = closing[50] == ']' ? '}' : ']';
    scanner.reset();
    CHECK(scanner.finish(text + "1" + closing) == Scan::kBad);
    CHECK(scanner.error() == JsonError::kUnexpectedByte);
}

TEST_CASE("a megabyte arrives in pieces of any size") {
    std::string text = "{\"params\":{\"arguments\":[";
    while (text.size() < 1000000) {
        text +=
            "\"plain text of some length, \\\"quoted\\\", \xe2\x82\xac "
            "\xf0\x9f\x98\x80\","
            "-12.5e3,{\"k\":[true,null]},";
    }
    text += "0]},\"id\":1}";
    JsonScanner scanner(kDepth);
    for (const size_t step : {size_t{1}, size_t{7}, size_t{4096}, text.size()}) {
        scanner.reset();
        for (size_t n = step; n < text.size(); n += step) {
            REQUIRE(scanner.feed(std::string_view(text).substr(0, n)) == Scan::kMore);
        }
        CHECK(scanner.finish(text) == Scan::kDone);
        CHECK(scanner.envelope().id.in(text) == "1");
    }
    text[text.size() / 2] = '\x01';
    scanner.reset();
    CHECK(scanner.finish(text) == Scan::kBad);
    CHECK(scanner.error_offset() == text.size() / 2);
}
