// Which call a message is about: by its exchange, or where that tells nothing, only while
// it can be no other party's.

#include "neurond/back/pending_requests.h"

#include <doctest/doctest.h>

#include "neurond/back/carrier.h"

using namespace neuron;

namespace {

using Kind = PendingRequests::Kind;

constexpr CallHandle kOne{1, 1};
constexpr CallHandle kTwo{2, 1};
constexpr TimePoint kNow{Millis(1000)};
constexpr TimePoint kLater{Millis(2000)};

}  // namespace

TEST_CASE("with an exchange it is the call of that, else the latest of the only party") {
    PendingRequests pending;
    const uint64_t one = pending.add(Kind::kCall, kOne, "a");
    const uint64_t two = pending.add(Kind::kCall, kTwo, "a");
    CHECK(pending.call_of(one, kNow) == kOne);
    CHECK(pending.call_of(kAnyExchange, kNow) == kTwo);
    CHECK(pending.call_of(0, kNow) == kTwo);
    const uint64_t other = pending.add(Kind::kCall, {3, 1}, "b");
    CHECK(!pending.call_of(kAnyExchange, kNow));
    CHECK(pending.call_of(two, kNow) == kTwo);
    CHECK(pending.call_of(kAnyExchange, kNow,
                          [](CallHandle call) { return call.slot == 3; }) == kTwo);
    pending.erase(other);
    CHECK(pending.call_of(kAnyExchange, kNow) == kTwo);
}

TEST_CASE("calls whose clients are away are counted until they are over") {
    PendingRequests pending;
    const uint64_t one = pending.add(Kind::kCall, kOne, "a");
    const uint64_t two = pending.add(Kind::kCall, kTwo, "b");
    pending.set_away(one, true);
    pending.set_away(one, true);
    pending.set_away(two, true);
    pending.set_away(77, true);
    CHECK(pending.away() == 2);
    pending.set_away(two, false);
    CHECK(pending.away() == 1);
    pending.erase(one);
    CHECK(pending.away() == 0);
    CHECK(pending.calls() == 1);
    pending.set_away(two, true);
    pending.take_calls();
    CHECK(pending.away() == 0);
}

TEST_CASE("what may be about a call that another party gave up is nobody's") {
    PendingRequests pending;
    const uint64_t two = pending.add(Kind::kCall, kTwo, "b");
    CHECK(pending.abandoned().add("a", kNow, kLater));
    CHECK(!pending.call_of(kAnyExchange, kNow));
    CHECK(!pending.call_of(0, kNow));
    CHECK(pending.call_of(two, kNow) == kTwo);  // its stream says so
    CHECK(!pending.call_of(kAnyExchange, kNow, [](CallHandle) { return false; }));
    CHECK(pending.call_of(kAnyExchange, kLater) == kTwo);
}

TEST_CASE("a party's own calls that it gave up are in nobody's way") {
    PendingRequests pending;
    pending.add(Kind::kCall, kOne, "a");
    pending.abandoned().add("a", kNow, kLater);
    CHECK(pending.call_of(kAnyExchange, kNow) == kOne);
}
