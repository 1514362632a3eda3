#include <doctest/doctest.h>

#include <set>
#include <string>

#include "loop_world.h"
#include "neurond/back/update_feed.h"

using namespace neuron;

namespace {

/// Writes down what a server is told: "+a" and "-a", "listen1[a b ]", "end1".
struct Server final : UpdateFeedOwner {
    uint64_t send_subscribe(const std::string& uri, bool subscribe) override {
        told += (subscribe ? "+" : "-") + uri + " ";
        return ++requests;
    }
    void on_subscribed(const std::string& uri, const Answer& answer) override {
        const bool good = answer.kind == Answer::Kind::kResult;
        answered += uri + (good ? " ok " : " no ");
    }
    uint64_t send_listen(const std::set<std::string>& uris) override {
        told += "listen" + std::to_string(++last) + "[";
        for (const std::string& uri : uris) {
            told += uri + " ";
        }
        told += "] ";
        return last;
    }
    void end_listen(uint64_t id) override { told += "end" + std::to_string(id) + " "; }
    void on_updates_missed() override { told += "missed "; }
    std::string said() { return std::exchange(told, {}); }

    std::string verdicts() { return std::exchange(answered, {}); }

    uint64_t last = 0;        ///< listen
    uint64_t requests = 100;  ///< … and other request
    std::string told;
    std::string answered;
};

const Answer kDone = Answer::result(Slice({}, "{}"));
const Answer kLost = Answer::failure({});
const Answer kNo = Answer::error(Slice({}, R"({"code":-1,"message":"no"})"));

ServerHello hello(Revision revision, bool list_changed = true, bool subscribe = true) {
    ServerHello out;
    out.revision = revision;
    out.caps.list_changed = list_changed;
    out.caps.subscribe = subscribe;
    return out;
}

constexpr Revision kModern = Revision::k20260728;

}  // namespace

TEST_CASE("a legacy server is asked once a resource, and again when it was restarted") {
    World world;
    Server server;
    UpdateFeed feed(world.loop, server);
    feed.want({"a", "b"});
    CHECK(server.said().empty());  // it is not there yet
    feed.begin(hello(Revision::k20250618));
    CHECK(server.said() == "+a +b ");
    feed.want({"a", "b"});
    CHECK(server.said().empty());
    feed.want({"b", "c"});
    CHECK(server.said() == "+c -a ");
    feed.stop();
    feed.want({"c"});
    CHECK(server.said().empty());
    feed.begin(hello(Revision::k20250618));
    CHECK(server.said() == "+c ");
    feed.begin(hello(Revision::k20250618, true, false));
    feed.want({"d"});
    CHECK(server.said().empty());
}

TEST_CASE("a modern server has one listen, changed by opening the next one first") {
    World world;
    Server server;
    UpdateFeed feed(world.loop, server);
    feed.begin(hello(kModern));
    CHECK(server.said() == "listen1[] ");
    feed.want({"a"});
    feed.want({"a", "b"});
    CHECK(server.said().empty());  // until the first is acknowledged
    feed.on_acknowledged(1, {"a", "b"});
    CHECK(server.said() == "missed listen2[a b ] ");
    feed.on_acknowledged(1, {"a", "b"});  // once more, which means nothing
    CHECK(server.said().empty());
    feed.on_acknowledged(2, {"a", "b"});
    CHECK(server.said() == "end1 ");
    feed.want({"a", "b"});
    CHECK(server.said().empty());
    feed.want({});
    CHECK(server.said() == "listen3[] ");
    feed.on_acknowledged(3, {"a", "b"});
    CHECK(server.said() == "end2 ");
}

TEST_CASE("a server that tells of nothing is not asked") {
    World world;
    Server server;
    UpdateFeed feed(world.loop, server);
    feed.begin(hello(kModern, false, false));
    feed.want({"a"});
    CHECK(server.said().empty());
    feed.begin(hello(kModern, false, true));
    CHECK(server.said() == "listen1[a ] ");
    feed.on_acknowledged(1, {"a", "b"});
    feed.want({});
    CHECK(server.said() == "end1 ");
    feed.begin(hello(kModern, true, false));
    feed.on_acknowledged(2, {"a", "b"});
    feed.want({"a"});
    CHECK(server.said() == "listen2[] missed ");
}

TEST_CASE("a listen that ends is opened again later, and what was missed is made up") {
    World world;
    Server server;
    UpdateFeed feed(world.loop, server);
    feed.begin(hello(kModern));
    feed.on_acknowledged(1, {"a", "b"});
    server.said();
    feed.on_answer(1, kLost);
    feed.want({"a"});
    CHECK(server.said().empty());  // not at once
    CHECK(world.until([&server] { return server.last == 2; }));
    CHECK(server.said() == "listen2[a ] ");
    feed.on_acknowledged(2, {"a", "b"});
    CHECK(server.said() == "missed ");
    feed.on_answer(7, kLost);  // none of ours
    feed.begin(hello(kModern));
    feed.on_answer(3, kNo);  // it knows no such method
    feed.want({"b"});
    server.said();
    feed.begin(hello(kModern));
    CHECK(server.said() == "listen4[b ] ");
}

TEST_CASE("what a legacy server refuses is asked again when it is wanted anew") {
    World world;
    Server server;
    UpdateFeed feed(world.loop, server);
    feed.begin(hello(Revision::k20250618));
    feed.want({"a", "b"});
    feed.on_answer(101, kDone);
    feed.on_answer(102, kNo);
    feed.on_answer(102, kNo);
    CHECK(server.verdicts() == "a ok b no ");
    server.said();
    feed.want({"a", "b", "c"});  // somebody else's, and b is still wanted
    CHECK(server.said() == "+c ");
    feed.want({"a"});
    CHECK(server.said() == "-c ");
    feed.want({"a", "b"});
    CHECK(server.said() == "+b ");
    feed.on_answer(103, kNo);  // c, which nobody wants
    CHECK(server.verdicts().empty());
    feed.want({"a"});
    feed.want({"a", "b"});
    feed.on_answer(105, kNo);  // the first of two
    CHECK(server.verdicts().empty());
    feed.on_answer(107, kDone);
    CHECK(server.verdicts() == "b ok ");
}

TEST_CASE("what a modern server leaves out of its acknowledgement it has refused") {
    World world;
    Server server;
    UpdateFeed feed(world.loop, server);
    feed.begin(hello(kModern, true));
    feed.want({"a", "b"});
    feed.on_acknowledged(1, {});
    CHECK(server.verdicts().empty());
    feed.on_acknowledged(2, {"a"});
    CHECK(server.verdicts() == "a ok b no ");
    server.said();
    feed.want({"a"});
    CHECK(server.said().empty());  // that is what it tells of already
    feed.want({"a", "b"});
    CHECK(server.said() == "listen3[a b ] ");
    feed.on_answer(3, kNo);
    CHECK(server.verdicts() == "a no b no ");
}
