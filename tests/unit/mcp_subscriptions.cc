#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>

#include "mcp_stage.h"
#include "neurond/mcp/listen.h"
#include "neurond/mcp/subscriptions.h"

using namespace neuron;

namespace {

/// Knows the resources of one server: `mem:///…`, all but those of a denied name.
struct Memory final : ResourceSource {
    std::optional<ResourcePlace> place_of(const std::string& uri, const View&,
                                          const Requester& who) const override {
        if (!starts_with(uri, "mem:") || who.identity.name == "uid:2") {
            return std::nullopt;
        }
        return ResourcePlace{"redis", uri, who.identity.name == "uid:1own" ? "own" : ""};
    }
    void want_updates(const ResourcePlace& place,
                      const std::set<std::string>& uris) override {
        wanted += place.downstream + place.instance + "[";
        for (const std::string& uri : uris) {
            wanted += uri + " ";
        }
        wanted += "]";
    }
    std::string told() { return std::exchange(wanted, {}); }
    std::string wanted;
};

/// Writes down what it is told: "T" for tools, URIs in braces.
struct Ear final : Subscriber {
    Ear(Subscriptions& hub, const char* identity, View view = {},
        ListSet lists = kAllLists)
        : Subscriber(hub, without_session({identity, "peer"}), std::move(view), lists) {}
    void on_news() override {
        ++times;
        if (deaf) {
            return;
        }
        const News taken = take_news();
        told += (taken.lists & set_of(ListKind::kTools)) != 0 ? "T" : "";
        for (const std::string& uri : taken.resources) {
            told += "{" + uri + "}";
        }
    }
    void on_subscribed(const std::string& uri, bool good) override {
        told += (good ? "+" : "-") + uri;
    }
    /// It is not refused at once.
    bool takes(const std::string& uri) {
        const auto known = subscribe(uri);
        return !known || known->kind == Answer::Kind::kResult;
    }
    bool deaf = false;
    int times = 0;
    std::string told;
};

/// Writes down the answers it gets: "1={}", or an error as it is.
struct Waiting final : Asker {
    explicit Waiting(Parties& parties) : registration(parties.askers, *this) {}
    void on_notice(uint64_t, const Notice&) override {}
    void on_answer(uint64_t tag, const Answer& answer) override {
        got += std::to_string(tag) + "=" +
               (answer.kind == Answer::Kind::kOwnError
                    ? answer.own.message
                    : std::string(answer.body.view())) +
               " ";
    }
    Registration<Asker> registration;
    std::string got;
};

struct World66 : Stage {
    void tools(const std::vector<std::string>& names) {
        rules.catalog = catalog_of(server.registration.handle(), names);
        router->set_rules(rules);
        hub.rules_changed();
    }
    void resources(const std::vector<PolicyRule>& about) {
        rules.policy = std::make_shared<const Policy>(false, about);
        router->set_rules(rules);
    }
    /// Lets the delay pass and everything be told.
    void settle() {
        Ear last(hub, "uid:1last");
        last.assume_all_changed();
        CHECK(world.until([&last] { return last.times > 0; }));
    }
    Memory source;
    Subscriptions hub{world.loop, *router, source};
};

std::string written(const ListenFilter& filter, std::string_view id) {
    OutQueue out;
    write_acknowledged(out, id, filter);
    return out.to_string();
}

}  // namespace

TEST_CASE("a client is told when what it would see has changed, and only then") {
    World66 world;
    Ear reader(world.hub, "uid:1000");
    Ear other(world.hub, "uid:2");  // may see nothing
    Ear elsewhere(world.hub, "uid:1000", View{"mail", false});
    Ear no_lists(world.hub, "uid:1000", {}, 0);
    world.settle();
    CHECK(reader.told.empty());
    world.tools({"get", "quick", "more"});
    world.settle();
    CHECK(reader.told == "T");
    world.tools({"get", "quick", "more", "secret"});  // denied to everybody
    world.settle();
    CHECK(reader.told == "T");
    world.tools({"get", "quick"});
    world.tools({"get", "quick", "more"});  // as it was
    world.settle();
    CHECK(reader.told == "T");
    CHECK(other.told.empty());
    CHECK(elsewhere.told.empty());
    CHECK(no_lists.told.empty());
    Ear late(world.hub, "uid:1000");
    world.settle();
    CHECK(late.told.empty());
}

