#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "neurond/back/lifecycle.h"

using namespace neuron;
using Restart = LifecycleSettings::Restart;
using What = NextStep::What;

namespace {

const TimePoint kStart{std::chrono::hours(5)};
constexpr BreakerSettings kNoBreaker{0, Millis(60000), Millis(300000)};

LifecycleSettings plain() {
    LifecycleSettings out;
    out.jitter = 0;
    return out;
}

/// A downstream with a clock of its own.
struct World {
    explicit World(LifecycleSettings settings = plain(),
                   BreakerSettings breaker_settings = kNoBreaker)
        : life(settings), breaker(breaker_settings) {}

    Lifecycle life;
    Breaker breaker;
    TimePoint now = kStart;
    double random = 0;

    NextStep end(EndCause cause, const char* why = "why") {
        return life.ended(cause, why, breaker, now, random);
    }
    /// One life: `starting` until it is healthy (none: it never is), `healthy` after that.
    NextStep live(EndCause cause, Millis starting, Millis healthy = Millis(-1)) {
        life.start(now);
        now += starting;
        if (healthy >= Millis(0)) {
            life.listed(now);
            now += healthy;
        }
        return end(cause);
    }
    void become_healthy() {
        life.start(now);
        life.listed(now);
    }
};

constexpr Millis kNever{-1};

}  // namespace

TEST_CASE("configured, starting, healthy") {
    World w;
    CHECK(w.life.state() == LifeState::kConfigured);
    w.life.start(w.now);
    CHECK(w.life.state() == LifeState::kStarting);
    CHECK_FALSE(w.life.ever_healthy());
    w.life.listed(w.now);
    CHECK(w.life.state() == LifeState::kHealthy);
    CHECK(w.life.ever_healthy());
    CHECK(w.life.reason().empty());
}

TEST_CASE("healthy means that there is a live instance") {
    World w;
    w.life.listed(w.now);  // nothing was started
    CHECK(w.life.state() == LifeState::kConfigured);
    w.become_healthy();
    CHECK(w.life.alive());
    w.end(EndCause::kCrash);
    CHECK_FALSE(w.life.alive());
    CHECK_FALSE(is_serving(w.life.state()));
    w.life.listed(w.now);  // a list of the instance that is gone
    CHECK(w.life.state() == LifeState::kRestarting);
}

TEST_CASE("one that rests is configured; its counts stay, and it was healthy") {
    World w;
    w.become_healthy();
    w.end(EndCause::kCrash);
    w.become_healthy();
    w.now += Millis(700);
    w.life.rested(w.now);
    CHECK(w.life.state() == LifeState::kConfigured);
    CHECK(w.life.reason() == "starts with the next call");
    CHECK_FALSE(w.life.alive());
    CHECK(w.life.ever_healthy());
    CHECK(w.life.restarts() == 1);
    w.now += Millis(5000);
    CHECK(w.life.uptime(w.now) == Millis(700));
    w.life.start(w.now);
    CHECK(w.end(EndCause::kCrash).what == What::kStart);  // no error of configuration
}

TEST_CASE("only one that serves can rest") {
    World w;
    w.life.rested(w.now);
    CHECK(w.life.reason().empty());
    w.life.start(w.now);
    w.life.rested(w.now);
    CHECK(w.life.state() == LifeState::kStarting);
    w.life.listed(w.now);
    w.life.stop();
    w.life.rested(w.now);
    CHECK(w.life.state() == LifeState::kStopped);
}

TEST_CASE("healthy, restarting, failed; each restart is counted") {
    World w;
    w.become_healthy();
    for (unsigned n = 1; n <= 3; ++n) {
        CHECK(w.end(EndCause::kCrash).what == What::kStart);
        CHECK(w.life.state() == LifeState::kRestarting);
        CHECK(w.life.restarts() == n);
        w.become_healthy();
    }
    CHECK(w.end(EndCause::kCrash, "killed by SIGSEGV").what == What::kNothing);
    CHECK(w.life.state() == LifeState::kFailed);
    CHECK(w.life.reason() == "it ended again after 3 restarts: killed by SIGSEGV");
}

