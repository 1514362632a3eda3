#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "neurond/back/upkeep.h"

using namespace neuron;

namespace {

const TimePoint kStart{std::chrono::hours(5)};

struct Bell final : AlarmSink {
    void on_alarm(const std::string& server, const std::string& reason) override {
        heard.push_back(server + ": " + reason);
    }
    std::vector<std::string> heard;
};

UpkeepSettings settings(bool spawned = true) {
    UpkeepSettings out;
    out.server = "redis";
    out.life.spawned = spawned;
    out.alarm_crashes = 2;
    return out;
}

struct Kept {
    explicit Kept(const UpkeepSettings& given = settings())
        : about(given), upkeep(about, bell), life(about.life) {}

    NextStep live(const Ending& ending, bool healthy = true) {
        life.start(now);
        if (healthy) {
            life.listed(now);
        }
        now += Millis(1500);
        return upkeep.ended(life, ending, now);
    }

    UpkeepSettings about;
    Bell bell;
    Upkeep upkeep;
    Lifecycle life;
    TimePoint now = kStart;
};

const Ending kCrashed{EndCause::kCrash, "exited with status 3",
                      "exited with status 3; its last words: oops"};

}  // namespace

TEST_CASE("an end is kept with what came of it") {
    Kept kept;
    CHECK(kept.live(kCrashed).what == NextStep::What::kStart);
    REQUIRE(kept.upkeep.history().entries().size() == 1);
    const HistoryEntry& entry = kept.upkeep.history().entries().front();
    CHECK(entry.uptime == Millis(1500));
    CHECK(entry.status == "exited with status 3");
    CHECK(entry.reason == "exited with status 3; its last words: oops");
    CHECK(entry.next.find("start 1 of 3 in ") == 0);
}

TEST_CASE("restarts are counted by what made them necessary") {
    Kept kept;
    kept.live(kCrashed);
    kept.live({EndCause::kHung, "", "hung"});
    kept.live(kCrashed);
    CHECK(kept.live(kCrashed).what == NextStep::What::kNothing);  // no restart
    CHECK(kept.upkeep.restarts(EndCause::kCrash) == 2);
    CHECK(kept.upkeep.restarts(EndCause::kHung) == 1);
    CHECK(kept.upkeep.restarts() == 3);
}

TEST_CASE("the alarm is raised by crashes, once") {
    Kept kept;
    kept.live(kCrashed);
    CHECK(kept.bell.heard.empty());
    kept.live(kCrashed);
    CHECK(kept.bell.heard ==
          std::vector<std::string>{"redis: 2 crashes within a minute: " + kCrashed.why});
    kept.live(kCrashed);
    CHECK(kept.bell.heard.size() == 1);
    CHECK(kept.upkeep.alarming(kept.now));
    CHECK_FALSE(kept.upkeep.alarming(kept.now + Millis(61000)));
}

TEST_CASE("what is no crash raises no alarm") {
    struct Row {
        const char* comment;
        bool spawned;
        Ending ending;
        bool healthy;
    };
    for (const Row& row : {
             Row{"an operator asked", true, {EndCause::kAsked, "", "asked"}, true},
             Row{"nobody listens yet", false, {EndCause::kUnreachable, "", "x"}, false},
             Row{"a clean exit", true, {EndCause::kExit, "", "x"}, true},
         }) {
        CAPTURE(row.comment);
        Kept kept(settings(row.spawned));
        for (int i = 0; i < 5; ++i) {
            kept.live(row.ending, row.healthy);
        }
        CHECK(kept.bell.heard.empty());
    }
}

TEST_CASE("a start that fails is an error of configuration, or may pass") {
    const int permanent[] = {ENOENT, EACCES, ENOEXEC, ENOTDIR, ELOOP};
    const int passing[] = {EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY, 0};
    for (const int code : permanent) {
        CAPTURE(code);
        CHECK(Upkeep::not_started({"x", code}).cause == EndCause::kBadConfig);
    }
    for (const int code : passing) {
        CAPTURE(code);
        CHECK(Upkeep::not_started({"x", code}).cause == EndCause::kNotStarted);
    }
}

TEST_CASE("pauses differ from one downstream to the next") {
    std::vector<Millis> pauses;
    for (int i = 0; i < 20; ++i) {
        Kept kept;
        pauses.push_back(kept.live(kCrashed).delay);
        CHECK(pauses.back() >= Millis(800));
        CHECK(pauses.back() <= Millis(1200));
    }
    CHECK(*std::min_element(pauses.begin(), pauses.end()) !=
          *std::max_element(pauses.begin(), pauses.end()));
}