TEST_CASE("a thousand changes are few notices, and wait for one who does not take them") {
    World66 world;
    Ear reader(world.hub, "uid:1000");
    Ear deaf(world.hub, "uid:1000");
    deaf.deaf = true;
    for (int i = 0; i < 1000; ++i) {
        world.tools({"get" + std::to_string(i)});
    }
    world.settle();
    CHECK(reader.told.size() <= 10);
    CHECK_FALSE(reader.told.empty());
    CHECK(deaf.news().lists == set_of(ListKind::kTools));
}

TEST_CASE("one subscription at a server serves many, and ends with the last") {
    World66 world;
    auto one = std::make_unique<Ear>(world.hub, "uid:1000");
    auto two = std::make_unique<Ear>(world.hub, "uid:1001");
    CHECK(one->takes("mem:///a"));
    CHECK(world.source.told() == "redis[mem:///a ]");
    CHECK(two->takes("mem:///a"));
    CHECK(two->takes("mem:///a"));
    CHECK(world.source.told().empty());
    CHECK(two->takes("mem:///b"));
    CHECK(world.source.told() == "redis[mem:///a mem:///b ]");
    one.reset();
    CHECK(world.source.told().empty());
    two->unsubscribe("mem:///a");
    CHECK(world.source.told() == "redis[mem:///b ]");
    two->unsubscribe("mem:///never");
    two.reset();
    CHECK(world.source.told() == "redis[]");
    Ear denied(world.hub, "uid:2");
    CHECK_FALSE(denied.takes("mem:///a"));
    CHECK_FALSE(denied.takes("http://elsewhere"));
    CHECK(world.source.told().empty());
}

TEST_CASE("who subscribes waits for the server, whose answer is for all who wait") {
    World66 world;
    world.resources({{"all", true, {}, {}, {}, {"mem:///*"}}});
    Waiting asker(world.parties);
    const AskerHandle handle = asker.registration.handle();
    Ear one(world.hub, "uid:1000");
    Ear two(world.hub, "uid:1001");
    CHECK_FALSE(one.subscribe("mem:///a", handle, 1));
    CHECK_FALSE(two.subscribe("mem:///a", handle, 2));
    CHECK_FALSE(two.subscribe("mem:///b", handle, 3));
    CHECK(asker.got.empty());
    world.source.told();
    world.hub.on_subscribed({"redis", "mem:///a"}, Answer::result(Slice({}, "{}")));
    CHECK(asker.got == "1={} 2={} ");
    CHECK(one.told == "+mem:///a");
    CHECK(one.takes("mem:///a"));  // known by now
    world.hub.on_subscribed({"redis", "mem:///b"},
                            Answer::error(Slice({}, R"({"code":-5,"message":"no"})")));
    CHECK(asker.got == R"(1={} 2={} 3={"code":-5,"message":"no"} )");
    CHECK(two.told == "+mem:///a-mem:///b");
    CHECK(two.resources() == std::set<std::string>{"mem:///a"});
    CHECK(world.source.told() == "redis[mem:///a ]");
    // Once refused it may be asked again; who gives up meanwhile is answered.
    CHECK_FALSE(two.subscribe("mem:///b", handle, 4));
    two.unsubscribe("mem:///b");
    CHECK(asker.got == R"(1={} 2={} 3={"code":-5,"message":"no"} 4={} )");
}

