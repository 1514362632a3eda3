#include "neurond/front/link_client.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "loop_world.h"
#include "neurond/loop/helper.h"
#include "neurond/net/line_link.h"

using namespace neuron;

namespace {

/// A downstream that answers when the test says so.
class Slow final : public Answerer {
  public:
    const std::string& name() const noexcept override { return name_; }
    void take(Call& call) override { taken.push_back(call.handle); }
    void cancel(Call& call, CancelReason) override { cancelled.push_back(call.handle); }
    Millis call_timeout(const std::string&) const override { return Millis{10000}; }
    Millis call_timeout_max() const override { return Millis{10000}; }

    std::vector<CallHandle> taken;
    std::vector<CallHandle> cancelled;

  private:
    std::string name_ = "a";
};

struct OneDownstream final : Directory {
    std::optional<Missing> why_missing(const View&, std::string_view) const override {
        return std::nullopt;
    }
    bool has(std::string_view name) const override { return name == "a"; }
};

struct NoResources final : ResourceSource {
    std::optional<ResourcePlace> place_of(const std::string&, const View&,
                                          const Requester&) const override {
        return std::nullopt;
    }
    void want_updates(const ResourcePlace&, const std::set<std::string>&) override {}
};

struct Nobody final : CallObserver {
    void on_call_done(const Call&, const CallEnd&) override {}
    void on_blocked(std::string_view) override {}
};

std::shared_ptr<const Catalog> catalog(AnswererHandle answerer,
                                       const std::string& tool = "x.y") {
    auto offer = std::make_shared<Offer>();
    std::optional<std::string> cursor;
    const Slice page =
        Slice::copy_of(R"({"tools":[{"name":")" + tool +
                       R"(","inputSchema":{"type":"object"}}]})");
    REQUIRE(parse_page(ItemKind::kTool, page, *offer, cursor));
    CatalogBuilder builder;
    builder.add_downstream("a", answerer, offer);
    return builder.build(".");
}

/// A router with one downstream, and a client at the other end of a socketpair.
class Session final : public LinkClientOwner {
  public:
    Session() : slow_(parties.answerers, slow) {
        router.set_rules(
            {catalog(slow_.handle()),
             std::make_shared<const Policy>(true, std::vector<PolicyRule>{})});
    }

    LinkClient& connect() {
        FdPair pair = make_socket_pair();
        client = std::move(pair.first);
        const auto link = [&](LinkOwner& owner) {
            return std::make_unique<LineLink>(
                loop, make_socket_stream(std::move(pair.second)),
                LinkLimits{1000, 16, true}, owner);
        };
        conn = std::make_unique<LinkClient>(loop, link,
                                            Credentials{{}, {}, {"uid:7", "unix pid 1"}},
                                            View(),
                                            router, subscriptions, *this);
        return *conn;
    }

    const char* door_name() const noexcept override { return "ndjson"; }
    Millis stall_timeout() const noexcept override { return stall; }
    std::string new_request_id() override { return "r-1"; }
    void on_link_client_closed(LinkClient&, const std::string& reason) override {
        closed = reason;
        loop.retire(std::move(conn));
    }

    void send(std::string_view text) { put(client, text); }
    /// All that has been said within a few turns.
    std::string heard() {
        std::string out;
        for (int i = 0; i < 5; ++i) {
            loop.turn(Millis{0});
            char buffer[4096];
            for (ssize_t n = 0;
                 (n = ::read(client.get(), buffer, sizeof buffer)) > 0;) {
                out.append(buffer, static_cast<size_t>(n));
            }
        }
        return out;
    }
    std::string say(std::string_view text) {
        send(text);
        return heard();
    }
    /// A tool appears in place of the one there was.
    void change_list(const char* tool) {
        router.set_rules({catalog(slow_.handle(), tool), router.rules().policy});
        subscriptions.rules_changed();
    }
    /// Waits for the first thing that is said.
    std::string heard_later() {
        std::string out;
        for (const TimePoint end = monotonic_now() + Millis{10000};
             out.empty() && monotonic_now() < end;) {
            loop.turn(Millis{10});
            out = heard();
        }
        return out;
    }
    void answer(size_t which, const char* result) {
        router.on_answer(slow.taken.at(which), Answer::result(Slice::copy_of(result)));
    }

