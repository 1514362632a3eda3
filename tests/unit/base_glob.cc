#include <doctest/doctest.h>

#include <string>

#include "exact.h"
#include "neurond/base/glob.h"

using namespace neuron;

namespace {

struct Row {
    std::string_view pattern;
    std::string_view text;
    bool matches;
};

template <size_t N>
void check(const Row (&rows)[N]) {
    for (const Row& row : rows) {
        CAPTURE(row.pattern);
        CAPTURE(row.text);
        const Exact pattern(row.pattern);
        const Exact text(row.text);
        CHECK(glob_matches(pattern.view(), text.view()) == row.matches);
    }
}

}  // namespace

TEST_CASE("a star is any run of characters, dots and slashes included") {
    const Row rows[] = {
        {"linux.*.info", "linux.system.info", true},
        {"linux.*.info", "linux.a.b/c.info", true},
        {"linux.*.info", "linux.info", false},  // two dots were asked for
        {"linux.*", "linux.", true},            // also none
        {"linux.*", "linux", false},
        {"*", "", true},
        {"*", "any/thing.at.all", true},
        {"**", "a/b", true},  // two runs are a run
        {"a**", "abc", true},
        {"*.info", "linux.info.more", false},  // all of the text
        {"*b*", "abc", true},
        {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "a-c-b", false},
        {"*ab", "aab", true},  // needs a second try
        {"*aab*", "aaaab", true},
        {"host.*", "HOST.tool", false},  // case counts
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
    };
    check(rows);
}

TEST_CASE("a question mark is exactly one character") {
    const Row rows[] = {
        {"redis.?et", "redis.get", true},
        {"redis.?et", "redis.set", true},
        {"redis.?et", "redis.keys", false},
        {"redis.?et", "redis.et", false},
        {"?", "", false},
        {"?", "\xe2\x82\xac", true},  // three bytes, one character
        {"??", "\xe2\x82\xac", false},
        {"?", "\xff", true},  // a byte that is not UTF-8
        {"a?c", "a.c", true},
        {"*?", "", false},
        {"?*", "x", true},
    };
    check(rows);
}

TEST_CASE("brackets are sets, ranges and their opposite") {
    const Row rows[] = {
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[abc]", "", false},
        {"[a-z]", "m", true},
        {"[a-z]", "M", false},
        {"[a-z]", "-", false},
        {"[!x]", "y", true},
        {"[!x]", "x", false},
        {"[!x]", "", false},  // one character all the same
        {"[!a-z0-9]", "5", false},
        {"[!a-z0-9]", "_", true},
        {"[]]", "]", true},  // first is itself
        {"[!]]", "]", false},
        {"[!]]", "a", true},
        {"[-a]", "-", true},
        {"[a-]", "-", true},
        {"[a-]", "b", false},
        {"[*]", "*", true},  // the way to write the sign
        {"[*]", "a", false},
        {"[?]", "?", true},
        {"[[]", "[", true},
        {"[a!]", "!", true},                        // not first: itself
        {"[\xc3\xa4-\xc3\xbc]", "\xc3\xb6", true},  // ä to ü holds ö
        {"[\xc3\xa4]", "\xc3\xb6", false},          // characters, not bytes
        {"[!a]", "\xff", true},
        {"x[0-9]*[0-9]", "x1-2", true},
        {"*[ab]c", "aacbc", true},
        {"]", "]", true},  // alone it is nothing special
        {"a-b", "a-b", true},
    };
    check(rows);
}

TEST_CASE("an invalid pattern matches nothing, not even itself") {
    for (const std::string_view pattern :
         {"[", "[a", "[]", "[!", "[!]", "a[", "[z-a]", "[a-", "*[", "[a]["}) {
        CAPTURE(pattern);
        const Exact copy(pattern);
        CHECK_FALSE(glob_is_valid(copy.view()));
        CHECK_FALSE(glob_matches(copy.view(), pattern));
        CHECK_FALSE(glob_matches(copy.view(), "a"));
        CHECK_FALSE(glob_matches(copy.view(), ""));
    }
}

TEST_CASE("valid patterns are called valid") {
    for (const std::string_view pattern :
         {"", "*", "**", "?", "[a]", "[]]", "[!]]", "[a-]", "[a-a]", "]", "linux.*"}) {
        CAPTURE(pattern);
        CHECK(glob_is_valid(Exact(pattern).view()));
    }
}

TEST_CASE("patterns that make others backtrack for ever are decided at once") {
    const std::string text(100000, 'a');
    CHECK_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
    CHECK_FALSE(glob_matches("*?*?*?*?*?*?*?*[b]", text));
    CHECK(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a", text));
    CHECK_FALSE(glob_matches("*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab*", text));
}