TEST_CASE("what a restarted server refuses stays wanted, and is refused to others") {
    World66 world;
    Ear one(world.hub, "uid:1000");
    Ear two(world.hub, "uid:1001");
    CHECK(one.takes("mem:///a"));
    world.hub.on_subscribed({"redis", "mem:///a"}, Answer::result(Slice({}, "{}")));
    world.hub.on_subscribed({"redis", "mem:///a"}, Answer::failure({}));
    CHECK_FALSE(two.takes("mem:///a"));
    CHECK(one.resources().size() == 1);
    world.hub.on_subscribed({"redis", "mem:///a"}, Answer::result(Slice({}, "{}")));
    CHECK(two.takes("mem:///a"));
}

TEST_CASE("what was subscribed before a restart is tried again until it is refused") {
    World66 world;
    world.resources({{"all", true, {}, {}, {}, {"mem:///*"}}});
    Ear ear(world.hub, "uid:1000");
    ear.restore({"mem:///a"});
    CHECK(world.source.told() == "redis[mem:///a ]");
    world.hub.on_subscribed({"redis", "mem:///a"}, Answer::failure({}));  // it was away
    CHECK(world.source.told() == "redis[]");
    CHECK(ear.told.find('-') == std::string::npos);
    world.tools({"get", "more"});  // its servers have changed
    world.settle();
    CHECK(world.source.told() == "redis[mem:///a ]");
    world.hub.on_subscribed({"redis", "mem:///a"},
                            Answer::error(Slice({}, R"({"code":-5,"message":"no"})")));
    CHECK(ear.told.find("-mem:///a") != std::string::npos);
}

