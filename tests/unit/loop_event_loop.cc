#include <doctest/doctest.h>
#include <sys/epoll.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "loop_world.h"
#include "neurond/loop/event_loop.h"

using namespace neuron;

namespace {

constexpr Millis kNow{0};
constexpr Millis kLong{60 * 1000};

/// A handler made of a function.
struct Ear final : EventHandler {
    explicit Ear(std::function<void(uint32_t)> heard) : heard_(std::move(heard)) {}
    void on_ready(uint32_t events) override { heard_(events); }
    std::function<void(uint32_t)> heard_;
};

/// Runs one function when it is destroyed.
struct Mourned {
    explicit Mourned(std::function<void()> gone) : gone_(std::move(gone)) {}
    Mourned(const Mourned&) = delete;
    Mourned& operator=(const Mourned&) = delete;
    ~Mourned() { gone_(); }
    std::function<void()> gone_;
};

Millis since(TimePoint begin) {
    return std::chrono::floor<Millis>(monotonic_now() - begin);
}

}  // namespace

TEST_CASE("a descriptor is told as long as it is ready") {
    EventLoop loop;
    const FdPair pipe = make_pipe();
    int told = 0;
    Ear ear([&](uint32_t events) {
        CHECK(events == EPOLLIN);
        ++told;
    });
    Watch watch(loop, pipe.first.get(), ear);
    put(pipe.second, "x");
    loop.turn(kNow);
    CHECK(told == 0);  // no interest yet
    watch.set(EPOLLIN);
    CHECK(watch.events() == EPOLLIN);
    loop.turn(kLong);
    loop.turn(kLong);
    CHECK(told == 2);
    take(pipe.first);
    loop.turn(kNow);
    CHECK(told == 2);
}

TEST_CASE("a watch that dies hears nothing more, not even of the batch it died in") {
    EventLoop loop;
    const FdPair pipes[2] = {make_pipe(), make_pipe()};
    std::unique_ptr<Watch> watches[2];
    int told = 0;
    Ear first([&](uint32_t) {
        ++told;
        watches[1].reset();
    });
    Ear second([&](uint32_t) {
        ++told;
        watches[0].reset();
    });
    watches[0] = std::make_unique<Watch>(loop, pipes[0].first.get(), first);
    watches[1] = std::make_unique<Watch>(loop, pipes[1].first.get(), second);
    for (int i = 0; i < 2; ++i) {
        watches[i]->set(EPOLLIN);
        put(pipes[i].second, "x");
    }
    loop.turn(kLong);
    CHECK(told == 1);
}

TEST_CASE("a watch in the slot of a dead one does not get its events") {
    EventLoop loop;
    const FdPair ready[2] = {make_pipe(), make_pipe()};
    const FdPair silent = make_pipe();
    std::unique_ptr<Watch> watches[2];
    int strangers = 0;
    Ear stranger([&](uint32_t) { ++strangers; });
    const auto replace = [&](int which) {
        watches[which] = nullptr;
        watches[which] = std::make_unique<Watch>(loop, silent.first.get(), stranger);
        watches[which]->set(EPOLLIN);
    };
    int told = 0;
    Ear first([&](uint32_t) {
        ++told;
        take(ready[0].first);
        replace(1);
    });
    Ear second([&](uint32_t) {
        ++told;
        take(ready[1].first);
        replace(0);
    });
    watches[0] = std::make_unique<Watch>(loop, ready[0].first.get(), first);
    watches[1] = std::make_unique<Watch>(loop, ready[1].first.get(), second);
    for (int i = 0; i < 2; ++i) {
        watches[i]->set(EPOLLIN);
        put(ready[i].second, "x");
    }
    loop.turn(kLong);
    CHECK(told == 1);
    CHECK(strangers == 0);
    put(silent.second, "x");  // but its own events it gets
    CHECK(turn_until(loop, [&] { return strangers > 0; }));
}

TEST_CASE("a handler may make and drop many watches while it runs") {
    EventLoop loop;
    const FdPair pipe = make_pipe();
    std::vector<FdPair> others;
    std::vector<std::unique_ptr<Watch>> watches;
    int told = 0;
    Ear other([&](uint32_t) { ++told; });
    Ear ear([&](uint32_t) {
        take(pipe.first);
        for (int i = 0; i < 100; ++i) {  // more slots than there were
            others.push_back(make_pipe());
            put(others.back().second, "x");
            watches.push_back(
                std::make_unique<Watch>(loop, others.back().first.get(), other));
            watches.back()->set(EPOLLIN);
        }
    });
    Watch watch(loop, pipe.first.get(), ear);
    watch.set(EPOLLIN);
    put(pipe.second, "x");
    loop.turn(kLong);
    CHECK(told == 0);
    loop.turn(kLong);
    CHECK(told == 100);
}

