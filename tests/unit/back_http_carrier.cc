#include "neurond/back/http_carrier.h"

#include <string>
#include <vector>

#include "net_http_world.h"
#include "neurond/back/sse_carrier.h"

using namespace neuron;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Writes down what a carrier tells.
struct Owner final : CarrierOwner {
    void on_message(const JsonScanner&, const Slice& text, uint64_t) override {
        told.push_back(std::string(text.view()));
    }
    void on_garbage(const JsonScanner&, std::string_view, std::string_view) override {
        told.emplace_back("garbage");
    }
    void on_oversized(std::string_view) override { told.emplace_back("oversized"); }
    void on_request_failed(uint64_t id, const RequestFailure& failure) override {
        told.push_back(std::to_string(id) + (failure.executed ? " executed? " : " not: ") +
                       failure.why);
    }
    void on_session_expired() override { told.emplace_back("expired"); }
    void on_output_room() override {}
    void on_output_closed() override {}
    void on_carrier_end(const Ending& ending) override {
        told.push_back("end: " + ending.why);
    }
    std::vector<std::string> told;
};

template <typename AnyCarrier>
struct World : HttpWorld {
    AnyCarrier& make() {
        carrier = std::make_unique<AnyCarrier>(loop, names, target, owner);
        REQUIRE(carrier->start());
        return *carrier;
    }
    void send(Outgoing::Kind kind, const char* method, uint64_t id, Revision revision,
              const char* name = "", const Fields* fields = nullptr) {
        OutQueue message;
        message.write("{\"m\":\"" + std::string(method) + "\"}");
        carrier->send(std::move(message), {kind, id, method, revision, name, fields});
    }
    /// The next thing that is told.
    std::string next() {
        CHECK(until([this] { return heard < owner.told.size(); }));
        return heard < owner.told.size() ? owner.told[heard++] : std::string();
    }
    bool silent() const { return heard == owner.told.size(); }

    Owner owner;
    size_t heard = 0;
    std::unique_ptr<AnyCarrier> carrier;
};

using HttpLeg = World<HttpCarrier>;
using SseLeg = World<SseCarrier>;

/// The value of a field in a request, or "-".
std::string field(const std::string& request, const std::string& name) {
    const size_t at = request.find("\r\n" + name + ": ");
    if (at == std::string::npos) {
        return "-";
    }
    const size_t begin = at + name.size() + 4;
    return request.substr(begin, request.find('\r', begin) - begin);
}

constexpr Revision kLegacy = Revision::k20251125;
constexpr Revision kModern = Revision::k20260728;
constexpr auto kRequest = Outgoing::Kind::kRequest;
constexpr auto kNotification = Outgoing::Kind::kNotification;

