#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "mcp_listed.h"
#include "mcp_stage.h"
#include "neurond/base/limits.h"
#include "neurond/mcp/own_lists.h"

using namespace neuron;

namespace {

constexpr uint16_t kRoots = ClientCaps::kRoots;

Requester session(const std::string& party, uint16_t caps = kRoots) {
    return {{"uid:1", ""}, party, {caps}, true};
}

Names names_of(const Catalog& catalog) {
    Names out;
    for (const CatalogEntry& entry : catalog.entries()) {
        out.push_back(entry.name);
    }
    return out;
}

/// Two servers, of which redis may list something else to some.
struct TwoServers {
    TwoServers() {
        mail.own_name = "mail";
        set(offer_of({"get"}));
    }
    void set(std::shared_ptr<const Offer> redis_offer) {
        CatalogBuilder builder;
        builder.add_downstream("redis", redis.registration.handle(),
                               std::move(redis_offer));
        builder.add_downstream("mail", mail.registration.handle(), offer_of({"send"}));
        lists.set_base(builder.build("."));
    }
    Parties parties;
    FakeServer redis{parties.answerers};
    FakeServer mail{parties.answerers};
    OwnLists lists{parties};
};

}  // namespace

TEST_CASE("who has nothing of its own sees what all see, and the same object") {
    TwoServers world;
    const auto all = world.lists.of(session("a"));
    CHECK(names_of(*all) == Names{"mail.send", "redis.get"});
    CHECK((world.lists.of(session("b")) == all));
    world.redis.own["a"] = all->part("redis")->offer;  // lists just the same
    CHECK((world.lists.of(session("a")) == all));
}

TEST_CASE("a list of one's own takes the place of its server's part") {
    TwoServers world;
    world.redis.own["a"] = offer_of({"get", "sample"});
    const auto all = world.lists.of(session("b"));
    const auto own = world.lists.of(session("a"));
    CHECK(names_of(*own) == Names{"mail.send", "redis.get", "redis.sample"});
    CHECK(names_of(*all) == Names{"mail.send", "redis.get"});
    CHECK(own->find("redis.sample")->answerer == world.redis.registration.handle());
    CHECK(names_of(*own->seen_as(View{"redis", false})) == Names{"get", "sample"});
    CHECK(own->find("mail.send")->item.data == all->find("mail.send")->item.data);
    CHECK((world.lists.of(session("a")) == own));
    world.redis.own["c"] = world.redis.own["a"];
    CHECK((world.lists.of(session("c")) == own));
}

TEST_CASE("a list of one's own stands while the server for all is down") {
    TwoServers world;
    world.redis.own["a"] = offer_of({"get"});
    world.set(nullptr);
    CHECK(names_of(*world.lists.of(session("a"))) == Names{"mail.send", "redis.get"});
    CHECK(names_of(*world.lists.of(session("b"))) == Names{"mail.send"});
}

TEST_CASE("of very many different lists the ones not looked at are forgotten") {
    TwoServers world;
    const auto kept = [&] {
        world.redis.own["keeps"] = offer_of({"kept"});
        return world.lists.of(session("keeps"));
    }();
    std::weak_ptr<const Catalog> first;
    for (size_t i = 0; i <= kMaxOwnCatalogs; ++i) {
        const std::string party = "p" + std::to_string(i);
        world.redis.own[party] = offer_of({party});
        const auto own = world.lists.of(session(party));
        CHECK(own->find("redis." + party) != nullptr);
        first = i == 0 ? own : first;
        CHECK((world.lists.of(session("keeps")) == kept));
    }
    CHECK(first.expired());
}

TEST_CASE("a list waits for what serves its client alone, and for nothing else") {
    struct Row {
        const char* why;
        uint16_t caps;
        const char* starting;
        View view;
        bool ready;
    };
    for (const Row& row : {
             Row{"its own is starting", kRoots, "a", {}, false},
             Row{"another's is", kRoots, "b", {}, true},
             Row{"it can do nothing", 0, "a", {}, true},
             Row{"it looks elsewhere", kRoots, "a", {"mail", false}, true},
             Row{"it looks there", kRoots, "a", {"redis", true}, false},
         }) {
        CAPTURE(row.why);
        TwoServers world;
        world.redis.starting = {row.starting};
        CHECK(world.lists.ready(row.view, session("a", row.caps)) == row.ready);
    }
}

TEST_CASE("who waits is told once, when it is there or will not be") {
    TwoServers world;
    FakeClient client(world.parties.askers);
    world.redis.starting = {"a"};
    world.lists.wait({}, session("a"), client.registration.handle(), 7);
    world.lists.wait({}, session("b"), client.registration.handle(), 8);
    world.lists.look_again();
    CHECK(client.told == Told{"8 ready"});
    world.redis.starting.clear();
    world.lists.look_again();
    world.lists.look_again();
    CHECK(client.told == Told{"8 ready", "7 ready"});
    {
        FakeClient leaver(world.parties.askers);
        world.lists.wait({}, session("a"), leaver.registration.handle(), 9);
    }
    world.lists.look_again();
    CHECK(client.told.size() == 2);
}

TEST_CASE("when very many wait, who has waited longest goes without") {
    TwoServers world;
    FakeClient client(world.parties.askers);
    world.redis.starting = {"a"};
    for (uint64_t i = 0; i <= kMaxListWaits; ++i) {
        world.lists.wait({}, session("a"), client.registration.handle(), i);
    }
    CHECK(client.told == Told{"0 ready"});
}

TEST_CASE("a call of what its own server may list waits for that, within the policy") {
    Stage stage;
    stage.server.starting = {"s"};
    const auto submit = [&stage](const char* tool) {
        CallRequest request = call_request(std::string(R"({"name":")") + tool + "\"}");
        static_cast<Requester&>(request) = {{"uid:1", ""}, "s", {kRoots}, true};
        request.asker = stage.client.registration.handle();
        stage.router->submit(std::move(request));
        stage.turn();
    };
    submit("redis.later");
    submit("redis.never");
    submit("redis.secret");
    CHECK(stage.client.told.empty());
    CHECK(stage.server.prepared == "s s s ");
    stage.server.starting.clear();
    stage.server.own["s"] = offer_of({"later", "secret"});
    stage.router->on_own_lists_changed();
    stage.turn();
    CHECK(stage.server.taken.size() == 1);
    CHECK(stage.client.told ==
          Told{"0 own  Unknown tool: redis.never",
               "0 own  Access denied to tool redis.secret by security policy"});
    submit("mail.other");  // of no server that could have it: nothing is brought up
    CHECK(stage.server.prepared == "s s s s ");
}

TEST_CASE("offers that say the same are kept once") {
    OfferPool pool;
    const auto first = pool.share(offer_of({"get", "set"}));
    CHECK((pool.share(offer_of({"get", "set"})) == first));
    CHECK((pool.share(offer_of({"get"})) != first));
    const auto subscribes = offer_of({"get", "set"});
    subscribes->caps.subscribe = true;
    CHECK((pool.share(subscribes) == subscribes));
    const auto speaks = offer_of({"get", "set"});
    speaks->instructions = "Use with care.";
    CHECK((pool.share(speaks) == speaks));
}