    EventLoop loop;
    Parties parties;
    Children children;
    Helper writer{loop, children, HelperRole::kWriter};
    AuditLog audit{loop, writer, {"none", {}, {}, {}, {}}};
    OneDownstream directory;
    Nobody observer;
    Router router{loop, parties, audit, directory, observer, {100, true}};
    Slow slow;
    Registration<Answerer> slow_;
    NoResources resources;
    Subscriptions subscriptions{loop, router, resources};
    Millis stall{30000};
    Fd client;
    std::unique_ptr<LinkClient> conn;
    std::string closed;
};

constexpr const char* kHello =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-03-26"}})"
    "\n"
    R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
    "\n";

std::string call(const char* id, const char* name = "a.x.y") {
    return std::string(R"({"jsonrpc":"2.0","id":)") + id +
           R"(,"method":"tools/call","params":{"name":")" + name + "\"}}\n";
}

}  // namespace

TEST_CASE("lines mean the same wherever the socket cuts them") {
    const std::string text =
        std::string(R"({"jsonrpc":"2.0","id":"\n","method":"ping"})") + "\r\n\n" +
        kHello + "garbage\n" + R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})" +
        "\n[]\n" + R"({"jsonrpc":"2.0","id":2,"method":"ping"})";
    std::string whole;
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        Session world;
        world.connect();
        std::string heard = world.say(text.substr(0, cut));
        world.send(text.substr(cut));
        ::shutdown(world.client.get(), SHUT_WR);
        heard += world.heard();
        if (cut == 0) {
            whole = heard;
            CHECK(heard.find(R"({"jsonrpc":"2.0","id":"\n","result":{}})") == 0);
            CHECK(heard.find(R"("id":2,"result":{}})") != std::string::npos);
        }
        CHECK(heard == whole);
        CHECK(world.closed == "closed by the client");
    }
}