/// Goes through a legacy handshake; the connection that was used.
Fd shake_hands(HttpLeg& world) {
    world.send(kRequest, "initialize", 1, kLegacy);
    Fd fd = world.accept();
    const std::string hello = world.request(fd);
    CHECK(starts_with(hello, "POST /mcp?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
    CHECK(field(hello, "Accept") == "application/json, text/event-stream");
    CHECK(field(hello, "Content-Type") == "application/json");
    CHECK(field(hello, "MCP-Protocol-Version") == "-");
    CHECK(field(hello, "Mcp-Session-Id") == "-");
    put(fd, response("200 OK",
                     "Content-Type: application/json\r\nMCP-SESSION-ID: s1\r\n",
                     "{\"id\":1,\"result\":{}}"));
    CHECK(world.next() == "{\"id\":1,\"result\":{}}");
    return fd;
}

}  // namespace

TEST_CASE("a legacy session: what follows initialized waits for its 202") {
    HttpLeg world;
    world.make();
    const Fd fd = shake_hands(world);
    world.send(kNotification, "notifications/initialized", 0, kLegacy);
    world.send(kRequest, "tools/list", 2, kLegacy);
    const std::string initialized = world.request(fd);
    CHECK(ends_with(initialized, "{\"m\":\"notifications/initialized\"}"));
    CHECK(field(initialized, "Mcp-Session-Id") == "s1");
    CHECK(field(initialized, "MCP-Protocol-Version") == "2025-11-25");
    CHECK(field(initialized, "Mcp-Method") == "-");
    CHECK(world.nobody_connects());
    put(fd, response("202 Accepted", "", ""));
    const Fd other = world.accept();
    for (const Fd* each : {&fd, &other}) {
        const std::string got = world.request(*each);
        CHECK(field(got, "Mcp-Session-Id") == "s1");
        if (starts_with(got, "GET ")) {
            CHECK(field(got, "Accept") == "text/event-stream");
            put(*each, response("405 Method Not Allowed", "", ""));
        } else {
            CHECK(ends_with(got, "{\"m\":\"tools/list\"}"));
            put(*each, json_response("{\"id\":2,\"result\":{}}"));
        }
    }
    CHECK(world.next() == "{\"id\":2,\"result\":{}}");
    world.carrier->stop();
    std::string farewell;
    CHECK(world.until([&] {
        farewell += take(fd) + take(other);
        return ends_with(farewell, "\r\n\r\n");
    }));
    CHECK(starts_with(farewell, "DELETE /mcp?x=1 HTTP/1.1\r\n"));
    CHECK(field(farewell, "Mcp-Session-Id") == "s1");
    CHECK(world.next() == "end: stopped");  // it does not wait long for an answer
}

TEST_CASE("a modern server: headers repeat the message, and nothing else is sent") {
    HttpLeg world;
    world.target.headers = {{"Authorization", "Bearer x"}};
    world.target.forward_headers = {"X-User"};
    world.make();
    const Fields fields = {{"x-user", "u1"},
                           {"X-Other", "no"},
                           {"Mcp-Param-Region", "r1"},
                           {"X-User", "broken\r\nX: y"}};
    world.send(kNotification, "notifications/cancelled", 0, kModern);
    world.send(kRequest, "tools/call", 7, kModern, "h\xc3\xa9", &fields);
    Fd fd = world.accept();
    const std::string call = world.request(fd);
    CHECK(ends_with(call, "{\"m\":\"tools/call\"}"));
    CHECK(field(call, "MCP-Protocol-Version") == "2026-07-28");
    CHECK(field(call, "Mcp-Method") == "tools/call");
    CHECK(field(call, "Mcp-Name") == "=?base64?aMOp?=");
    CHECK(field(call, "Mcp-Param-Region") == "r1");
    CHECK(field(call, "Authorization") == "Bearer x");
    CHECK(field(call, "x-user") == "u1");
    CHECK(field(call, "X-Other") == "-");
    CHECK(field(call, "X") == "-");
    world.carrier->forget(7);
    CHECK(world.closed(fd));
    CHECK(world.nobody_connects());
    world.carrier->stop();
    CHECK(world.next() == "end: stopped");
}

TEST_CASE("each response ends in one answer or one failure") {
    const struct {
        std::string response;
        std::string told;
    } rows[] = {
        {json_response("{\"id\":5,\"result\":{}}"), "{\"id\":5,\"result\":{}}"},
        {response("404 Not Found", "Content-Type: application/json\r\n",
                  "{\"id\":5,\"error\":{\"code\":-32601,\"message\":\"m\"}}"),
         "{\"id\":5,\"error\":{\"code\":-32601,\"message\":\"m\"}}"},
        {response("200 OK", "Content-Type: Text/Event-Stream; charset=utf-8\r\n",
                  "data: {\"id\":5,\"result\":{}}\n\n"),
         "{\"id\":5,\"result\":{}}"},
        {json_response("{\"id\":\"5\",\"result\":{}}"),
         "5 executed? it answered with the id \"5\", not with 5"},
        {json_response("{\"id\":null,\"error\":{\"code\":-32000,\"message\":\"m\"}}"),
         "5 executed? it answered HTTP 200 OK without a JSON-RPC answer: m (-32000)"},
        {response("400 Bad Request", "Content-Type: application/json\r\n",
                  "{\"error\":{\"code\":-32000,\"message\":\"m\"}}"),
         "5 executed? HTTP 400 Bad Request: m (-32000)"},
        {response("403 Forbidden", "Content-Type: application/json\r\n",
                  "{\"id\":5,\"error\":{\"code\":1,\"message\":\"m\"}}"),
         "5 not: HTTP 403 Forbidden: m (1)"},
        {response("404 Not Found", "", ""), "5 executed? HTTP 404 Not Found"},
        {response("302 Found", "Location: /x\r\n", ""),
         "5 executed? HTTP 302 Found: redirected to /x, and redirects are not followed"},
        {response("204 No Content", "", ""),
         "5 executed? it answered HTTP 204 No Content without a JSON-RPC answer"},
        {response("200 OK", "Content-Type: text/event-stream\r\n", ": x\n\n"),
         "5 executed? the event stream ended without an answer"},
        {"", "5 executed? the connection was closed before a response came"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.told);
        HttpLeg world;
        world.make();
        world.send(kRequest, "tools/call", 5, kModern, "x");
        {
            const Fd fd = world.accept();
            world.request(fd);
            put(fd, row.response);
        }
        CHECK(world.next() == row.told);
        world.loop.turn(Millis{0});
        CHECK(world.silent());
    }
}

TEST_CASE("404 with a session is the end of the session, not of the server") {
    HttpLeg world;
    world.make();
    const Fd fd = shake_hands(world);
    world.send(kRequest, "tools/call", 2, kLegacy, "x");
    world.request(fd);
    put(fd, response("404 Not Found", "", ""));
    CHECK(world.next() == "2 not: its session has expired: HTTP 404 Not Found");
    world.send(kRequest, "initialize", 3, kLegacy);
    CHECK(field(world.request(fd), "Mcp-Session-Id") == "-");
}

TEST_CASE("a server that cannot be reached has ended") {
    HttpLeg world;
    world.make();
    const uint16_t port = world.target.url.port;
    world.listener.reset();
    world.send(kRequest, "server/discover", 1, kModern);
    const std::string why =
        "connect 127.0.0.1:" + std::to_string(port) + ": Connection refused";
    CHECK(world.next() == "1 not: " + why);
    CHECK(world.next() == "end: " + why);
    world.send(kRequest, "server/discover", 2, kModern);
    world.carrier->stop();
    world.carrier->kill();
    world.loop.turn(Millis{0});
    CHECK(world.silent());
}

TEST_CASE("HTTP+SSE: the endpoint is on the same origin") {
    const struct {
        const char* endpoint;  ///< %s stands for the port
        const char* path;      ///< where messages are POSTed; empty = refused
    } rows[] = {
        {"/messages?sessionId=1", "/messages?sessionId=1"},
        {"messages", "/messages"},
        {"?sessionId=2", "/mcp?sessionId=2"},
        {"http://127.0.0.1:%s/m", "/m"},
        {"/m?to=http://other/", "/m?to=http://other/"},
        {"http://127.0.0.1:1/m", ""},
        {"http://localhost:%s/m", ""},
        {"https://127.0.0.1:%s/m", ""},
        {"//other/m", ""},
        {"/a b", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.endpoint);
        SseLeg world;
        world.make();
        std::string endpoint = row.endpoint;
        if (const size_t at = endpoint.find("%s"); at != std::string::npos) {
            endpoint.replace(at, 2, std::to_string(world.target.url.port));
        }
        world.send(kRequest, "initialize", 1, kLegacy);
        const Fd stream = world.accept();
        CHECK(starts_with(world.request(stream), "GET /mcp?x=1 HTTP/1.1\r\n"));
        CHECK(world.nobody_connects());
        put(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                    "event: endpoint\ndata: " + endpoint + "\n\n");
        if (*row.path == '\0') {
            CHECK(starts_with(world.next(), "end: use endpoint " + endpoint));
            continue;
        }
        const Fd fd = world.accept();
        CHECK(starts_with(world.request(fd), std::string("POST ") + row.path + " "));
        put(fd, response("202 Accepted", "", "Accepted"));
        put(stream, "data: {\"id\":1,\"result\":{}}\n\n");
        CHECK(world.next() == "{\"id\":1,\"result\":{}}");
    }
}

TEST_CASE("HTTP+SSE: messages go one after the other, and end with the stream") {
    SseLeg world;
    world.make();
    Fd stream = world.accept();
    world.request(stream);
    put(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                "event: endpoint\ndata: /m\n\n");
    world.send(kNotification, "one", 0, kLegacy);
    world.send(kRequest, "two", 2, kLegacy);
    world.send(kRequest, "three", 3, kLegacy);
    const Fd fd = world.accept();
    CHECK(ends_with(world.request(fd), "{\"m\":\"one\"}"));
    CHECK(world.nobody_connects());
    put(fd, response("202 Accepted", "", ""));
    CHECK(ends_with(world.request(fd), "{\"m\":\"two\"}"));
    put(fd, response("400 Bad Request", "Content-Type: application/json\r\n",
                     "{\"error\":{\"code\":-32000,\"message\":\"m\"}}"));
    CHECK(world.next() == "2 executed? HTTP 400 Bad Request: m (-32000)");
    world.carrier->forget(3);
    stream.reset();
    CHECK(world.next() == "end: the event stream ended");
}

TEST_CASE("a server that hangs up before it has answered is asked for the rest") {
    const struct {
        std::string then;    ///< what the GET is answered by
        std::string told;
        bool again = false;  ///< another GET follows first
    } rows[] = {
        {response("200 OK", "Content-Type: text/event-stream\r\n",
                  "id: e2\ndata: {\"id\":5,\"result\":{}}\n\n"),
         "{\"id\":5,\"result\":{}}"},
        // what it says before the answer counts, and it may hang up as often as it likes
        {response("200 OK", "Content-Type: text/event-stream\r\n",
                  "id: e2\ndata: {\"method\":\"n\"}\n\n"),
         "{\"method\":\"n\"}", true},
        {response("503 Service Unavailable", "", ""), "", true},
        {response("405 Method Not Allowed", "", ""),
         "5 executed? the event stream ended without an answer, and is not resumed: "
         "HTTP 405 instead of an event stream"},
        // the call was executed: it is not sent again, session or not
        {response("404 Not Found", "", ""),
         "5 executed? the event stream ended without an answer, and is not resumed: "
         "HTTP 404 instead of an event stream"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.then);
        HttpLeg world;
        world.make();
        const Fd fd = shake_hands(world);
        world.send(kRequest, "tools/call", 5, kLegacy, "x");
        world.request(fd);
        put(fd, response("200 OK", "Content-Type: text/event-stream\r\n",
                         "retry: 100\nid: e1\ndata:\n\n"));
        std::string get = world.request(fd);
        CHECK(starts_with(get, "GET /mcp?x=1 "));
        CHECK(field(get, "Last-Event-ID") == "e1");
        CHECK(field(get, "Mcp-Session-Id") == "s1");
        put(fd, row.then);
        if (!row.told.empty()) {
            CHECK(world.next() == row.told);
        }
        if (row.again) {
            get = world.request(fd);
            CHECK(field(get, "Last-Event-ID") == (row.told.empty() ? "e1" : "e2"));
            world.carrier->forget(5);
            CHECK(world.closed(fd));
        }
        world.loop.turn(Millis{0});
        CHECK(world.silent());
    }
}

TEST_CASE("a modern server that hangs up has lost the request") {
    HttpLeg world;
    world.make();
    world.send(kRequest, "tools/call", 5, kModern, "x");
    const Fd fd = world.accept();
    world.request(fd);
    put(fd, response("200 OK", "Content-Type: text/event-stream\r\n",
                     "retry: 100\nid: e1\ndata:\n\n"));
    CHECK(world.next() == "5 executed? the event stream ended without an answer");
}
