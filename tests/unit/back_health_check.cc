#include <doctest/doctest.h>

#include "neurond/back/health_check.h"

using namespace neuron;
using Question = HealthCheck::Question;
using Reply = HealthCheck::Reply;
using Verdict = HealthCheck::Verdict;

namespace {

const TimePoint kStart{std::chrono::hours(5)};

TimePoint at(int ms) {
    return kStart + Millis(ms);
}

/// Every second, with 100 ms to answer.
HealthCheck check(bool modern = false) {
    HealthCheck out({Millis(1000), Millis(100)});
    out.begin(modern, kStart);
    return out;
}

/// At 1000 it was asked.
HealthCheck asked(bool modern = false) {
    HealthCheck out = check(modern);
    REQUIRE(out.on_time(at(1000), at(1000)).ask);
    return out;
}

}  // namespace

TEST_CASE("a silent server is asked once an interval") {
    HealthCheck health = check();
    CHECK(health.due() == at(1000));
    const auto step = health.on_time(at(1000), at(1000));
    CHECK(step.ask);
    CHECK(step.verdict == Verdict::kNone);
    CHECK(health.question() == Question::kPing);
    CHECK(health.due() == at(1100));
    health.on_message(at(1010));
    CHECK(health.on_reply(Reply::kResult, at(1010)).verdict == Verdict::kNone);
    CHECK(health.due() == at(2010));
}

TEST_CASE("a server that speaks is not asked") {
    HealthCheck health = check();
    health.on_message(at(700));
    CHECK_FALSE(health.on_time(at(1000), at(1000)).ask);
    CHECK(health.due() == at(1700));
    CHECK(health.on_time(at(1700), at(1700)).ask);
}

TEST_CASE("one answer missed: degraded and asked again; two: it hangs") {
    HealthCheck health = asked();
    const auto first = health.on_time(at(1100), at(1100));
    CHECK(first.ask);
    CHECK(first.verdict == Verdict::kDegraded);
    CHECK(health.due() == at(1200));
    const auto second = health.on_time(at(1200), at(1200));
    CHECK_FALSE(second.ask);
    CHECK(second.verdict == Verdict::kHung);
}

TEST_CASE("whatever a degraded server says makes it healthy") {
    HealthCheck health = asked();
    health.on_time(at(1100), at(1100));
    CHECK(health.on_message(at(1150)) == Verdict::kHealthy);
    CHECK(health.due() == at(2150));
    CHECK(health.on_message(at(1160)) == Verdict::kNone);
    // The two answers that came late are nothing new.
    CHECK(health.on_reply(Reply::kResult, at(1160)).verdict == Verdict::kNone);
}

TEST_CASE("a server that answers calls but no ping lives") {
    HealthCheck health = asked();
    health.on_message(at(1050));
    const auto step = health.on_time(at(1100), at(1100));
    CHECK_FALSE(step.ask);
    CHECK(step.verdict == Verdict::kNone);
    CHECK(health.due() == at(2100));
}

TEST_CASE("a busy server is given time") {
    HealthCheck health = asked();
    CHECK(health.on_time(at(1100), at(5000)).verdict == Verdict::kDegraded);
    CHECK(health.on_time(at(1200), at(5000)).verdict == Verdict::kNone);
    CHECK(health.due() == at(1300));
    CHECK_FALSE(health.on_time(at(1300), at(5000)).ask);
    CHECK(health.on_time(at(5000), at(5000)).verdict == Verdict::kHung);
}

TEST_CASE("a server without ping is asked for its tools from then on") {
    HealthCheck health = asked();
    health.on_message(at(1010));
    const auto step = health.on_reply(Reply::kMethodNotFound, at(1010));
    CHECK(step.ask);
    CHECK(step.verdict == Verdict::kNone);
    CHECK(health.question() == Question::kListTools);
    // One without tools has answered nevertheless.
    CHECK_FALSE(health.on_reply(Reply::kMethodNotFound, at(1020)).ask);
    CHECK(health.on_time(at(2020), at(2020)).ask);
    CHECK(health.question() == Question::kListTools);
}

TEST_CASE("a modern server is asked what it can do") {
    CHECK(asked(true).question() == Question::kDiscover);
}

TEST_CASE("an error for an answer: degraded until the next good one") {
    HealthCheck health = asked();
    health.on_message(at(1010));
    CHECK(health.on_reply(Reply::kError, at(1010)).verdict == Verdict::kDegraded);
    CHECK(health.on_message(at(1500)) == Verdict::kNone);
    CHECK(health.on_time(at(2010), at(2010)).ask);  // though it has spoken
    health.on_message(at(2020));
    CHECK(health.on_reply(Reply::kResult, at(2020)).verdict == Verdict::kHealthy);
}

TEST_CASE("a lost connection is an answer missed") {
    HealthCheck health = asked();
    const auto first = health.on_failure(at(1001), at(1001));
    CHECK_FALSE(first.ask);
    CHECK(first.verdict == Verdict::kDegraded);
    CHECK(health.due() == at(1101));
    CHECK(health.on_time(at(1101), at(1101)).ask);
    CHECK(health.on_failure(at(1102), at(1102)).verdict == Verdict::kHung);
}

TEST_CASE("no interval, no checks") {
    CHECK_FALSE(HealthCheck({Millis(0), Millis(100)}).enabled());
    CHECK(check().enabled());
}
