#include <doctest/doctest.h>

#include <ctime>
#include <string>

#include "neurond/base/clock.h"

using namespace neuron;

namespace {

std::string at(int64_t millis) {
    return to_rfc3339(WallTime(Millis(millis)));
}

}  // namespace

TEST_CASE("calendar time is written in UTC with milliseconds") {
    struct Row {
        int64_t millis;
        const char* text;
    };
    const Row rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},              // the epoch
        {-1, "1969-12-31T23:59:59.999Z"},             // before it, rounded down
        {1795222923456, "2026-11-21T01:02:03.456Z"},  // the one of the manual
        {951782399999, "2000-02-28T23:59:59.999Z"},   // a leap year of a 400th year
        {951782400000, "2000-02-29T00:00:00.000Z"},   // its leap day
        {951868800000, "2000-03-01T00:00:00.000Z"},   // and the day after
        {4107542399000, "2100-02-28T23:59:59.000Z"},  // no leap year
        {4107542400000, "2100-03-01T00:00:00.000Z"},  // so March follows
        {1735689599007, "2024-12-31T23:59:59.007Z"},  // the end of a year
        {9223372036854, "2262-04-11T23:47:16.854Z"}   // the last that fits
    };
    for (const Row& row : rows) {
        CHECK(at(row.millis) == row.text);
    }
}

TEST_CASE("less than a millisecond is cut, not rounded up") {
    CHECK(to_rfc3339(WallTime(Micros(1999))) == "1970-01-01T00:00:00.001Z");
    CHECK(to_rfc3339(WallTime(Micros(-1))) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("dates agree with libc's through four centuries") {
    for (int64_t day = -60000; day < 90000; day += 7) {
        const auto seconds = static_cast<time_t>(day * 86400 + 43200);
        std::tm broken = {};
        REQUIRE(::gmtime_r(&seconds, &broken) != nullptr);
        char expected[64];
        std::strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", &broken);
        REQUIRE(at(static_cast<int64_t>(seconds) * 1000) == expected);
    }
}

TEST_CASE("the monotonic clock does not go back") {
    const TimePoint first = monotonic_now();
    CHECK(monotonic_now() >= first);
    CHECK(wall_now() > WallTime(std::chrono::hours(24 * 365 * 50)));
}