TEST_CASE("without interest not even a hang-up is reported, and nothing spins") {
    EventLoop loop;
    FdPair pipe = make_pipe();
    uint32_t told = 0;
    int times = 0;
    Ear ear([&](uint32_t events) {
        told = events;
        ++times;
    });
    Watch watch(loop, pipe.first.get(), ear);
    watch.set(EPOLLIN);
    pipe.second.reset();
    loop.turn(kLong);
    CHECK(told == EPOLLHUP);
    watch.set(0);
    const TimePoint begin = monotonic_now();
    loop.turn(Millis{5});
    CHECK(since(begin) >= Millis{5});  // it slept
    CHECK(times == 1);
    watch.set(EPOLLIN);
    loop.turn(kLong);
    CHECK(times == 2);
}

TEST_CASE("what is retired lives to the end of the turn, and goes in order") {
    EventLoop loop;
    std::string order;
    const auto retire = [&](char name) {
        loop.retire(std::make_unique<Mourned>([&order, name] { order += name; }));
    };
    const FdPair pipe = make_pipe();
    Ear ear([&](uint32_t) {
        take(pipe.first);
        retire('a');
        order += '1';
    });
    Watch watch(loop, pipe.first.get(), ear);
    watch.set(EPOLLIN);
    Timer timer(loop, [&] {
        retire('b');
        order += '2';
    });
    Task soon(loop, Phase::kSoon, [&] {
        retire('c');
        order += '3';
    });
    Task flush(loop, Phase::kFlush, [&] { order += '4'; });
    timer.arm(Millis{1});
    spin_past(timer.deadline());
    soon.schedule();
    flush.schedule();
    put(pipe.second, "x");
    loop.turn(kLong);
    CHECK(order == "1234abc");
}

TEST_CASE("what is retired by a destructor goes in the same turn") {
    EventLoop loop;
    std::string order;
    loop.retire(std::make_unique<Mourned>([&] {
        order += 'a';
        loop.retire(std::make_unique<Mourned>([&] { order += 'c'; }));
    }));
    loop.retire(std::make_unique<Mourned>([&] { order += 'b'; }));
    CHECK(order.empty());
    loop.turn(kNow);
    CHECK(order == "abc");
}

TEST_CASE("a loop that ends buries what was retired") {
    bool gone = false;
    {
        EventLoop loop;
        loop.retire(std::make_unique<Mourned>([&] { gone = true; }));
    }
    CHECK(gone);
}

TEST_CASE("timers fire in the order of their deadlines, whatever was done to them") {
    EventLoop loop;
    std::mt19937 random(7);  // NOLINT: the same every time
    const auto delay = [&] { return Millis{1 + random() % 20}; };
    std::vector<TimePoint> fired;
    std::vector<std::unique_ptr<Timer>> timers;
    for (size_t i = 0; i < 300; ++i) {
        timers.push_back(std::make_unique<Timer>(loop, [&fired, &timers, i] {
            CHECK_FALSE(timers[i]->armed());
            fired.push_back(timers[i]->deadline());
        }));
        timers.back()->arm(delay());
    }
    size_t left = timers.size();
    for (int i = 0; i < 2000; ++i) {
        Timer& timer = *timers[random() % timers.size()];
        if (random() % 2 == 0) {
            timer.arm(delay());  // earlier or later than before
        } else {
            timer.cancel();
        }
    }
    for (size_t i = 0; i < timers.size(); ++i) {
        if (i % 10 == 0) {
            timers[i]->arm(kLong);
            timers[i] = nullptr;  // destroying cancels
        }
        left -= timers[i] && timers[i]->armed() ? 0U : 1U;
    }
    CHECK(turn_until(loop, [&] { return fired.size() >= left; }));
    loop.turn(Millis{25});
    CHECK(fired.size() == left);
    CHECK(std::is_sorted(fired.begin(), fired.end()));
}

TEST_CASE("a timer is not early, and the loop does not spin until it is due") {
    EventLoop loop;
    for (int i = 0; i < 5; ++i) {
        loop.turn(kNow);  // now() is fresh
        bool fired = false;
        Timer timer(loop, [&] { fired = true; });
        timer.arm(Millis{3});
        loop.turn(kLong);  // one is enough: the wait was not rounded down
        CHECK(fired);
        CHECK(loop.now() >= timer.deadline());
    }
}

TEST_CASE("a timer of no delay waits for the next pass") {
    EventLoop loop;
    int fired = 0;
    std::unique_ptr<Timer> timer;
    timer = std::make_unique<Timer>(loop, [&] {
        ++fired;
        timer->arm(kNow);
    });
    timer->arm(Millis{-5});
    CHECK(timer->deadline() == loop.now() + Millis{1});
    for (int turn = 1; turn <= 5; ++turn) {
        loop.turn(kLong);
        CHECK(fired == turn);  // and I/O had its chance in between
    }
}

TEST_CASE("a timer may cancel or destroy others that are due with it") {
    EventLoop loop;
    std::string fired;
    std::unique_ptr<Timer> gone;
    Timer cancelled(loop, [&] { fired += 'x'; });
    Timer first(loop, [&] {
        fired += 'a';
        cancelled.cancel();
        gone = nullptr;
    });
    gone = std::make_unique<Timer>(loop, [&] { fired += 'y'; });
    Timer last(loop, [&] { fired += 'b'; });
    first.arm(Millis{1});
    cancelled.arm(Millis{2});
    gone->arm(Millis{2});
    last.arm(Millis{3});
    spin_past(last.deadline());
    loop.turn(kNow);
    CHECK(fired == "ab");
    CHECK_FALSE(cancelled.armed());
    cancelled.cancel();  // once more does nothing
}

