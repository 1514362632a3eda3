#include "net_channel_world.h"

TEST_CASE("bytes go both ways, not before their phase") {
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        peer.say("ping");
        CHECK(turn_until(loop, [&] { return !user.got.empty(); }));
        CHECK(user.got == "ping");
        user.say("po");
        user.say("ng");
        CHECK(peer.hear().empty());
        loop.turn(kNow);
        CHECK(peer.hear() == "pong");
        CHECK(user.channel.open());
        CHECK(user.told.empty());
    }
}

TEST_CASE("a turn reads no more than its budget, and the rest is not forgotten") {
    EventLoop loop;
    FdPair pipe = make_pipe();
    REQUIRE(::fcntl(pipe.second.get(), F_SETPIPE_SZ, 512 * 1024) > 0);
    const std::string text = pattern(400 * 1024);
    put(pipe.second, text);
    User user(loop, make_pipe_stream(std::move(pipe.first), Fd()));
    for (int turn = 1; user.got.size() < text.size(); ++turn) {
        const size_t before = user.got.size();
        loop.turn(kNow);
        REQUIRE(user.got.size() > before);
        CHECK(user.got.size() - before <= kReadBudgetBytes);
    }
    CHECK(user.got == text);
}

TEST_CASE("a turn writes no more than its budget, and nobody has to ask for the rest") {
    EventLoop loop;
    FdPair pipe = make_pipe();
    REQUIRE(::fcntl(pipe.second.get(), F_SETPIPE_SZ, 512 * 1024) > 0);
    User user(loop, make_pipe_stream(Fd(), std::move(pipe.second)));
    const std::string text = pattern(400 * 1024);
    user.channel.out().append(Slice::copy_of(text));
    user.channel.flush();
    std::string got;
    while (got.size() < text.size()) {
        loop.turn(kLong);
        const std::string more = take(pipe.first);
        REQUIRE_FALSE(more.empty());
        CHECK(more.size() <= kWriteBudgetBytes);
        got += more;
    }
    CHECK(got == text);
}

TEST_CASE(
    "large and small pieces arrive whole and in order at a peer who reads oddly") {
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        std::mt19937 random(11);  // NOLINT: the same every time
        std::string sent;
        for (int i = 0; i < 300; ++i) {  // more parts than one writev takes
            const std::string piece = pattern(1 + random() % 9000);
            sent += piece;
            if (random() % 2 == 0) {
                user.channel.out().append(Slice::copy_of(piece));
            } else {
                user.channel.out().write(piece);
            }
            user.channel.flush();
        }
        std::string got;
        CHECK(turn_until(loop, [&] {
            got += peer.hear(1 + random() % 30000);
            return got.size() >= sent.size();
        }));
        CHECK(got == sent);
    }
}

TEST_CASE("over the high mark it is congested, until under the low mark, said once") {
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        user.say(std::string(kHighWaterBytes, 'x'));
        CHECK_FALSE(user.channel.congested());  // not over it
        user.say("x");
        CHECK(user.channel.congested());
        while (user.channel.congested()) {
            CHECK(user.told.empty());
            CHECK(user.channel.out().bytes() >= kLowWaterBytes);
            loop.turn(Millis{1});
            peer.hear(8 * 1024);  // slowly
        }
        CHECK(user.told == "room ");
        CHECK(user.channel.out().bytes() < kLowWaterBytes);
        CHECK(turn_until(loop, [&] {
            peer.hear();
            return user.channel.out().empty();
        }));
        CHECK(user.told == "room ");
        user.say(std::string(kHighWaterBytes + 1, 'x'));  // and all over again
        CHECK(turn_until(loop, [&] {
            peer.hear();
            return user.told == "room room ";
        }));
    }
}

TEST_CASE("without space nothing is read and nothing spins, until asked") {
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        user.room = 0;
        peer.say("one");
        loop.turn(kLong);
        const TimePoint begin = monotonic_now();
        loop.turn(Millis{5});
        CHECK(monotonic_now() - begin >= Millis{5});
        CHECK(user.got.empty());
        user.room = 2;
        user.channel.resume_input();
        CHECK(turn_until(loop, [&] { return user.got.size() == 3; }));
        CHECK(user.got == "one");
    }
}

TEST_CASE("paused in the middle of input it reads no further, peer gone or not") {
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        user.room = 4;
        user.when_input = [&] { user.channel.pause_input(); };
        peer.say("abcdefgh");
        loop.turn(kLong);
        CHECK(user.got == "abcd");
        peer.go();
        const TimePoint begin = monotonic_now();
        loop.turn(Millis{5});
        CHECK(monotonic_now() - begin >= Millis{5});  // a hang-up does not wake it
        CHECK(user.got == "abcd");
        user.channel.resume_input();
        loop.turn(kLong);
        CHECK(user.got == "abcdefgh");
        CHECK(user.told.empty());
        user.channel.resume_input();
        CHECK(turn_until(loop, [&] { return user.told == "end "; }));
        CHECK(user.closed.empty());
    }
}

TEST_CASE("when the peer says no more, it can still be answered") {
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        peer.say("question");
        peer.say_no_more();
        CHECK(turn_until(loop, [&] { return user.told == "end "; }));
        CHECK(user.got == "question");
        const TimePoint begin = monotonic_now();
        loop.turn(Millis{5});
        CHECK(monotonic_now() - begin >= Millis{5});
        user.say("answer");
        loop.turn(kNow);
        CHECK(peer.hear() == "answer");
        CHECK(user.told == "end ");
        user.channel.finish("answered");  // nothing to linger for
        CHECK(turn_until(loop, [&] { return !user.closed.empty(); }));
        CHECK(user.closed == Reasons{"answered"});
        CHECK(user.told == "end ");
    }
}

