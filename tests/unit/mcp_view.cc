#include "neurond/mcp/view.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "exact.h"

using namespace neuron;

namespace {

bool is_strict(const std::string& name) {
    return !name.empty() && name.size() <= 64 &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return c < 0x80 && (std::isalnum(c) != 0 || c == '_' || c == '-');
           });
}

}  // namespace

TEST_CASE("a strict name has 64 characters of the allowed ones at most") {
    struct Row {
        std::string name;
        std::string strict;
    };
    const Row rows[] = {
        {"echo", "echo"},                                    // as it is
        {"A-z_09", "A-z_09"},                                // every kind of character
        {"linux.system.info", "linux_system_info"},          // what model APIs refuse
        {"a/b c:d", "a_b_c_d"},
        {"h\xc3\xa9", "h__"},                                // byte for byte
        {std::string("a\0b", 3), "a_b"},
        {std::string(64, 'n'), std::string(64, 'n')},        // as long as may be
        {std::string(65, 'n'), std::string(55, 'n') + "_1e3fb6d5"},
        {std::string(200, '.'), std::string(55, '_') + "_20a50e93"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const std::string got = strict_name(Exact(row.name).view(), false);
        CHECK(is_strict(got));
        CHECK(got == row.strict);
    }
}

TEST_CASE("names that differ stay apart when a hash is asked for, or they are long") {
    const std::vector<std::string> names = {
        "a.b", "a_b", "a/b", "", std::string(65, 'n'), std::string(66, 'n'),
        std::string(65, '.'), std::string(64, 'n') + "."};
    std::vector<std::string> strict;
    for (const std::string& name : names) {
        strict.push_back(strict_name(name, true));
        CHECK(is_strict(strict.back()));
        CHECK(strict_name(name, true) == strict.back());  // always the same
    }
    std::sort(strict.begin(), strict.end());
    CHECK(std::adjacent_find(strict.begin(), strict.end()) == strict.end());
    CHECK(strict_name("a.b", true).substr(0, 4) == "a_b_");
}

TEST_CASE("an empty name still gets a strict one") {
    CHECK(is_strict(strict_name("", false)));
    CHECK(strict_name("", false) == strict_name("", true));
}

TEST_CASE("views are ordered by both of their parts") {
    View views[4];
    views[1].space = "a";
    views[2].strict = true;
    views[3] = {"a", true};
    for (int i = 0; i < 4; ++i) {
        for (int k = 0; k < 4; ++k) {
            CHECK((views[i] == views[k]) == (i == k));
            CHECK((views[i] < views[k] || views[k] < views[i]) == (i != k));
        }
    }
}
