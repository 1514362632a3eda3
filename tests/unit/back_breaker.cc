#include <doctest/doctest.h>

#include "neurond/back/breaker.h"

using namespace neuron;
using Admission = Breaker::Admission;
using Loss = Breaker::Loss;
using State = Breaker::State;

namespace {

const TimePoint kStart{std::chrono::hours(5)};
constexpr BreakerSettings kSettings{3, Millis(1000), Millis(5000)};

TimePoint at(int ms) {
    return kStart + Millis(ms);
}

Breaker opened_at(int ms) {
    Breaker breaker(kSettings);
    breaker.on_crash(at(ms));
    breaker.on_crash(at(ms));
    REQUIRE(breaker.on_crash(at(ms)));
    return breaker;
}

}  // namespace

TEST_CASE("crashes within the window open the circuit") {
    Breaker breaker(kSettings);
    CHECK_FALSE(breaker.on_crash(at(0)));
    CHECK_FALSE(breaker.on_crash(at(500)));
    CHECK(breaker.admit(at(600)) == Admission::kYes);
    CHECK(breaker.on_crash(at(1000)));
    CHECK(breaker.state() == State::kOpen);
    CHECK(breaker.retry_after(at(1000)) == Millis(5000));
    CHECK(breaker.admit(at(1001)) == Admission::kNo);
}

TEST_CASE("crashes that are spread out do not") {
    Breaker breaker(kSettings);
    for (int i = 0; i < 50; ++i) {
        CHECK_FALSE(breaker.on_crash(at(i * 501)));
    }
    CHECK(breaker.state() == State::kClosed);
}

TEST_CASE("failed calls and crashes count together") {
    Breaker breaker(kSettings);
    CHECK_FALSE(breaker.on_call_failed(Loss::kTimeout, at(0), at(100)));
    CHECK_FALSE(breaker.on_crash(at(200)));
    CHECK(breaker.on_call_failed(Loss::kTimeout, at(0), at(300)));
}

TEST_CASE("an answered call wipes out failed calls, not crashes") {
    Breaker breaker(kSettings);
    breaker.on_call_failed(Loss::kTimeout, at(0), at(1));
    breaker.on_crash(at(2));
    breaker.on_answered();
    CHECK_FALSE(breaker.on_call_failed(Loss::kTimeout, at(0), at(3)));
    CHECK(breaker.on_crash(at(4)));
}

TEST_CASE("calls lost together count as one, timeouts each") {
    Breaker together(kSettings);
    for (int i = 0; i < 50; ++i) {
        CHECK_FALSE(together.on_call_failed(Loss::kConnection, at(i), at(100)));
    }
    CHECK_FALSE(together.on_call_failed(Loss::kConnection, at(101), at(102)));
    CHECK(together.on_call_failed(Loss::kConnection, at(103), at(104)));

    Breaker timeouts(kSettings);
    timeouts.on_call_failed(Loss::kTimeout, at(0), at(100));
    timeouts.on_call_failed(Loss::kTimeout, at(0), at(100));
    CHECK(timeouts.on_call_failed(Loss::kTimeout, at(0), at(100)));
}

TEST_CASE("after the cool-down there is exactly one probe") {
    Breaker breaker = opened_at(0);
    CHECK(breaker.admit(at(4999)) == Admission::kNo);
    CHECK(breaker.retry_after(at(4999)) == Millis(1));
    CHECK(breaker.admit(at(5000)) == Admission::kProbe);
    CHECK(breaker.state() == State::kHalfOpen);
    for (int i = 0; i < 10; ++i) {
        CHECK(breaker.admit(at(5000 + i * 10000)) == Admission::kNo);
    }

    SUBCASE("its answer closes the circuit, and the count begins anew") {
        breaker.on_probe_answered();
        CHECK(breaker.state() == State::kClosed);
        CHECK(breaker.admit(at(5001)) == Admission::kYes);
        CHECK_FALSE(breaker.on_crash(at(5001)));
        CHECK_FALSE(breaker.on_crash(at(5001)));
    }
    SUBCASE("its failure opens it for another cool-down") {
        CHECK(breaker.on_call_failed(Loss::kConnection, at(5000), at(6000)));
        CHECK(breaker.state() == State::kOpen);
        CHECK(breaker.admit(at(10999)) == Admission::kNo);
        CHECK(breaker.admit(at(11000)) == Admission::kProbe);
    }
    SUBCASE("a crash too") {
        CHECK(breaker.on_crash(at(6000)));
        CHECK(breaker.retry_after(at(6000)) == Millis(5000));
    }
    SUBCASE("a probe nobody waits for makes room for another one") {
        breaker.on_probe_dropped(at(6000));
        CHECK(breaker.admit(at(6000)) == Admission::kProbe);
        CHECK(breaker.admit(at(6000)) == Admission::kNo);
    }
}

TEST_CASE("what fails while it is open does not prolong it") {
    Breaker breaker = opened_at(0);
    CHECK(breaker.on_call_failed(Loss::kTimeout, at(0), at(4000)));
    CHECK(breaker.on_crash(at(4500)));
    CHECK(breaker.admit(at(5000)) == Admission::kProbe);
}

TEST_CASE("a late answer to an old call does not close it") {
    Breaker breaker = opened_at(0);
    breaker.on_answered();
    CHECK(breaker.state() == State::kOpen);
}

TEST_CASE("an operator closes it at once") {
    Breaker breaker = opened_at(0);
    breaker.close();
    CHECK(breaker.admit(at(1)) == Admission::kYes);
}

TEST_CASE("with no failures allowed for, it never opens") {
    Breaker breaker({0, Millis(1000), Millis(1000)});
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(breaker.on_crash(at(0)));
        CHECK_FALSE(breaker.on_call_failed(Loss::kTimeout, at(0), at(0)));
    }
}
