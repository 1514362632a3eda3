// The two clocks, behind functions of our own so that "now" is read in few places and
// handed on as a value. Calendar arithmetic is in UTC, without libc's time zone.

#include "neurond/base/clock.h"

#include <cstdio>

namespace neuron {

namespace {

struct Date {
    int64_t year;
    unsigned month;
    unsigned day;
};

/// Days since 1970-01-01 to a date of the Gregorian calendar. Years are counted from
/// March on, so that the leap day is the last of its year, in eras of 400 years.
Date to_date(int64_t days) noexcept {
    constexpr int64_t kDaysPerEra = 146097;
    days += 719468;  // from 0000-03-01 to 1970-01-01
    const int64_t era = (days >= 0 ? days : days - (kDaysPerEra - 1)) / kDaysPerEra;
    const int64_t day_of_era = days - era * kDaysPerEra;
    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                                 day_of_era / (kDaysPerEra - 1)) /
                                365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t from_march = (5 * day_of_year + 2) / 153;
    const int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    return {era * 400 + year_of_era + (month <= 2 ? 1 : 0),
            static_cast<unsigned>(month),
            static_cast<unsigned>(day_of_year - (153 * from_march + 2) / 5 + 1)};
}

}  // namespace

TimePoint monotonic_now() noexcept {
    return std::chrono::steady_clock::now();
}

WallTime wall_now() noexcept {
    return std::chrono::system_clock::now();
}

std::string to_rfc3339(WallTime when) {
    constexpr int64_t kMillisPerDay = 86400000;
    const int64_t millis = std::chrono::floor<Millis>(when.time_since_epoch()).count();
    const int64_t days =
        std::chrono::floor<std::chrono::duration<int64_t, std::ratio<86400>>>(
            when.time_since_epoch())
            .count();
    const Date date = to_date(days);
    const auto of_day = static_cast<unsigned>(millis - days * kMillisPerDay);
    const unsigned seconds = of_day / 1000;
    char text[64];
    const int n =
        std::snprintf(text, sizeof text, "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ",
                      static_cast<long long>(date.year), date.month, date.day,
                      seconds / 3600, seconds / 60 % 60, seconds % 60, of_day % 1000);
    return std::string(text, static_cast<size_t>(n));
}

}  // namespace neuron