TEST_CASE("the handshake comes first, whatever is asked, but for ping") {
    Session world;
    world.connect();
    CHECK(world.say(call("1")).find("-32600") != std::string::npos);
    CHECK(world.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n")
              .find("result") != std::string::npos);
    world.say(kHello);
    CHECK(world.say(call("1")).empty());
    REQUIRE(world.slow.taken.size() == 1);
    CHECK(world.router.find_call(world.slow.taken[0])->request.identity.name ==
          "uid:7");
    world.answer(0, R"({"content":[]})");
    CHECK(world.heard() ==
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n");
}

TEST_CASE("a batch is one answer, when all of it has been answered") {
    Session world;
    world.connect();
    world.say(kHello);
    std::string first = call("1");
    std::string second = call("\"b\"");
    first.pop_back();
    second.pop_back();
    CHECK(world.say("[" + first + "," + second + ",7]\n").empty());
    REQUIRE(world.slow.taken.size() == 2);
    world.answer(1, "{}");
    CHECK(world.heard().empty());
    world.answer(0, "{}");
    const std::string heard = world.heard();
    CHECK(heard.front() == '[');
    CHECK(
        heard.find(R"("id":"b","result":{}},{"jsonrpc":"2.0","id":1,"result":{}}])") !=
        std::string::npos);
}

TEST_CASE("a cancelled call is taken back and gets no answer, not even in a batch") {
    Session world;
    world.connect();
    world.say(kHello);
    const auto cancel = [&world](const std::string& id) {
        return world.say(R"({"jsonrpc":"2.0","method":"notifications/cancelled",)"
                         R"("params":{"requestId":)" +
                         id + "}}\n");
    };
    std::string batched = call("2");
    batched.pop_back();
    world.say(call(R"("\u0061")") + "[" + batched + "]\n");
    REQUIRE(world.slow.taken.size() == 2);
    CHECK(cancel("\"2\"").empty());
    CHECK(world.slow.cancelled.empty());
    CHECK(cancel("\"a\"").empty());
    CHECK(world.slow.cancelled.size() == 1);
    CHECK(cancel("2").empty());
    CHECK(world.slow.cancelled.size() == 2);
    CHECK(world.router.in_flight() == 0);
}

TEST_CASE("a client that sends no more is answered, one that is gone takes back") {
    Session world;
    world.connect();
    world.say(kHello + call("1"));
    ::shutdown(world.client.get(), SHUT_WR);
    CHECK(world.heard().empty());
    CHECK(world.closed.empty());
    SUBCASE("answered") {
        world.answer(0, "{}");
        CHECK(world.heard() == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
        CHECK(world.closed == "closed by the client");
        CHECK(world.slow.cancelled.empty());
    }
    SUBCASE("gone") {
        world.client.reset();
        CHECK(turn_until(world.loop, [&] { return !world.closed.empty(); }));
        CHECK(world.slow.cancelled.size() == 1);
    }
}

TEST_CASE("draining answers what is in hand and takes nothing more") {
    Session world;
    LinkClient& conn = world.connect();
    world.say(kHello + call("1"));
    conn.drain();
    CHECK(world.say(call("2")).empty());
    CHECK(world.slow.taken.size() == 1);
    world.answer(0, "{}");
    CHECK(world.heard() == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
    CHECK_FALSE(world.closed.empty());
}

TEST_CASE("the first line chooses the view, a later one nothing") {
    const std::string view =
        R"({"jsonrpc":"2.0","method":"notifications/neurond/view","params":)";
    const std::string list = std::string(kHello) +
                             R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})" + "\n";
    const struct {
        std::string lines;
        const char* expected;
    } rows[] = {
        {view + R"({"names":"strict"}})" + "\n" + list, R"("name":"a_x_y")"},
        {view + R"({"namespace":"a"}})" + "\n" + list, R"("name":"x.y")"},
        {view + R"({"namespace":"a","names":"strict"}})" + "\n" + list,
         R"("name":"x_y")"},
        {view + "{}}\n" + list, R"("name":"a.x.y")"},
        // What is wrong with it is said to each request.
        {view + R"({"namespace":"b"}})" + "\n" + list, "no downstream is called 'b'"},
        {view + R"({"names":1}})" + "\n" + list, "names is neither plain nor strict"},
        // Too late.
        {"\n{}\n" + view + R"({"names":"strict"}})" + "\n" + list, R"("name":"a.x.y")"},
    };
    for (const auto& row : rows) {
        Session world;
        world.connect();
        const std::string heard = world.say(row.lines);
        CAPTURE(heard);
        CHECK(heard.find(row.expected) != std::string::npos);
    }
}

TEST_CASE("change notices go to those who said that they are ready") {
    Session world;
    world.connect();
    world.change_list("before");
    world.say(kHello);
    world.change_list("after");
    CHECK(world.heard_later() ==
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n");
}

TEST_CASE("a message that is too large is refused by its id, and the next one served") {
    Session world;
    world.connect();
    const std::string large =
        R"({"jsonrpc":"2.0","id":"big","method":"ping","params":{"x":")" +
        std::string(2000, 'x') + "\"}}\n";
    const std::string heard =
        world.say(large + R"({"jsonrpc":"2.0","id":2,"method":"ping"})" + "\n");
    CHECK(heard.find(R"({"jsonrpc":"2.0","id":"big","error":{"code":-32600)") == 0);
    CHECK(heard.find(R"("id":2,"result":{})") != std::string::npos);
}

TEST_CASE("a client that does not read is not read from, and closed in time") {
    Session world;
    world.stall = Millis{50};
    world.connect();
    world.say(kHello);
    std::string many;
    for (int i = 0; i < 500; ++i) {
        many += call("1", std::string(60, 'n').c_str());
    }
    ssize_t taken = 0;
    size_t total = 0;
    int idle = 0;
    while (idle < 20 && world.closed.empty()) {
        taken = ::send(world.client.get(), many.data(), many.size(), MSG_NOSIGNAL);
        total += taken > 0 ? static_cast<size_t>(taken) : 0;
        idle = taken > 0 ? 0 : idle + 1;
        world.loop.turn(Millis{5});
    }
    CHECK(total < 4u * 1024 * 1024);
    CHECK(turn_until(world.loop, [&] { return !world.closed.empty(); }));
    CHECK(world.closed == "the client does not read");
}
