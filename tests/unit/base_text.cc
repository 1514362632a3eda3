#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "exact.h"
#include "neurond/base/text.h"

using namespace neuron;
using Views = std::vector<std::string_view>;

TEST_CASE("case is ignored for ASCII letters only") {
    CHECK(equals_ignoring_case("Content-LENGTH", "content-length"));
    CHECK_FALSE(equals_ignoring_case("a", "ab"));
    CHECK_FALSE(equals_ignoring_case("[", "{"));  // 0x20 apart, no letters
    CHECK_FALSE(equals_ignoring_case("\xc3\x84", "\xc3\xa4"));  // Ä and ä
    CHECK(equals_ignoring_case("", ""));
    CHECK(to_lower("MiXed-09\xc3\x84") == "mixed-09\xc3\x84");
}

TEST_CASE("trim takes blanks from both ends") {
    CHECK(trim(" \ta b\t ") == "a b");
    CHECK(trim("ab") == "ab");
    CHECK(trim(" \t ").empty());
    CHECK(trim("").empty());
    CHECK(trim("--a-", "-") == "a");
    CHECK(trim("\ra\n") == "\ra\n");  // line ends are no blanks
}

TEST_CASE("split keeps empty parts") {
    CHECK(split("a,b", ',') == Views{"a", "b"});
    CHECK(split(",a,,b,", ',') == Views{"", "a", "", "b", ""});
    CHECK(split("", ',') == Views{""});
    CHECK(split("abc", ',') == Views{"abc"});
}

TEST_CASE("prefixes and suffixes may be the whole, but not more") {
    CHECK(starts_with("abc", "ab"));
    CHECK(starts_with("abc", "abc"));
    CHECK(starts_with("abc", ""));
    CHECK_FALSE(starts_with("ab", "abc"));
    CHECK(ends_with("abc", "bc"));
    CHECK(ends_with("abc", ""));
    CHECK_FALSE(ends_with("bc", "abc"));
}

TEST_CASE("numbers are decimal digits that fit") {
    struct Row {
        const char* text;
        std::optional<uint64_t> value;
    };
    const Row rows[] = {
        {"0", 0},
        {"00012", 12},                                    // leading zeros are digits
        {"18446744073709551615", 18446744073709551615U},  // the largest
        {"18446744073709551616", std::nullopt},           // one more
        {"99999999999999999999", std::nullopt},           // wraps around twice
        {"184467440737095516150", std::nullopt},          // a digit more
        {"", std::nullopt},
        {"-1", std::nullopt},
        {"+1", std::nullopt},
        {" 1", std::nullopt},
        {"1 ", std::nullopt},
        {"0x10", std::nullopt},
        {"1e3", std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_u64(Exact(row.text).view()) == row.value);
    }
}

TEST_CASE("escape makes one harmless line of any bytes") {
    struct Row {
        std::string_view bytes;
        const char* text;
    };
    const Row rows[] = {
        {"plain text 1.0", "plain text 1.0"},
        {"a\nb\r\tc", "a\\nb\\r\\tc"},  // by name
        {std::string_view("\0\x1b\x7f", 3), "\\x00\\x1b\\x7f"},
        {"back\\slash", "back\\x5cslash"},             // so that \n means a newline
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},  // valid UTF-8 stays
        {"\xff\xc3", "\\xff\\xc3"},                    // what is none, does not
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b"
         "31m"},                              // CSI as one C1 character
        {"\xc2\xa0", "\xc2\xa0"},             // no control character any more
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // a surrogate
        {"", ""},
    };
    for (const Row& row : rows) {
        CHECK(escape(Exact(row.bytes).view()) == row.text);
    }
}

TEST_CASE("escape cuts long input between characters") {
    CHECK(escape("abcdef", 6) == "abcdef");
    CHECK(escape("abcdef", 5) == "abcde...");
    CHECK(escape("ab\xc3\xbc", 3) == "ab...");
    CHECK(escape("abc", 0) == "...");
    CHECK(escape("", 0).empty());
    CHECK(escape(std::string(600, 'x')).size() == 515);
}

