#include "neurond/net/connector.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "loop_world.h"
#include "neurond/net/resolver_cache.h"

using namespace neuron;

namespace {

/// A resolver that answers when the test says so.
struct Names {
    explicit Names(EventLoop& loop)
        : cache(loop, [this](const std::string& host, auto done) {
              asked.push_back(host);
              waiting.push_back(std::move(done));
          }) {}
    void answer(bool ok, std::string_view text) {
        auto done = std::move(waiting.front());
        waiting.erase(waiting.begin());
        done(ok, text);
    }

    std::vector<std::string> asked;
    std::vector<std::function<void(bool, std::string_view)>> waiting;
    ResolverCache cache;
};

struct User final : ResolverUser {
    explicit User(ResolverCache& cache) : registration(cache.users(), *this) {}
    void on_resolved(const Result<HostAddresses>& found) override {
        ++answers;
        text.clear();
        if (!found) {
            text = found.error().message;
            return;
        }
        for (const std::string& ip : *found) {
            text += ip + " ";
        }
    }
    int answers = 0;
    std::string text;
    Registration<ResolverUser> registration;
};

struct Caller final : ConnectorOwner {
    void on_connected(Fd connected) override {
        socket = std::move(connected);
        ++calls;
    }
    void on_connect_failed(const std::string& reason) override {
        why = reason;
        ++calls;
    }
    Fd socket;
    std::string why;
    int calls = 0;
};

struct Listening {
    Listening() : fd(std::move(*listen_tcp(*Address::from_ip("127.0.0.1", 0)))) {}
    uint16_t port() const { return Address::local_of(fd.get()).port(); }
    Fd fd;
};

/// What comes of connecting to `host`, whose name the resolver answers by `addresses`.
std::string outcome(const std::string& host, uint16_t port, bool loopback_only,
                    const char* addresses) {
    EventLoop loop;
    Names names(loop);
    Caller caller;
    Connector connector(loop, names.cache, {host, port, loopback_only}, Millis{2000},
                        caller);
    connector.start();
    CHECK(caller.calls == 0);  // never before start() returns
    if (addresses != nullptr) {
        REQUIRE(names.waiting.size() == 1);
        names.answer(true, addresses);
    }
    CHECK(turn_until(loop, [&caller] { return caller.calls != 0; }));
    CHECK(caller.calls == 1);
    return caller.socket ? Address::peer_of(caller.socket.get()).to_string() : caller.why;
}

}  // namespace

TEST_CASE("addresses and localhost need no resolver") {
    EventLoop loop;
    Names names(loop);
    const std::pair<const char*, const char*> rows[] = {
        {"127.0.0.1", "127.0.0.1 "},
        {"::1", "::1 "},
        {"localhost", "127.0.0.1 ::1 "},
        {"a.localhost", "127.0.0.1 ::1 "},
    };
    for (const auto& row : rows) {
        const char* host = row.first;
        CAPTURE(host);
        User user(names.cache);
        names.cache.resolve(host, user.registration.handle());
        CHECK(user.answers == 0);
        loop.turn(Millis{0});
        CHECK(user.text == row.second);
    }
    CHECK(names.asked.empty());
}

TEST_CASE("a name is asked for once, and again when forgotten or not found") {
    EventLoop loop;
    Names names(loop);
    User first(names.cache);
    User second(names.cache);
    names.cache.resolve("a.example", first.registration.handle());
    names.cache.resolve("a.example", second.registration.handle());
    CHECK(names.asked.size() == 1);
    names.answer(true, "192.0.2.1\n192.0.2.2\n");
    CHECK(first.text == "192.0.2.1 192.0.2.2 ");
    CHECK(second.text == first.text);
    names.cache.resolve("a.example", first.registration.handle());
    CHECK(names.asked.size() == 1);  // known
    loop.turn(Millis{0});
    CHECK(first.answers == 2);
    names.cache.forget("a.example");
    names.cache.resolve("a.example", first.registration.handle());
    CHECK(names.asked.size() == 2);
    names.answer(false, "resolve a.example: Name or service not known");
    CHECK(first.text == "resolve a.example: Name or service not known");
    names.cache.resolve("a.example", first.registration.handle());
    CHECK(names.asked.size() == 3);
    names.answer(true, "");
    CHECK(first.text == "resolve a.example: no address");
}

TEST_CASE("a user that has gone is not called") {
    EventLoop loop;
    Names names(loop);
    {
        User gone(names.cache);
        names.cache.resolve("a.example", gone.registration.handle());
        names.cache.resolve("127.0.0.1", gone.registration.handle());
    }
    loop.turn(Millis{0});
    names.answer(true, "192.0.2.1\n");
}

TEST_CASE("the first address that answers is taken") {
    const Listening listening;
    const std::string here = "127.0.0.1:" + std::to_string(listening.port());
    CHECK(outcome("127.0.0.1", listening.port(), false, nullptr) == here);
    CHECK(outcome("localhost", listening.port(), true, nullptr) == here);
    CHECK(outcome("a.example", listening.port(), false, "127.0.0.9\n127.0.0.1\n") == here);
    CHECK(outcome("a.example", listening.port(), false, "::1\n127.0.0.1\n") == here);
}

TEST_CASE("a failure names the address and the reason") {
    uint16_t closed = 0;
    {
        const Listening listening;
        closed = listening.port();
    }
    const std::string port = std::to_string(closed);
    CHECK(outcome("127.0.0.1", closed, false, nullptr) ==
          "connect 127.0.0.1:" + port + ": Connection refused");
    CHECK(outcome("a.example", closed, false, "127.0.0.2\n127.0.0.3\n") ==
          "connect 127.0.0.2:" + port + ": Connection refused");
    CHECK(outcome("a.example", closed, true, "192.0.2.1\n") ==
          "connect a.example: 192.0.2.1 is not a loopback address");
    CHECK(outcome("a.example", closed, false, "fe80::1%lo\n") ==
          "connect a.example: it has no usable address");
}

TEST_CASE("of a name with several addresses only loopback ones are used where asked") {
    const Listening listening;
    CHECK(outcome("a.example", listening.port(), true, "192.0.2.1\n127.0.0.1\n") ==
          "127.0.0.1:" + std::to_string(listening.port()));
}

TEST_CASE("a resolver that never answers is given up") {
    EventLoop loop;
    Names names(loop);
    Caller caller;
    Connector connector(loop, names.cache, {"a.example", 80, false}, Millis{20}, caller);
    connector.start();
    CHECK(turn_until(loop, [&caller] { return caller.calls == 1; }));
    CHECK(caller.why == "connect a.example: no answer in time");
    names.answer(true, "127.0.0.1\n");  // too late
    loop.turn(Millis{0});
    CHECK(caller.calls == 1);
}

TEST_CASE("a connector may go while it is connecting") {
    EventLoop loop;
    Names names(loop);
    Caller caller;
    {
        Connector connector(loop, names.cache, {"127.0.0.1", 9, false}, Millis{20}, caller);
        connector.start();
        loop.turn(Millis{0});
    }
    loop.turn(Millis{30});
    CHECK(caller.calls == 0);
}
