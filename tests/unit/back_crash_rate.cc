#include <doctest/doctest.h>

#include "neurond/back/crash_rate.h"
#include "neurond/back/history.h"

using namespace neuron;

namespace {

TimePoint at(int seconds) {
    return TimePoint(std::chrono::hours(5)) + std::chrono::seconds(seconds);
}

}  // namespace

TEST_CASE("the alarm is raised by the crash that reaches the rate, and once") {
    CrashRate rate(3);
    CHECK_FALSE(rate.on_crash(at(0)));
    CHECK_FALSE(rate.on_crash(at(20)));
    CHECK_FALSE(rate.alarming(at(20)));
    CHECK(rate.on_crash(at(40)));
    CHECK(rate.alarming(at(60)));
    CHECK_FALSE(rate.on_crash(at(50)));
    CHECK(rate.alarming(at(80)));
    CHECK_FALSE(rate.alarming(at(81)));
    CHECK_FALSE(rate.on_crash(at(109)));
    CHECK(rate.on_crash(at(110)));
}

TEST_CASE("a rate of none never alarms") {
    CrashRate rate(0);
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(rate.on_crash(at(0)));
    }
    CHECK_FALSE(rate.alarming(at(0)));
}

TEST_CASE("history keeps the last ends and the number of all") {
    History history;
    for (size_t i = 0; i < kHistoryEntries + 5; ++i) {
        history.add({{}, Millis(i), "", "", ""});
    }
    CHECK(history.entries().size() == kHistoryEntries);
    CHECK(history.entries().front().uptime == Millis(5));
    CHECK(history.entries().back().uptime == Millis(kHistoryEntries + 4));
    CHECK(history.total() == kHistoryEntries + 5);
}