TEST_CASE("what is decided when a life ends") {
    struct Row {
        const char* comment;
        void (*settings)(LifecycleSettings&);
        void (*before)(World&);
        EndCause cause;
        Millis starting;
        Millis healthy;
        LifeState state;
        const char* words;
    };
    const auto same = [](LifecycleSettings&) {};
    const auto nothing = [](World&) {};
    const auto was_healthy = [](World& w) {
        w.become_healthy();
        w.end(EndCause::kCrash);
    };
    const std::vector<Row> rows = {
        // --- the rule of the instant crash (C-5)
        {"dies at once", same, nothing, EndCause::kCrash, Millis(100), kNever,
         LifeState::kFailed, "given up: configuration error"},
        {"exits at once with status 0", same, nothing, EndCause::kExit, Millis(100),
         kNever, LifeState::kFailed, "given up: configuration error"},
        {"the last moment that counts as at once", same, nothing, EndCause::kCrash,
         Millis(4999), kNever, LifeState::kFailed, "given up: configuration error"},
        {"the first that does not", same, nothing, EndCause::kCrash, Millis(5000),
         kNever, LifeState::kRestarting, "start 1 of 3 in 1000 ms"},
        {"it was healthy, for a moment", same, nothing, EndCause::kCrash, Millis(10),
         Millis(10), LifeState::kRestarting, "start 1 of 3 in 1000 ms"},
        {"it was healthy in an earlier life", same, was_healthy, EndCause::kCrash,
         Millis(10), kNever, LifeState::kRestarting, "start 2 of 3 in 2000 ms"},
        {"without a crash_window", [](LifecycleSettings& s) { s.crash_window = {}; },
         nothing, EndCause::kCrash, Millis(0), kNever, LifeState::kRestarting,
         "start 1 of 3 in 1000 ms"},
        // --- classes of errors
        {"no such program", same, nothing, EndCause::kBadConfig, Millis(0), kNever,
         LifeState::kFailed, "given up: configuration error"},
        {"no such program any more: it may be being upgraded", same, was_healthy,
         EndCause::kBadConfig, Millis(0), kNever, LifeState::kRestarting,
         "start 2 of 3 in 2000 ms"},
        {"no memory for a process", same, nothing, EndCause::kNotStarted, Millis(0),
         kNever, LifeState::kRestarting, "start 1 of 3 in 1000 ms"},
        {"no handshake: not a crash, however short start_timeout is", same, nothing,
         EndCause::kNotReady, Millis(300), kNever, LifeState::kRestarting,
         "start 1 of 3 in 1000 ms"},
        {"it hung", same, nothing, EndCause::kHung, Millis(100), Millis(100),
         LifeState::kRestarting, "start 1 of 3 in 1000 ms"},
        // --- restart
        {"never: not after a crash", [](LifecycleSettings& s) {
             s.restart = Restart::kNever; },
         nothing, EndCause::kCrash, Millis(10), Millis(9999999), LifeState::kFailed,
         "none: restart = never"},
        {"never: not after an exit", [](LifecycleSettings& s) {
             s.restart = Restart::kNever; },
         nothing, EndCause::kExit, Millis(10), Millis(10), LifeState::kFailed,
         "none: restart = never"},
        {"on-failure: a clean exit is none", same, nothing, EndCause::kExit, Millis(10),
         Millis(10), LifeState::kConfigured, "none: it exited with status 0"},
        {"always: after a clean exit too", [](LifecycleSettings& s) {
             s.restart = Restart::kAlways; },
         nothing, EndCause::kExit, Millis(10), Millis(10), LifeState::kRestarting,
         "start 1 of 3 in 1000 ms"},
        {"an operator asked, whatever restart says", [](LifecycleSettings& s) {
             s.restart = Restart::kNever; },
         nothing, EndCause::kAsked, Millis(10), Millis(10), LifeState::kRestarting,
         "start at once"},
        // --- HTTP: nothing is spawned
        {"nobody listens yet", [](LifecycleSettings& s) { s.spawned = false; }, nothing,
         EndCause::kUnreachable, Millis(1), kNever, LifeState::kRestarting,
         "start 1 in 1000 ms"},
        {"it refuses our token", [](LifecycleSettings& s) { s.spawned = false; },
         nothing, EndCause::kBadConfig, Millis(1), kNever, LifeState::kFailed,
         "given up: configuration error"},
        {"it went away", [](LifecycleSettings& s) { s.spawned = false; }, nothing,
         EndCause::kUnreachable, Millis(1), Millis(1), LifeState::kRestarting,
         "start 1 in 1000 ms"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.comment);
        LifecycleSettings settings = plain();
        row.settings(settings);
        World w(settings);
        row.before(w);
        const NextStep next = w.live(row.cause, row.starting, row.healthy);
        CHECK(w.life.state() == row.state);
        CHECK(next.words == row.words);
        CHECK((next.what == What::kStart) == (row.state == LifeState::kRestarting));
    }
}

