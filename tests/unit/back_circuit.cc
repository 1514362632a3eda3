#include <doctest/doctest.h>

#include "neurond/back/circuit.h"

using namespace neuron;
using Change = Circuit::Change;
using State = Breaker::State;

namespace {

const TimePoint kStart{std::chrono::hours(5)};
constexpr BreakerSettings kThree{3, Millis(1000), Millis(5000)};

TimePoint at(int ms) {
    return kStart + Millis(ms);
}

CallHandle call(uint32_t number) {
    return {number, 1};
}

struct Wired {
    Breaker breaker{kThree};
    Circuit circuit{breaker};

    Change fail(uint32_t number, int ms) {
        return circuit.on_outcome(call(number), CallOutcome::kTimeout, at(ms), at(ms));
    }
    void open() {
        fail(1, 0);
        fail(2, 0);
        REQUIRE(fail(3, 0) == Change::kOpened);
    }
};

}  // namespace

TEST_CASE("what of a call's outcome counts against a server") {
    struct Row {
        const char* comment;
        CallOutcome outcome;
        bool counts;
    };
    for (const Row& row : {
             Row{"answered, if with an error", CallOutcome::kAnswered, false},
             Row{"not answered in time", CallOutcome::kTimeout, true},
             Row{"the connection was lost", CallOutcome::kLost, true},
             Row{"its crash counts by itself", CallOutcome::kCrashed, false},
             Row{"its caller gave up", CallOutcome::kVoid, false},
         }) {
        CAPTURE(row.comment);
        Wired wired;
        Change last = Change::kNone;
        for (int i = 0; i < 3; ++i) {  // each sent after the one before had failed
            last = wired.circuit.on_outcome(call(1), row.outcome, at(i * 10 + 1),
                                            at(i * 10 + 5));
        }
        CHECK((last == Change::kOpened) == row.counts);
        CHECK((wired.breaker.state() == State::kOpen) == row.counts);
    }
}

TEST_CASE("missed health checks count too") {
    Wired wired;
    CHECK(wired.circuit.on_ping_missed(at(0)) == Change::kNone);
    CHECK(wired.fail(1, 1) == Change::kNone);
    CHECK(wired.circuit.on_ping_missed(at(2)) == Change::kOpened);
}

TEST_CASE("only the probe decides") {
    Wired wired;
    wired.open();
    CHECK_FALSE(wired.circuit.admit(call(4), at(4999)));
    CHECK(wired.circuit.admit(call(4), at(5000)));
    CHECK_FALSE(wired.circuit.admit(call(5), at(5000)));
    // Calls of before the circuit opened end as they may.
    CHECK(wired.fail(9, 5001) == Change::kNone);
    CHECK(wired.circuit.on_outcome(call(8), CallOutcome::kAnswered, at(0), at(5001)) ==
          Change::kNone);
    CHECK(wired.breaker.state() == State::kHalfOpen);

    struct Row {
        const char* comment;
        CallOutcome outcome;
        Change change;
        State state;
        int retry;
    };
    for (const Row& row : {
             Row{"answered", CallOutcome::kAnswered, Change::kClosed, State::kClosed, 0},
             Row{"timed out", CallOutcome::kTimeout, Change::kNone, State::kOpen, 5000},
             Row{"lost", CallOutcome::kLost, Change::kNone, State::kOpen, 5000},
             Row{"crashed", CallOutcome::kCrashed, Change::kNone, State::kOpen, 5000},
             Row{"given up", CallOutcome::kVoid, Change::kNone, State::kOpen, 0},
         }) {
        CAPTURE(row.comment);
        Wired each;
        each.open();
        REQUIRE(each.circuit.admit(call(4), at(5000)));
        CHECK(each.circuit.on_outcome(call(4), row.outcome, at(5000), at(5100)) ==
              row.change);
        CHECK(each.breaker.state() == row.state);
        CHECK(each.breaker.retry_after(at(5100)) == Millis(row.retry));
    }
}

TEST_CASE("a probe that comes back after an operator closed the circuit is a call") {
    Wired wired;
    wired.open();
    REQUIRE(wired.circuit.admit(call(4), at(5000)));
    wired.breaker.close();
    CHECK(wired.circuit.on_outcome(call(4), CallOutcome::kLost, at(5000), at(5001)) ==
          Change::kNone);
    CHECK(wired.breaker.state() == State::kClosed);
}
