// How long a call that was given up is in the way of the others: until the server has
// answered what was asked behind the cancellation, and never for ever.

#include "neurond/back/abandoned_calls.h"

#include <doctest/doctest.h>

using namespace neuron;

namespace {

constexpr TimePoint at(int64_t ms) { return TimePoint{Millis(ms)}; }

}  // namespace

TEST_CASE("the answer to the barrier frees the others") {
    AbandonedCalls calls;
    CHECK(!calls.haunt("b", at(0)));
    CHECK(calls.add("a", at(0), at(100)));
    calls.sent(7);
    CHECK(calls.barrier() == 7);
    CHECK(calls.haunt("b", at(1)));
    CHECK(!calls.haunt("a", at(1)));  // it may hear what is said of its own
    CHECK(!calls.passed(at(2), at(102)));
    CHECK(calls.barrier() == 0);
    CHECK(!calls.haunt("b", at(2)));
}

TEST_CASE("calls given up behind a barrier wait for the next one") {
    AbandonedCalls calls;
    CHECK(calls.add("a", at(0), at(100)));
    calls.sent(1);
    CHECK(!calls.add("b", at(50), at(150)));  // one barrier at a time
    CHECK(!calls.add("b", at(51), at(151)));
    CHECK(calls.haunt("a", at(60)));
    CHECK(calls.haunt("b", at(60)));
    CHECK(calls.passed(at(90), at(190)));
    calls.sent(2);
    CHECK(calls.haunt("a", at(180)));  // their time begins anew with their barrier
    CHECK(!calls.haunt("b", at(180)));
    CHECK(!calls.passed(at(185), at(285)));
    CHECK(!calls.haunt("a", at(185)));
}

TEST_CASE("calls of several parties are in the way of all") {
    AbandonedCalls calls;
    calls.add("a", at(0), at(100));
    calls.sent(1);
    calls.passed(at(1), at(101));
    CHECK(calls.add("b", at(2), at(102)));  // nothing is left of a
    CHECK(!calls.haunt("b", at(3)));
    calls.sent(2);
    calls.add("a", at(3), at(103));
    calls.add("b", at(4), at(104));
    calls.passed(at(5), at(105));
    CHECK(calls.haunt("a", at(6)));
    CHECK(calls.haunt("b", at(6)));
    CHECK(calls.haunt("c", at(6)));
}

TEST_CASE("a barrier that is never answered ends at its bound") {
    AbandonedCalls calls;
    calls.add("a", at(0), at(100));
    calls.sent(1);
    calls.add("b", at(90), at(190));
    CHECK(calls.haunt("c", at(99)));
    CHECK(!calls.haunt("b", at(100)));  // only b's is left
    CHECK(calls.haunt("c", at(189)));
    CHECK(!calls.haunt("c", at(190)));
    CHECK(calls.add("a", at(120), at(220)));  // the next one is sent though
    CHECK(calls.barrier() == 1);              // to be forgotten
    calls.sent(2);
    CHECK(calls.haunt("a", at(130)));
    CHECK(!calls.passed(at(140), at(240)));
    CHECK(!calls.haunt("c", at(140)));
}
