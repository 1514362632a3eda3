#include <doctest/doctest.h>

#include <string>

#include "neurond/base/limits.h"
#include "neurond/mcp/rate_limiter.h"

using namespace neuron;

namespace {

TimePoint at(int millis) {
    return TimePoint(std::chrono::hours(5)) + Millis(millis);
}

Identity named(const char* name) {
    return {name, "127.0.0.1:5000"};
}

/// How many of `asked` requests at one time are let through.
int let_through(RateLimiter& limiter, const RateSettings& settings, const Identity& who,
                TimePoint now, int asked = 100) {
    int passed = 0;
    for (int i = 0; i < asked; ++i) {
        passed += limiter.take(settings, who, now) == Millis{0} ? 1 : 0;
    }
    return passed;
}

}  // namespace

TEST_CASE("a burst passes, and then as many as the rate says") {
    RateLimiter limiter;
    const RateSettings settings{{10, 30}};
    const Identity who = named("uid:7");
    CHECK(let_through(limiter, settings, who, at(0)) == 30);
    CHECK(let_through(limiter, settings, who, at(99)) == 0);
    CHECK(let_through(limiter, settings, who, at(100)) == 1);
    CHECK(let_through(limiter, settings, who, at(1100)) == 10);
    CHECK(let_through(limiter, settings, who, at(3600 * 1000)) == 30);
}

TEST_CASE("it says how long to wait, and waiting so long is enough") {
    RateLimiter limiter;
    const RateSettings settings{{3, 1}};
    const Identity who = named("uid:7");
    REQUIRE(limiter.take(settings, who, at(0)) == Millis{0});
    const Millis wait = limiter.take(settings, who, at(0));
    CHECK(wait == Millis{334});
    CHECK(limiter.take(settings, who, at(0) + wait) == Millis{0});
}

TEST_CASE("without a burst, a second's worth may come at once") {
    RateLimiter limiter;
    CHECK(let_through(limiter, {{7, 0}}, named("uid:7"), at(0)) == 7);
}

TEST_CASE("what comes together is let through together, and what lacks is owed") {
    RateLimiter limiter;
    const RateSettings settings{{10, 10}};
    const Identity who = named("uid:7");
    CHECK(limiter.take(settings, who, at(0), 30) == Millis{0});
    CHECK(limiter.take(settings, who, at(1000)) == Millis{1100});
    CHECK(limiter.take(settings, who, at(2100)) == Millis{0});
}

TEST_CASE("without a rate nothing is counted") {
    RateLimiter limiter;
    CHECK(let_through(limiter, {{0, 5}}, named("uid:7"), at(0), 1000) == 1000);
    CHECK(limiter.buckets() == 0);
}

TEST_CASE("a client has a rate of its own, or none at all") {
    RateLimiter limiter;
    const RateSettings settings{{5, 5}, {{"ci", {20, 20}}, {"free", {0, 0}}}};
    CHECK(let_through(limiter, settings, named("ci"), at(0)) == 20);
    CHECK(let_through(limiter, settings, named("free"), at(0)) == 100);
    CHECK(let_through(limiter, settings, named("cert:ci"), at(0)) == 5);
}

TEST_CASE("one client's requests do not count for another") {
    RateLimiter limiter;
    const RateSettings settings{{5, 5}};
    CHECK(let_through(limiter, settings, named("uid:1"), at(0)) == 5);
    CHECK(let_through(limiter, settings, named("uid:2"), at(0)) == 5);
    // Nobody's name: the address tells, its port does not.
    CHECK(let_through(limiter, settings, {"anonymous", "127.0.0.1:1"}, at(0)) == 5);
    CHECK(let_through(limiter, settings, {"anonymous", "127.0.0.1:2"}, at(0)) == 0);
    CHECK(let_through(limiter, settings, {"unauthenticated", "[::1]:1"}, at(0)) == 5);
    CHECK(let_through(limiter, settings, {"unauthenticated", "[::2]:1"}, at(0)) == 5);
    // A [client ID] may look like an address.
    CHECK(let_through(limiter, settings, named("127.0.0.1"), at(0)) == 5);
}

TEST_CASE("those who had to wait are counted by what cannot be made up") {
    RateLimiter limiter;
    const RateSettings settings{{1, 1}, {{"ci", {1, 1}}}};
    for (const char* name : {"ci", "uid:1", "uid:2", "cert:a", "cert:b"}) {
        let_through(limiter, settings, named(name), at(0), 3);
    }
    CHECK(limiter.limited() ==
          std::map<std::string, uint64_t>{{"ci", 2}, {"uid", 4}, {"cert", 4}});
}

TEST_CASE("of too many clients the one silent longest is forgotten") {
    RateLimiter limiter;
    const RateSettings settings{{1, 1}};
    for (size_t i = 0; i < kMaxRateBuckets; ++i) {
        limiter.take(settings, named(("uid:" + std::to_string(i)).c_str()), at(0));
    }
    CHECK(limiter.take(settings, named("uid:0"), at(0)) != Millis{0});  // heard again
    CHECK(limiter.take(settings, named("new"), at(0)) == Millis{0});
    CHECK(limiter.buckets() == kMaxRateBuckets);
    CHECK(limiter.take(settings, named("uid:0"), at(0)) != Millis{0});
    CHECK(limiter.take(settings, named("uid:1"), at(0)) == Millis{0});
}
