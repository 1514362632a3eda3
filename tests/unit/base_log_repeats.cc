#include <doctest/doctest.h>

#include <string>

#include "neurond/base/limits.h"
#include "neurond/base/log_repeats.h"

using namespace neuron;

namespace {

const TimePoint kStart{std::chrono::hours(3)};
constexpr Millis kWindow{kSameLineMillis};

size_t admitted(LogRepeats& repeats, const std::string& line, size_t times, TimePoint now) {
    size_t count = 0;
    for (size_t i = 0; i < times; ++i) {
        count += repeats.admit(line, now) ? 1U : 0U;
    }
    return count;
}

}  // namespace

TEST_CASE("of one line only the first few are written; what is withheld is told once") {
    LogRepeats repeats;
    CHECK(admitted(repeats, "a", 1000, kStart) == kMaxSameLines);
    CHECK(admitted(repeats, "b", 3, kStart) == 3);
    CHECK_FALSE(repeats.report(kStart + kWindow - Millis(1)));
    const auto withheld = repeats.report(kStart + kWindow);
    REQUIRE(withheld);
    CHECK(withheld->line == "a");
    CHECK(withheld->count == 1000 - kMaxSameLines);
    CHECK_FALSE(repeats.report(kStart + kWindow));
}

TEST_CASE("when its time is over a line is new again") {
    LogRepeats repeats;
    CHECK(admitted(repeats, "a", kMaxSameLines, kStart) == kMaxSameLines);
    CHECK(admitted(repeats, "a", 50, kStart + kWindow) == kMaxSameLines);
    CHECK(repeats.report(kStart + 2 * kWindow)->count == 50 - kMaxSameLines);
}

TEST_CASE("at the end everything is told") {
    LogRepeats repeats;
    admitted(repeats, "a", kMaxSameLines + 2, kStart);
    admitted(repeats, "b", kMaxSameLines + 3, kStart);
    CHECK(repeats.report(kStart, true)->count == 2);
    CHECK(repeats.report(kStart, true)->count == 3);
    CHECK_FALSE(repeats.report(kStart, true));
}

TEST_CASE("more different lines than it remembers are all written") {
    LogRepeats repeats;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 100; ++i) {
            CHECK(repeats.admit("line " + std::to_string(i), kStart));
        }
    }
    CHECK_FALSE(repeats.report(kStart, true));
}

TEST_CASE("what has something to tell is not forgotten for new lines") {
    LogRepeats repeats;
    admitted(repeats, "noisy", kMaxSameLines + 1, kStart);
    for (int i = 0; i < 100; ++i) {
        repeats.admit("line " + std::to_string(i), kStart);
    }
    CHECK_FALSE(repeats.admit("noisy", kStart));
    CHECK(repeats.report(kStart, true)->count == 2);
}
