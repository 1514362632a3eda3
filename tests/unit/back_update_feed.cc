#include <doctest/doctest.h>

#include <set>
#include <string>

#include "loop_world.h"
#include "neurond/back/update_feed.h"

using namespace neuron;

namespace {

/// Writes down what a server is told: "+a" and "-a", "listen1[a b ]", "end1".
struct Server final : UpdateFeedOwner {
    void send_subscribe(const std::string& uri, bool subscribe) override {
        told += (subscribe ? "+" : "-") + uri + " ";
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

    uint64_t last = 0;
    std::string told;
};

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
    feed.on_acknowledged(1);
    CHECK(server.said() == "missed listen2[a b ] ");
    feed.on_acknowledged(1);  // once more, which means nothing
    CHECK(server.said().empty());
    feed.on_acknowledged(2);
    CHECK(server.said() == "end1 ");
    feed.want({"a", "b"});
    CHECK(server.said().empty());
    feed.want({});
    CHECK(server.said() == "listen3[] ");
    feed.on_acknowledged(3);
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
    feed.on_acknowledged(1);
    feed.want({});
    CHECK(server.said() == "end1 ");
    feed.begin(hello(kModern, true, false));
    feed.on_acknowledged(2);
    feed.want({"a"});
    CHECK(server.said() == "listen2[] missed ");
}

TEST_CASE("a listen that ends is opened again later, and what was missed is made up") {
    World world;
    Server server;
    UpdateFeed feed(world.loop, server);
    feed.begin(hello(kModern));
    feed.on_acknowledged(1);
    server.said();
    feed.on_over(1, false);
    feed.want({"a"});
    CHECK(server.said().empty());  // not at once
    CHECK(world.until([&server] { return server.last == 2; }));
    CHECK(server.said() == "listen2[a ] ");
    feed.on_acknowledged(2);
    CHECK(server.said() == "missed ");
    feed.on_over(7, false);  // none of ours
    feed.begin(hello(kModern));
    feed.on_over(3, true);  // it knows no such method
    feed.want({"b"});
    server.said();
    feed.begin(hello(kModern));
    CHECK(server.said() == "listen4[b ] ");
}
