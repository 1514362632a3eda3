// Which call a message is about: by its exchange, or where that tells nothing, only while
// it can be no other party's.

#include "neurond/back/pending_requests.h"

#include <doctest/doctest.h>

#include "neurond/back/carrier.h"
#include "neurond/base/limits.h"

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
    pending.finish(other);
    CHECK(pending.call_of(kAnyExchange, kNow) == kTwo);
}

TEST_CASE("what may be about a call that another party gave up is nobody's") {
    PendingRequests pending;
    const uint64_t one = pending.add(Kind::kCall, kOne, "a");
    const uint64_t two = pending.add(Kind::kCall, kTwo, "b");
    CHECK(pending.abandon(one, kNow, kLater));
    CHECK(!pending.abandon(one, kNow, kLater));
    CHECK(pending.calls() == 1);
    CHECK(!pending.call_of(kAnyExchange, kNow));
    CHECK(!pending.call_of(0, kNow));
    CHECK(pending.call_of(two, kNow) == kTwo);
    CHECK(pending.call_of(kAnyExchange, kLater) == kTwo);  // too late
    CHECK(!pending.call_of(kAnyExchange, kNow, [](CallHandle) { return false; }));

    CHECK(!pending.finish(one));  // its late answer
    CHECK(pending.call_of(kAnyExchange, kNow) == kTwo);
}

TEST_CASE("a party's own calls that it gave up are in nobody's way") {
    PendingRequests pending;
    const uint64_t one = pending.add(Kind::kCall, kOne, "a");
    pending.add(Kind::kCall, kTwo, "a");
    pending.abandon(one, kNow, kLater);
    CHECK(pending.call_of(kAnyExchange, kNow) == kTwo);
}

TEST_CASE("of very many abandoned calls it is only known that there are some") {
    PendingRequests pending;
    for (size_t i = 0; i <= kMaxAbandonedCalls; ++i) {
        pending.abandon(pending.add(Kind::kCall, kOne, "a"), kNow, kLater);
    }
    pending.add(Kind::kCall, kTwo, "a");
    CHECK(!pending.call_of(kAnyExchange, kNow));
    CHECK(pending.call_of(kAnyExchange, kLater) == kTwo);
    pending.take_calls();  // the server has ended
    pending.add(Kind::kCall, kTwo, "b");
    CHECK(pending.call_of(kAnyExchange, kNow) == kTwo);
}