TEST_CASE("a listen is acknowledged when it is known which resources it names") {
    struct Voice final : ListenOwner {
        void on_listen_message(Listen&, OutQueue&& message) override {
            said += message.to_string() + "\n";
        }
        bool listen_congested(const Listen&) const override { return false; }
        void on_listen_over(Listen&, const char*) override {}
        std::string said;
    };
    World66 world;
    world.resources({{"all", true, {}, {}, {}, {"mem:///*"}}});
    Voice voice;
    Listen listen(world.hub, without_session({"uid:1000", "peer"}), {},
                  {0, {"mem:///a", "mem:///b", "http://no"}, true}, "7", voice);
    listen.begin();
    world.hub.on_subscribed({"redis", "mem:///b"}, Answer::failure({}));
    world.hub.resource_updated({"redis", "mem:///a"});
    world.settle();
    CHECK(voice.said.empty());
    world.hub.on_subscribed({"redis", "mem:///a"}, Answer::result(Slice({}, "{}")));
    CHECK(voice.said.find(R"("resourceSubscriptions":["mem:///a"])") != std::string::npos);
    CHECK(voice.said.find("resources/updated") > voice.said.find("acknowledged"));
    CHECK(voice.said.find("resources/updated") != std::string::npos);
}

TEST_CASE("updates go to subscribers, of what they named and of what lies below") {
    struct Row {
        const char* updated;
        const char* told;
    };
    for (const Row& row : {
             Row{"mem:///a", "{mem:///a}"},
             Row{"mem:///a/x", "{mem:///a/x}"},   // below
             Row{"mem:///a?x", "{mem:///a?x}"},   // below
             Row{"mem:///ab", ""},                // only begins alike
             Row{"mem:///dir/x", "{mem:///dir/x}"},
             Row{"mem:///", ""},                  // above
             Row{"mem:///b", ""},                 // somebody else's
             Row{"mem:///dir/secret", ""},        // below, but not to be read
             Row{"mem:///dir/%73ecret", ""},
         }) {
        CAPTURE(row.updated);
        World66 world;
        world.resources({{"all", true, {}, {}, {}, {"mem:///*"}},
                         {"secret", false, {}, {}, {}, {"mem:///dir/secret*"}}});
        Ear ear(world.hub, "uid:1000");
        Ear other(world.hub, "uid:1000");
        CHECK(ear.takes("mem:///a"));
        CHECK(ear.takes("mem:///dir/"));
        CHECK(other.takes("mem:///b"));
        for (int i = 0; i < 100; ++i) {
            world.hub.resource_updated({"redis", row.updated});
            world.hub.resource_updated({"mail", "mem:///a"});
        }
        world.settle();
        CHECK(ear.told == row.told);
    }
}

TEST_CASE("who has an instance apart hears of it alone") {
    World66 world;
    world.resources({{"all", true, {}, {}, {}, {"mem:///*"}}});
    Ear apart(world.hub, "uid:1own");
    Ear other(world.hub, "uid:1000");
    CHECK(apart.takes("mem:///a"));
    CHECK(world.source.told() == "redisown[mem:///a ]");
    CHECK(other.takes("mem:///a"));
    CHECK(world.source.told() == "redis[mem:///a ]");
    world.hub.resource_updated({"redis", "mem:///a", "own"});
    world.settle();
    CHECK(apart.told == "{mem:///a}");
    CHECK(other.told.empty());
    world.hub.resource_updated({"redis", "mem:///a"});
    world.hub.resource_updated({"redis", "mem:///a", "somebody else's"});
    world.settle();
    CHECK(apart.told == "{mem:///a}");
    CHECK(other.told == "{mem:///a}");
    apart.unsubscribe("mem:///a");
    CHECK(world.source.told() == "redisown[]");
}

TEST_CASE("what one alone sees is news to that one, once it has been shown the list") {
    World66 world;
    Ear reader(world.hub, "uid:1000");
    Ear other(world.hub, "uid:1001");
    const std::string party = identity_party({"uid:1000", ""});
    const auto list = [&](const std::vector<std::string>& tools) {
        world.server.own[party] = offer_of(tools);
        world.router->on_own_lists_changed();
        world.hub.own_lists_changed();
        world.settle();
    };
    list({"get", "first"});
    CHECK(reader.told.empty());
    reader.has_seen(ItemKind::kTool);
    list({"get", "first"});
    CHECK(reader.told.empty());
    list({"get", "second"});
    CHECK(reader.told == "T");
    CHECK(other.told.empty());
    reader.has_seen(ItemKind::kTool);
    list({"get", "second"});
    CHECK(reader.told == "T");
}

TEST_CASE("one who has left is told nothing, and one may leave while news are told") {
    World66 world;
    struct Leaver final : Subscriber {
        explicit Leaver(Subscriptions& hub)
            : Subscriber(hub, without_session({"uid:1", ""}), {}, 7) {}
        void on_news() override {
            ++times;
            leave();
            next.reset();
        }
        std::unique_ptr<Leaver> next;
        int times = 0;
    };
    Leaver first(world.hub);
    first.next = std::make_unique<Leaver>(world.hub);
    world.tools({"other"});
    world.settle();
    world.tools({"another"});
    world.settle();
    CHECK(first.times == 1);
    CHECK(world.hub.size() == 0);
}

TEST_CASE("an acknowledgement says what is honoured, with the id as it was written") {
    CHECK(written({kAllLists, {"a"}, true}, "7") ==
          R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged",)"
          R"("params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7},)"
          R"("notifications":{"toolsListChanged":true,"promptsListChanged":true,)"
          R"("resourcesListChanged":true,"resourceSubscriptions":["a"]}}})");
    CHECK(written({0, {}, false}, R"("\u0061")") ==
          R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged",)"
          R"("params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"\u0061"},)"
          R"("notifications":{}}})");
}

TEST_CASE("news are written for both eras") {
    std::string out;
    const auto say = [&out](OutQueue&& message) { out += message.to_string() + "\n"; };
    write_news({set_of(ListKind::kPrompts), {"mem:///a"}}, {}, say);
    CHECK(out ==
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}\n"
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\","
          "\"params\":{\"uri\":\"mem:///a\"}}\n");
    out.clear();
    write_news({set_of(ListKind::kResources), {}}, "1", say);
    CHECK(out ==
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/list_changed\","
          "\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":1}}}\n");
}