TEST_CASE("UTF-8 is what RFC 3629 says") {
    struct Row {
        std::string_view bytes;
        bool valid;
    };
    const Row rows[] = {
        {"", true},
        {"ascii\x7f", true},
        {std::string_view("\0", 1), true},
        {"\xc2\x80\xdf\xbf", true},                  // two bytes: first and last
        {"\xe0\xa0\x80\xef\xbf\xbf", true},          // three
        {"\xed\x9f\xbf\xee\x80\x80", true},          // around the surrogates
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},  // four
        {"\x80", false},                             // begins in the middle
        {"\xc0\x80", false},                         // overlong NUL
        {"\xc1\xbf", false},                         // overlong
        {"\xe0\x9f\xbf", false},                     // overlong
        {"\xf0\x8f\xbf\xbf", false},                 // overlong
        {"\xed\xa0\x80", false},                     // surrogate
        {"\xed\xbf\xbf", false},                     // surrogate
        {"\xf4\x90\x80\x80", false},                 // above U+10FFFF
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xc3", false},  // cut short
        {"\xe2\x82", false},
        {"\xf0\x9f\x98", false},
        {"\xe2\x82"
         "a",
         false},  // another one begins too early
        {"\xc3\xc3\xbc", false},
    };
    for (const Row& row : rows) {
        CAPTURE(escape(row.bytes));
        CHECK(is_utf8(Exact(row.bytes).view()) == row.valid);
    }
}

TEST_CASE("a cut of valid UTF-8 is valid only between characters") {
    const std::string_view text = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z";
    for (size_t n = 0; n <= text.size(); ++n) {
        const bool between = n <= 1 || n == 3 || n == 6 || n >= 10;
        CHECK(is_utf8(Exact(text.substr(0, n)).view()) == between);
    }
}

TEST_CASE("the length of a code point is that of the first one") {
    CHECK(utf8_length("") == 0);
    CHECK(utf8_length("ab") == 1);
    CHECK(utf8_length("\xe2\x82\xac"
                      "a") == 3);
    CHECK(utf8_length("\xf0\x9f\x98\x80") == 4);
    CHECK(utf8_length("\xbf") == 0);
}

TEST_CASE("nearest finds what was meant, and nothing when nothing is near") {
    const Views keys = {"port", "bind", "socket", "socket_mode", "drain_timeout"};
    CHECK(nearest("prot", keys) == "port");  // two letters swapped
    CHECK(nearest("Port", keys) == "port");  // case does not matter
    CHECK(nearest("bnd", keys) == "bind");   // one missing
    CHECK(nearest("socket_mod", keys) == "socket_mode");
    CHECK(nearest("draintimeout", keys) == "drain_timeout");
    CHECK(nearest("xyz", keys).empty());
    CHECK(nearest("p", keys).empty());
    CHECK(nearest("", keys).empty());
    CHECK(nearest("port", {}).empty());
    CHECK(nearest(std::string(1000000, 'p'), keys).empty());  // and at once
    CHECK(nearest("ba", {"bx", "bb"}) == "bx");  // of two as near, the first
}

TEST_CASE("UTF-8 in pieces is judged as the whole") {
    const std::string rows[] = {
        "plain",         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82",
        "a\xf0\x9f\x98", "\xc3(",          "\xed\xa0\x80",      "\xe2\x82" "a",
        "\xf4\x90\x80\x80", "\xff",        "x\x80",             "",
    };
    for (const std::string& row : rows) {
        for (size_t cut = 0; cut <= row.size(); ++cut) {
            for (size_t step = 1; step <= 3; ++step) {
                Utf8Stream stream;
                bool good = stream.feed(std::string_view(row).substr(0, cut));
                for (size_t at = cut; good && at < row.size(); at += step) {
                    good = stream.feed(std::string_view(row).substr(at, step));
                }
                CHECK((good && stream.complete()) == is_utf8(row));
            }
        }
    }
}