TEST_CASE("pauses double up to the longest, and lie within the jitter") {
    LifecycleSettings settings = plain();
    settings.max_restarts = settings.window_restarts = 0;
    World w(settings);
    w.become_healthy();
    std::vector<int64_t> pauses;
    for (int i = 0; i < 9; ++i) {
        pauses.push_back(w.end(EndCause::kCrash).delay.count() / 1000);
        w.life.start(w.now);
    }
    CHECK(pauses == std::vector<int64_t>{1, 2, 4, 8, 16, 32, 60, 60, 60});
    for (int i = 0; i < 5000; ++i) {  // no overflow, however often
        CHECK(w.end(EndCause::kCrash).delay == Millis(60000));
        w.life.start(w.now);
    }

    settings.jitter = 0.2;
    const std::vector<std::pair<double, int>> jitters = {
        {-1, 800}, {0, 1000}, {0.5, 1100}, {1, 1200}};
    for (const auto& [random, pause] : jitters) {
        World jittered(settings);
        jittered.random = random;
        CHECK(jittered.live(EndCause::kCrash, Millis(0), Millis(0)).delay == Millis(pause));
    }
}

TEST_CASE("stable_after of health begins the count and the pauses anew") {
    World w;
    w.become_healthy();
    w.end(EndCause::kCrash);
    w.live(EndCause::kCrash, Millis(0), Millis(59999));
    CHECK(w.life.restarts() == 2);
    const NextStep next = w.live(EndCause::kCrash, Millis(0), Millis(60000));
    CHECK(w.life.restarts() == 1);
    CHECK(next.words == "start 1 of 3 in 1000 ms");
}

TEST_CASE("time spent starting is not time spent healthy") {
    World w;
    w.become_healthy();
    w.end(EndCause::kCrash);
    w.live(EndCause::kCrash, Millis(999999), Millis(10));
    CHECK(w.life.restarts() == 2);
}

TEST_CASE("restart_window counts over stable lives too") {
    LifecycleSettings settings = plain();
    settings.window_restarts = 4;
    settings.window = Millis(1000 * 1000);
    World w(settings);
    for (int i = 0; i < 4; ++i) {
        CHECK(w.live(EndCause::kCrash, Millis(0), Millis(100000)).what == What::kStart);
    }
    CHECK(w.live(EndCause::kCrash, Millis(0), Millis(100000)).words ==
          "given up: 4 restarts within 1000 s");
    CHECK(w.life.state() == LifeState::kFailed);

    SUBCASE("but those before it are forgotten") {
        World later(settings);
        for (int i = 0; i < 20; ++i) {
            const auto next = later.live(EndCause::kCrash, Millis(0), Millis(260000));
            CHECK(next.what == What::kStart);
        }
    }
}

TEST_CASE("no limit is no limit") {
    LifecycleSettings settings = plain();
    settings.max_restarts = settings.window_restarts = 0;
    World w(settings);
    for (unsigned i = 1; i <= 100; ++i) {
        const NextStep next = w.live(EndCause::kCrash, Millis(0), Millis(0));
        REQUIRE(next.what == What::kStart);
    }
    CHECK(w.life.restarts() == 100);
}

TEST_CASE("HTTP is tried for ever") {
    LifecycleSettings settings = plain();
    settings.spawned = false;
    World w(settings, {5, Millis(60000), Millis(300000)});
    for (unsigned i = 1; i <= 100; ++i) {
        REQUIRE(w.live(EndCause::kUnreachable, Millis(1)).what == What::kStart);
        REQUIRE(w.life.state() == LifeState::kRestarting);
    }
}

TEST_CASE("the breaker comes before the caps") {
    LifecycleSettings settings = plain();
    settings.max_restarts = 2;
    World w(settings, {3, Millis(60000), Millis(300000)});
    w.live(EndCause::kCrash, Millis(0), Millis(0));
    w.live(EndCause::kCrash, Millis(0), Millis(0));
    const NextStep opened = w.live(EndCause::kCrash, Millis(0), Millis(0));
    CHECK(w.life.state() == LifeState::kOpen);
    CHECK(opened.what == What::kStart);
    CHECK(opened.delay == Millis(300000));
    CHECK(opened.words == "circuit open, one start in 300 s");

    w.now += opened.delay;
    REQUIRE(w.breaker.admit(w.now) == Breaker::Admission::kProbe);
    SUBCASE("a probe that fails opens it again, and no cap ends that") {
        for (int i = 0; i < 20; ++i) {
            REQUIRE(w.live(EndCause::kCrash, Millis(0)).delay == Millis(300000));
            w.now += Millis(300000);
            REQUIRE(w.breaker.admit(w.now) == Breaker::Admission::kProbe);
        }
    }
    SUBCASE("one that does not even get a process does too") {
        w.live(EndCause::kNotStarted, Millis(0));
        CHECK(w.life.state() == LifeState::kOpen);
    }
    SUBCASE("one that is healthy closes it") {
        w.become_healthy();
        w.breaker.on_probe_answered();
        CHECK(w.life.state() == LifeState::kHealthy);
        CHECK(w.end(EndCause::kCrash).what == What::kNothing);  // now the cap
    }
}

