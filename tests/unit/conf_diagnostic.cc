#include "neurond/conf/diagnostic.h"

#include <doctest/doctest.h>

#include <string>

#include "neurond/base/limits.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

std::string diagnose(const std::string& text, size_t offset, bool secret = false) {
    Sources sources;
    Diagnostics diagnostics;
    diagnostics.error({&sources.add_file("t", text, false), offset, secret}, "a.b",
                      "no");
    return diagnostics.to_string();
}

}  // namespace

TEST_CASE("a diagnostic shows place, key, reason, the line and a caret") {
    CHECK(diagnose("x\n  port = 9 # c\ny", 11) ==
          "t:2:10: error: a.b: no\n      port = 9 # c\n             ^\n");
}

TEST_CASE("the caret stands right behind tabs and wide characters") {
    CHECK(diagnose("\tx = \xC3\xBC y", 8) ==
          "t:1:9: error: a.b: no\n    \tx = \xC3\xBC y\n    \t      ^\n");
}

TEST_CASE("at the end of the text the caret points just past it") {
    CHECK(diagnose("ab", 2) == "t:1:3: error: a.b: no\n    ab\n      ^\n");
    CHECK(diagnose("ab", 99) == "t:1:3: error: a.b: no\n    ab\n      ^\n");
    CHECK(diagnose("ab\r\n", 0) == "t:1:1: error: a.b: no\n    ab\n    ^\n");
}

TEST_CASE("control bytes and invalid UTF-8 are masked, secrets are not quoted at all") {
    CHECK(diagnose("a\x1b[1m\xff", 0) == "t:1:1: error: a.b: no\n    a?[1m?\n    ^\n");
    CHECK(diagnose("token = abc", 8, true) == "t:1:9: error: a.b: no\n");
}

TEST_CASE("of a long line only the surroundings are shown") {
    const std::string shown = diagnose(std::string(100000, 'x') + "!", 100000);
    CHECK(shown.size() < 400);
    CHECK(shown.find("x!\n") != std::string::npos);
    CHECK(diagnose("!" + std::string(100000, 'x'), 0).size() < 400);
}

TEST_CASE("diagnostics are in the order of their places, each once") {
    Sources sources;
    const Source& first = sources.add_file("a", "xyz", false);
    const Source& second = sources.add_override("s.k=v");
    Diagnostics diagnostics;
    diagnostics.error({&second, 0}, "", "four");
    diagnostics.error({&first, 2}, "", "two");
    diagnostics.warning({&first, 2}, "", "three");
    diagnostics.error({&first, 0}, "", "one");
    diagnostics.error({&first, 2}, "", "two");
    REQUIRE(diagnostics.all().size() == 4);
    CHECK(diagnostics.all()[0].message == "one");
    CHECK(diagnostics.all()[1].message == "two");
    CHECK(diagnostics.all()[2].message == "three");
    CHECK(diagnostics.all()[3].where == "-D s.k");
    CHECK(diagnostics.error_count() == 3);
}

TEST_CASE("warnings alone are no errors, and nowhere is a place") {
    Diagnostics diagnostics;
    diagnostics.warning(Place{}, "[policy]", "hm");
    CHECK_FALSE(diagnostics.has_errors());
    CHECK(diagnostics.to_string() == "warning: [policy]: hm\n");
}

TEST_CASE("beyond the limit diagnostics are counted") {
    Sources sources;
    const Source& source = sources.add_file("t", std::string(200, '\n'), false);
    Diagnostics diagnostics;
    for (size_t i = 0; i < kMaxDiagnostics + 7; ++i) {
        diagnostics.error({&source, i}, "", "no");
    }
    CHECK(diagnostics.all().size() == kMaxDiagnostics);
    CHECK(diagnostics.error_count() == kMaxDiagnostics + 7);
    const std::string text = diagnostics.to_string();
    CHECK(text.substr(text.size() - 11) == "and 7 more\n");
}