TEST_CASE("re-arming moves the deadline, both ways") {
    EventLoop loop;
    int fired = 0;
    Timer timer(loop, [&] { ++fired; });
    timer.arm(kLong);
    timer.arm(Millis{1});
    CHECK(turn_until(loop, [&] { return fired == 1; }));
    timer.arm(Millis{1});
    timer.arm(kLong);
    loop.turn(Millis{3});
    CHECK(fired == 1);
    CHECK(timer.armed());
}

TEST_CASE("the clock of the loop stands still during a turn") {
    EventLoop loop;
    TimePoint seen;
    Task soon(loop, Phase::kSoon, [&] {
        seen = loop.now();
        spin_past(seen + Millis{1});
    });
    Task flush(loop, Phase::kFlush, [&] { CHECK(loop.now() == seen); });
    soon.schedule();
    flush.schedule();
    loop.turn(kNow);
    CHECK(loop.now() == seen);
    loop.turn(kNow);
    CHECK(loop.now() > seen);
}

TEST_CASE("a turn tells how long it took, its tasks and timers included") {
    EventLoop loop;
    std::vector<TimePoint::duration> told;
    loop.on_turn([&](TimePoint::duration took) { told.push_back(took); });
    const auto work = [](Millis time) {
        for (const TimePoint begin = monotonic_now(); since(begin) < time;) {
        }
    };
    Task task(loop, Phase::kFlush, [&] { work(Millis{6}); });
    Timer timer(loop, [&] { work(Millis{5}); });
    timer.arm(Millis{1});
    task.schedule();
    while (timer.armed()) {
        loop.turn(kLong);
    }
    REQUIRE(!told.empty());
    TimePoint::duration sum{};
    for (const TimePoint::duration each : told) {
        sum += each;
    }
    CHECK(sum >= Millis{11});
    told.clear();
    loop.turn(Millis{20});  // waiting is no work
    REQUIRE(told.size() == 1);
    CHECK(told[0] < Millis{20});
}

TEST_CASE("work goes down the phases within one turn, each task once") {
    EventLoop loop;
    std::string order;
    Task flush(loop, Phase::kFlush, [&] { order += 'f'; });
    Task stage(loop, Phase::kStage, [&] {
        order += 'p';
        flush.schedule();
    });
    Task soon(loop, Phase::kSoon, [&] {
        order += 's';
        stage.schedule();
        stage.schedule();
    });
    Task last(loop, Phase::kSoon, [&] { order += 'l'; });
    soon.schedule();
    last.schedule();
    soon.schedule();  // is queued already, and keeps its place
    CHECK(soon.scheduled());
    loop.turn(kLong);
    CHECK(order == "slpf");
    CHECK_FALSE(soon.scheduled());
}

TEST_CASE("work for a phase that has passed waits a turn, and the turn does not wait") {
    EventLoop loop;
    std::string order;
    Task soon(loop, Phase::kSoon, [&] { order += 's'; });
    std::unique_ptr<Task> again;
    again = std::make_unique<Task>(loop, Phase::kStage, [&] {
        order += 'p';
        if (order.size() < 3) {
            again->schedule();  // its own phase has begun
            soon.schedule();
        }
    });
    again->schedule();
    const TimePoint begin = monotonic_now();
    loop.turn(kLong);
    CHECK(order == "p");
    loop.turn(kLong);
    CHECK(order == "psp");
    CHECK(since(begin) < kLong);
    CHECK_FALSE(again->scheduled());
}

TEST_CASE("a task that is cancelled or destroyed while it is queued does not run") {
    EventLoop loop;
    std::string order;
    std::unique_ptr<Task> gone;
    Task cancelled(loop, Phase::kSoon, [&] { order += 'x'; });
    Task first(loop, Phase::kSoon, [&] {
        order += 'a';
        cancelled.cancel();
        gone = nullptr;
    });
    gone = std::make_unique<Task>(loop, Phase::kSoon, [&] { order += 'y'; });
    Task last(loop, Phase::kSoon, [&] { order += 'b'; });
    first.schedule();
    cancelled.schedule();
    gone->schedule();
    last.schedule();
    loop.turn(kNow);
    CHECK(order == "ab");
    {
        Task short_lived(loop, Phase::kFlush, [&] { order += 'z'; });
        short_lived.schedule();
    }
    loop.turn(kNow);
    CHECK(order == "ab");
}

TEST_CASE("run turns until it is stopped, and finishes the turn it is stopped in") {
    EventLoop loop;
    std::string order;
    Task flush(loop, Phase::kFlush, [&] { order += 'f'; });
    Timer timer(loop, [&] {
        order += 't';
        flush.schedule();
        loop.stop();
    });
    for (int i = 0; i < 2; ++i) {  // and may run again
        timer.arm(Millis{1});
        loop.run();
    }
    CHECK(order == "tftf");
}
