#include "neurond/fleet/membership.h"

#include <unistd.h>

#include <string>

#include "neurond/fleet/registrar.h"
#include "net_http_world.h"

using namespace neuron;

namespace {

struct Cortexd : HttpWorld {
    Cortexd() {
        settings.cortexd = target;
        settings.cortexd.url.path_and_query = "/base";
        settings.cortexd.idle_time = Millis{60 * 1000};
        settings.node_id = "n1";
        settings.address = "10.0.0.1";
        settings.port = 8443;
        settings.capabilities = {"a", "b\"c"};
        settings.heartbeat_interval = Millis{10};
    }
    static std::string yes() { return "HTTP/1.1 204 No Content\r\n\r\n"; }

    MembershipSettings settings;
};

}  // namespace

TEST_CASE("what is said: register, heartbeats, deregister, in one connection") {
    Cortexd world;
    Membership membership(world.loop, world.names, world.settings);
    CHECK(world.nobody_connects());
    membership.join();
    const Fd fd = world.accept();
    const std::string first = world.request(fd);
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    CHECK(starts_with(first, "POST /base/api/v1/nodes/register HTTP/1.1\r\n"));
    CHECK(ends_with(first, "\r\n\r\n{\"node_id\":\"n1\",\"hostname\":\"" +
                               std::string(host) +
                               "\",\"ip_address\":\"10.0.0.1\",\"port\":8443,"
                               "\"capabilities\":[\"a\",\"b\\\"c\"]}"));
    put(fd, Cortexd::yes());
    for (int i = 0; i < 2; ++i) {
        const std::string beat = world.request(fd);
        CHECK(starts_with(beat, "POST /base/api/v1/nodes/heartbeat HTTP/1.1\r\n"));
        CHECK(ends_with(beat, "\r\n\r\n{\"node_id\":\"n1\"}"));
        if (i == 1) {  // no further one comes in between
            world.settings.heartbeat_interval = Millis{60 * 1000};
            membership.change(world.settings);
        }
        put(fd, Cortexd::yes());
    }
    for (int i = 0; i < 5; ++i) {
        world.loop.turn(Millis{2});
    }
    CHECK(membership.describe() == "registered");
    bool left = false;
    membership.leave([&left] { left = true; });
    const std::string last = world.request(fd);
    CHECK(starts_with(last, "POST /base/api/v1/nodes/deregister HTTP/1.1\r\n"));
    CHECK(ends_with(last, "\r\n\r\n{\"node_id\":\"n1\"}"));
    put(fd, Cortexd::yes());
    CHECK(world.until([&] { return left; }));
}

TEST_CASE("who has heard nothing is not told of the end") {
    Cortexd world;
    Membership membership(world.loop, world.names, world.settings);
    bool left = false;
    membership.leave([&left] { left = true; });
    CHECK(left);
    CHECK(world.nobody_connects());
}

TEST_CASE("what has changed while a request is open is told after it") {
    Cortexd world;
    world.settings.heartbeat_interval = Millis{60 * 1000};
    Membership membership(world.loop, world.names, world.settings);
    membership.join();
    const Fd fd = world.accept();
    world.request(fd);
    MembershipSettings next = world.settings;
    next.port = 9;
    membership.change(next);
    put(fd, Cortexd::yes());
    CHECK(world.request(fd).find("\"port\":9,") != std::string::npos);
    put(fd, Cortexd::yes());
    CHECK(world.until([&] { return membership.describe() == "registered"; }));

    // the interval alone is nobody's business but ours
    next.heartbeat_interval = Millis{1};
    membership.change(next);
    CHECK(world.request(fd).find("/heartbeat ") != std::string::npos);
}

TEST_CASE("another place or another node is another membership") {
    Cortexd world;
    world.settings.heartbeat_interval = Millis{60 * 1000};
    MembershipSettings other = world.settings;
    other.port = 1;
    other.cortexd.headers.emplace_back("A", "b");
    CHECK(is_same_membership(world.settings, other));
    other.cortexd.url.path_and_query = "";
    CHECK_FALSE(is_same_membership(world.settings, other));
    other = world.settings;
    other.node_id = "n2";
    CHECK_FALSE(is_same_membership(world.settings, other));

    Registrar registrar(world.loop, world.names);
    registrar.use(world.settings);
    CHECK(registrar.describe() == "not registered");
    registrar.begin();
    const Fd one = world.accept();
    world.request(one);
    put(one, Cortexd::yes());
    CHECK(world.until([&] { return registrar.describe() == "registered"; }));
    registrar.use(other);
    const Fd two = world.accept();
    CHECK(world.request(two).find("\"node_id\":\"n2\"") != std::string::npos);
    CHECK(world.request(one).find("/deregister ") != std::string::npos);
    put(one, Cortexd::yes());
    put(two, Cortexd::yes());
    CHECK(world.until([&] { return registrar.describe() == "registered"; }));
    registrar.use(std::nullopt);
    CHECK(registrar.describe().empty());
    bool left = false;
    registrar.leave([&left] { left = true; });
    CHECK_FALSE(left);
    CHECK(world.request(two).find("/deregister ") != std::string::npos);
    put(two, Cortexd::yes());
    CHECK(world.until([&] { return left; }));
}
