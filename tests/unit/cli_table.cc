#include "neurond/cli/table.h"

#include <doctest/doctest.h>

#include <string>

using namespace neuron;

namespace {

Table sample() {
    Table table({{"NAME"}, {"TOOLS", Table::Align::kRight}, {"LAST ERROR"}});
    table.add({"redis", "12", ""});
    table.add({"linux-tools", "3", "exited with status 1: cannot open the display"});
    return table;
}

}  // namespace

TEST_CASE("columns are aligned, and no line ends in blanks") {
    CHECK(sample().to_string(0) ==
          "NAME         TOOLS  LAST ERROR\n"
          "redis           12  -\n"
          "linux-tools      3  exited with status 1: cannot open the display\n");
}

TEST_CASE("on a terminal the last column is cut to its width") {
    CHECK(sample().to_string(40) ==
          "NAME         TOOLS  LAST ERROR\n"
          "redis           12  -\n"
          "linux-tools      3  exited with status …\n");
}

TEST_CASE("a terminal too narrow for everything still shows the title") {
    CHECK(sample().to_string(10) ==
          "NAME         TOOLS  LAST ERROR\n"
          "redis           12  -\n"
          "linux-tools      3  exited wi…\n");
}

TEST_CASE("characters count, not bytes") {
    Table table({{"NAME"}, {"TEXT"}});
    table.add({"grün", "äöüäöüäöü"});
    table.add({"blau", "x"});
    CHECK(table.to_string(0) == "NAME  TEXT\ngrün  äöüäöüäöü\nblau  x\n");
    CHECK(table.to_string(11) == "NAME  TEXT\ngrün  äöüä…\nblau  x\n");
}

TEST_CASE("a cell cannot steer the terminal or break the line") {
    Table table({{"NAME"}});
    table.add({"a\x1b[31m\nb"});
    CHECK(table.to_string(0).find('\x1b') == std::string::npos);
    CHECK(table.to_string(0).find("\nb") == std::string::npos);
}

TEST_CASE("durations are told in their two largest units") {
    const struct {
        uint64_t seconds;
        const char* words;
    } rows[] = {
        {0, "0s"},        {7, "7s"},         {60, "1m 0s"},
        {80, "1m 20s"},   {3600, "1h 0m"},   {7500, "2h 5m"},
        {86400, "1d 0h"}, {273599, "3d 3h"}, {UINT64_MAX, "213503982334601d 7h"},
    };
    for (const auto& row : rows) {
        CHECK(to_words(row.seconds) == row.words);
    }
}

TEST_CASE("text for a terminal keeps its layout and loses what steers") {
    CHECK(printable("a\tb\nC:\\d é\n") == "a\tb\nC:\\d é\n");
    CHECK(printable("\x1b[2J").find('\x1b') == std::string::npos);
    CHECK(printable("\xc2\x9b"
                    "31m")
              .find("\xc2\x9b") == std::string::npos);  // C1 CSI
    CHECK(printable("\xff").find('\xff') == std::string::npos);
}
