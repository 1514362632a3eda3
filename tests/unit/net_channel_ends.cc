#include "net_channel_world.h"

TEST_CASE("the last words of a peer that went meanwhile are heard") {
    const DaemonSignals no_sigpipe;
    for (const Kind kind : kKinds) {
        EventLoop loop;
        Peer peer(kind);
        User user(loop, peer);
        // After this turn's events, before its writes.
        Task meanwhile(loop, Phase::kStage, [&] {
            peer.say("the answer");
            peer.go();
        });
        meanwhile.schedule();
        user.say("the next question");
        const bool socket = kind == Kind::kSocket;
        CHECK(turn_until(loop, [&] {
            return socket ? !user.closed.empty() : user.told == "broken end ";
        }));
        CHECK(user.got == "the answer");
        CHECK(user.closed == (socket ? Reasons{"Broken pipe"} : Reasons{}));
    }
}

TEST_CASE(
    "of a pipe pair the output may break alone, waiting or not, and is said once") {
    const DaemonSignals no_sigpipe;
    for (const size_t size : {size_t{5}, size_t{1024 * 1024}}) {
        EventLoop loop;
        Peer peer(Kind::kPipes);
        User user(loop, peer);
        user.say(std::string(size, 'x'));
        turns(loop, 10);
        peer.listen_no_more();
        user.say("hello");
        CHECK(turn_until(loop, [&] { return user.told == "broken "; }));
        CHECK(user.channel.out().empty());
        user.say("hello?");
        peer.say("still speaking");
        CHECK(turn_until(loop, [&] { return !user.got.empty(); }));
        CHECK(user.got == "still speaking");
        CHECK(user.channel.open());
        peer.go();
        CHECK(turn_until(loop, [&] { return user.told == "broken end "; }));
        user.channel.finish("done");
        CHECK(turn_until(loop, [&] { return !user.closed.empty(); }));
        CHECK(user.closed == Reasons{"done"});
    }
}

TEST_CASE("a socket's peer that only listened is missed when it goes") {
    EventLoop loop;
    Peer peer(Kind::kSocket);
    User user(loop, peer);
    peer.say_no_more();
    CHECK(turn_until(loop, [&] { return user.told == "end "; }));
    peer.go();
    CHECK(turn_until(loop, [&] { return !user.closed.empty(); }));
    CHECK(user.closed == Reasons{"the peer has gone"});
}

TEST_CASE("what the kernel has taken is counted") {
    EventLoop loop;
    Peer peer(Kind::kPipes);
    User user(loop, peer);
    user.say(std::string(100 * 1024, 'x'));
    turns(loop, 10);
    CHECK(user.channel.written() == 64 * 1024);  // a pipe is full
    peer.hear();
    CHECK(turn_until(loop, [&] { return user.channel.written() == 100 * 1024; }));
}

TEST_CASE("a direction without a descriptor has ended from the start") {
    EventLoop loop;
    FdPair pipe = make_pipe();
    User writer(loop, make_pipe_stream(Fd(), std::move(pipe.second)));
    writer.say("text");
    writer.channel.finish("written");
    CHECK(turn_until(loop, [&] { return !writer.closed.empty(); }));
    CHECK(writer.told.empty());  // nothing to linger for
    CHECK(take(pipe.first) == "text");
    User reader(loop, make_pipe_stream(std::move(pipe.first), Fd()));
    reader.say("nowhere");
    loop.turn(kNow);
    CHECK(reader.channel.out().empty());
    CHECK(reader.channel.open());
}

TEST_CASE("a reader that is read from at once and another that floods take turns") {
    EventLoop loop;
    FdPair flood = make_pipe();
    REQUIRE(::fcntl(flood.second.get(), F_SETPIPE_SZ, 1024 * 1024) > 0);
    const std::string mass(1024 * 1024, 'x');
    put(flood.second, mass);
    User busy(loop, make_pipe_stream(std::move(flood.first), Fd()));
    Peer peer(Kind::kSocket);
    User quiet(loop, peer);
    peer.say("x");
    loop.turn(kNow);
    CHECK(quiet.got == "x");
    CHECK(busy.got.size() <= kReadBudgetBytes);
}