TEST_CASE("the rule of the instant crash comes before the breaker") {
    World w(plain(), {1, Millis(60000), Millis(300000)});
    w.live(EndCause::kCrash, Millis(0));
    CHECK(w.life.state() == LifeState::kFailed);
    CHECK(w.breaker.state() == Breaker::State::kClosed);
}

TEST_CASE("calls open the circuit of a live instance and close it") {
    World w;
    w.life.circuit_opened("x");
    CHECK(w.life.state() == LifeState::kConfigured);
    w.become_healthy();
    w.life.circuit_opened("5 calls failed");
    CHECK(w.life.state() == LifeState::kOpen);
    CHECK(w.life.reason() == "5 calls failed");
    w.life.ping_answered();
    CHECK(w.life.state() == LifeState::kOpen);
    w.life.circuit_closed();
    CHECK(w.life.state() == LifeState::kHealthy);
    w.life.circuit_opened("x");
    w.end(EndCause::kCrash);
    w.life.circuit_closed();
    CHECK_FALSE(is_serving(w.life.state()));
}

TEST_CASE("a missed ping degrades, an answered one restores") {
    World w;
    w.life.ping_failed("no answer");
    CHECK(w.life.state() == LifeState::kConfigured);
    w.become_healthy();
    w.life.ping_failed("no answer");
    CHECK(w.life.state() == LifeState::kDegraded);
    CHECK(is_serving(w.life.state()));
    CHECK(w.life.reason() == "no answer");
    w.life.ping_answered();
    CHECK(w.life.state() == LifeState::kHealthy);
    CHECK(w.life.reason().empty());
}

TEST_CASE("disabled and stopped stay so, whatever comes") {
    const std::vector<std::function<void(World&)>> events = {
        [](World& w) { w.life.start(w.now); },
        [](World& w) { w.life.listed(w.now); },
        [](World& w) { w.life.ping_failed("x"); },
        [](World& w) { w.life.ping_answered(); },
        [](World& w) { w.life.circuit_opened("x"); },
        [](World& w) { w.life.circuit_closed(); },
        [](World& w) { CHECK(w.end(EndCause::kCrash).what == What::kNothing); },
        [](World& w) { CHECK(w.end(EndCause::kAsked).what == What::kNothing); },
    };
    for (const auto& event : events) {
        World disabled;
        disabled.become_healthy();
        disabled.life.disable("an operator asked");
        event(disabled);
        CHECK(disabled.life.state() == LifeState::kDisabled);

        World stopped;
        stopped.become_healthy();
        stopped.life.stop();
        event(stopped);
        stopped.life.disable("x");
        stopped.life.reset();
        CHECK(stopped.life.state() == LifeState::kStopped);
    }
}

TEST_CASE("a reset forgets that it failed, and that it was ever healthy") {
    World w;
    w.become_healthy();
    w.life.reset();  // there is an instance
    CHECK(w.life.state() == LifeState::kHealthy);
    w.end(EndCause::kCrash);
    while (w.live(EndCause::kCrash, Millis(0)).what == What::kStart) {
    }
    CHECK(w.life.state() == LifeState::kFailed);
    w.life.reset();
    CHECK(w.life.state() == LifeState::kConfigured);
    CHECK(w.life.restarts() == 0);
    CHECK(w.life.reason().empty());
    CHECK(w.live(EndCause::kCrash, Millis(0)).words == "given up: configuration error");
}

TEST_CASE("an end without a life changes nothing") {
    World w;
    CHECK(w.end(EndCause::kCrash).what == What::kNothing);
    CHECK(w.life.state() == LifeState::kConfigured);
}

TEST_CASE("uptime is that of this life, or of the last") {
    World w;
    w.life.start(w.now);
    CHECK(w.life.uptime(w.now + Millis(20)) == Millis(20));
    w.now += Millis(7000);
    w.end(EndCause::kCrash);
    CHECK(w.life.uptime(w.now + Millis(9999)) == Millis(7000));
}