TEST_CASE("output ends once it has been written, and reading goes on") {
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        const std::string text = pattern(100 * 1024);
        user.say(text);
        user.channel.end_output();
        turns(loop, 10);  // a pipe is full now
        std::string got;
        CHECK(turn_until(loop, [&] {
            got += peer.hear();
            return peer.heard_end();
        }));
        CHECK(got == text);
        user.say("too late");  // goes nowhere, and harms nobody
        user.channel.end_output();
        peer.say("still here");
        CHECK(turn_until(loop, [&] { return !user.got.empty(); }));
        CHECK(user.got == "still here");
        CHECK(user.channel.out().empty());
        CHECK(user.channel.open());
    }
}

TEST_CASE("finish writes everything, lingers for the peer's end and then closes") {
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        const std::string text = pattern(100 * 1024);
        user.say(text);
        user.channel.finish("done");
        user.channel.finish("not this");
        turns(loop, 10);  // a pipe is full now
        CHECK_FALSE(user.channel.open());
        peer.say("nobody reads this");
        std::string got;
        CHECK(turn_until(loop, [&] {
            got += peer.hear();
            return peer.heard_end();
        }));
        CHECK(got == text);
        CHECK(user.channel.lingering());
        CHECK(user.told.find("linger ") != std::string::npos);
        peer.say("nor this");
        loop.turn(kLong);
        CHECK(user.got.empty());
        CHECK(user.closed.empty());
        peer.go();
        CHECK(turn_until(loop, [&] { return !user.closed.empty(); }));
        CHECK(user.closed == Reasons{"done"});
        CHECK(user.channel.closed());
    }
}

TEST_CASE("unread input does not cost the peer what was written for it") {
    EventLoop loop;
    Peer peer(Kind::kSocket);
    User user(loop, peer);
    user.room = 0;
    peer.say(pattern(100 * 1024));
    loop.turn(kLong);
    user.say("413 too large");
    user.channel.finish("refused");
    std::string got;
    CHECK(turn_until(loop, [&] {
        got += peer.hear();
        return peer.heard_end();  // an end, not a reset
    }));
    CHECK(got == "413 too large");
    const TimePoint begin = monotonic_now();
    peer.go();
    CHECK(turn_until(loop, [&] { return !user.closed.empty(); }));
    CHECK(monotonic_now() - begin < Millis{1000});  // the end was seen, not waited out
}

TEST_CASE("a peer that never ends is waited for two seconds") {
    EventLoop loop;
    Peer peer(Kind::kSocket);
    User user(loop, peer);
    const TimePoint begin = monotonic_now();
    user.channel.finish("done");
    CHECK(turn_until(loop, [&] { return !user.closed.empty(); }));
    CHECK(user.closed == Reasons{"done"});
    CHECK(monotonic_now() - begin >= Millis{2000});
}

TEST_CASE("closed in any callback, it says so once, later, and nothing else") {
    for (const Kind kind : kKinds) {
        for (const int callback : {0, 1, 2, 3}) {
            EventLoop loop;
            Peer peer(kind);
            User user(loop, peer);
            const auto close = [&] {
                user.channel.close("enough");
                CHECK(user.channel.closed());
                CHECK(user.closed.empty());  // never from inside a call
                user.channel.close("again");
                user.say("into the void");
                user.channel.finish("no");
                user.channel.end_output();
                user.channel.resume_input();
            };
            user.room = 3;
            switch (callback) {
                case 0:
                    user.when_input = close;
                    peer.say("abcdef");
                    break;
                case 1:
                    user.when_end = close;
                    peer.say_no_more();
                    break;
                case 2:
                    user.when_room = close;
                    user.say(std::string(kHighWaterBytes + 1, 'x'));
                    break;
                default:
                    user.when_linger = close;
                    user.channel.finish("done");
                    break;
            }
            CHECK(turn_until(loop, [&] {
                peer.hear();
                return !user.closed.empty();
            }));
            peer.go();
            turns(loop, 3);
            CHECK(user.closed == Reasons{"enough"});
            CHECK(user.got == (callback == 0 ? "abc" : ""));
            CHECK(user.channel.out().empty());
        }
    }
}

TEST_CASE("a channel may be retired when it is closed, with events still due") {
    EventLoop loop;
    Peer peer(Kind::kSocket);
    auto user = std::make_unique<User>(loop, peer);
    User* const alive = user.get();
    alive->when_input = [&] {
        alive->channel.close("enough");
        loop.retire(std::move(user));
    };
    alive->say("never written");
    peer.say("x");
    loop.turn(kLong);
    loop.turn(kNow);
    CHECK(peer.hear().empty());
    CHECK(peer.heard_end());
}

TEST_CASE("a peer that is gone is noticed when it is written to") {
    const DaemonSignals no_sigpipe;
    EventLoop loop;
    Peer peer(Kind::kSocket);
    User user(loop, peer);
    user.room = 0;  // does not look at its input
    peer.say("x");
    loop.turn(kLong);
    peer.go();
    user.say("hello");
    CHECK(turn_until(loop, [&] { return !user.closed.empty(); }));
    CHECK(user.closed == Reasons{"Broken pipe"});
}

TEST_CASE("a peer that is gone is noticed while output waits for it") {
    const DaemonSignals no_sigpipe;
    EventLoop loop;
    Peer peer(Kind::kSocket);
    User user(loop, peer);
    user.channel.pause_input();
    user.say(std::string(2 * 1024 * 1024, 'x'));
    while (user.channel.out().bytes() > 1024 * 1024) {
        loop.turn(kNow);
        peer.hear();
    }
    peer.go();
    CHECK(turn_until(loop, [&] { return !user.closed.empty(); }));
    CHECK(user.closed.size() == 1);
    CHECK(user.channel.out().empty());
}
