#include "neurond/cli/control_client.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/cli/mcp_client.h"
#include "neurond/net/address.h"

using namespace neuron;

namespace {

/// A socket in a directory of its own, and a thread that takes one connection after the
/// other and gives each request the next answer. An answer that begins with '!' is the
/// last of its connection.
class Peer {
  public:
    explicit Peer(std::vector<std::string> answers) : answers_(std::move(answers)) {
        char path[] = "/tmp/neurond-unit-XXXXXX";
        directory_ = ::mkdtemp(path);
        Result<Address> address = Address::from_unix_path(this->path());
        REQUIRE(address);
        listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(listener_.get(), address->get(), address->size()) == 0);
        REQUIRE(::listen(listener_.get(), 5) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~Peer() {
        if (thread_.joinable()) {
            finish();
        }
        ::unlink(path().c_str());
        ::rmdir(directory_.c_str());
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    std::string path() const { return directory_ + "/s"; }
    /// Returns when that many connections have been closed at this end.
    void wait_closed(int count) const {
        while (closed_ < count) {
            std::this_thread::yield();
        }
    }
    /// What came in, request by request, once the client is through.
    const std::vector<std::string>& finish() {
        ::shutdown(listener_.get(), SHUT_RDWR);  // ends a pending accept
        thread_.join();
        return requests_;
    }

  private:
    void serve() {
        for (size_t next = 0; next < answers_.size();) {
            Fd client(::accept(listener_.get(), nullptr, nullptr));
            if (!client) {
                return;
            }
            bool last = false;
            while (!last && next < answers_.size() && receive(client.get())) {
                std::string answer = answers_[next++];
                last = answer[0] == '!';
                answer.erase(0, last ? 1 : 0);
                for (const char c : answer) {  // byte by byte: every split
                    (void)::send(client.get(), &c, 1, MSG_NOSIGNAL);
                }
            }
            client.reset();
            ++closed_;
        }
    }

    /// A request ends where nothing more comes: our client waits for the answer then.
    bool receive(int fd) {
        std::string text;
        char buffer[4096];
        pollfd ready{fd, POLLIN, 0};
        while (text.empty() || ::poll(&ready, 1, 50) > 0) {
            const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
            if (n <= 0) {
                return false;
            }
            text.append(buffer, static_cast<size_t>(n));
        }
        requests_.push_back(text);
        return true;
    }

    std::vector<std::string> answers_;
    std::vector<std::string> requests_;
    std::string directory_;
    Fd listener_;
    std::atomic<int> closed_{0};
    std::thread thread_;
};

std::string ok(const std::string& body, const std::string& fields = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n" +
           fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

std::string chunk(const std::string& bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
}

ControlRequest get(const char* target) {
    ControlRequest request;
    request.target = target;
    return request;
}

constexpr const char* kInitialized =
    R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}})";
constexpr const char* kAccepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

}  // namespace

TEST_CASE("requests go over one connection while both sides keep it") {
    Peer peer({ok("{}"),
               "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n0\r\n\r\n"});
    ControlClient client(peer.path());
    const Result<ControlReply> one = client.exchange(get("/one"));
    REQUIRE(one);
    CHECK(one->status == 200);
    CHECK(one->content_type == "application/json");
    CHECK(one->body == "{}");
    const Result<ControlReply> two = client.exchange(get("/two"));
    REQUIRE(two);
    CHECK(two->status == 404);
    CHECK(two->body == "abc");
    const auto& requests = peer.finish();
    REQUIRE(requests.size() == 2);
    CHECK(requests[0] == "GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

TEST_CASE("a connection the daemon has closed is made anew") {
    Peer peer({"!HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nup to the end",
               "!" + ok("1"), ok("2")});
    ControlClient client(peer.path());
    CHECK(client.exchange(get("/"))->body == "up to the end");
    CHECK(client.exchange(get("/"))->body == "1");
    peer.wait_closed(2);  // whoever is quicker would lose the request
    CHECK(client.exchange(get("/"))->body == "2");
}

TEST_CASE("an interim answer is passed over") {
    Peer peer({"HTTP/1.1 100 Continue\r\n\r\n" + ok("1")});
    ControlClient client(peer.path());
    CHECK(client.exchange(get("/"))->body == "1");
}

TEST_CASE("bad answers are errors") {
    const struct {
        const char* answer;
        const char* part;
    } rows[] = {
        {"!", "closed before the answer"},
        {"!HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "cut short"},
        {"!SSH-2.0-OpenSSH\r\n\r\n", "this is not neurond's control socket"},
        {"!HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "this is not neurond's"},
        {"!HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "read "},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.answer));
        Peer peer({row.answer});
        ControlClient client(peer.path());
        const Result<ControlReply> reply = client.exchange(get("/"));
        REQUIRE_FALSE(reply);
        CHECK(reply.error().message.find(row.part) != std::string::npos);
    }
}

TEST_CASE("a daemon that does not answer in time is an error") {
    // The second one keeps the connection open; nobody asks for it.
    Peer peer({"HTTP/1.1 200 OK\r\n", ok("never")});
    ControlClient client(peer.path());
    ControlRequest request = get("/");
    request.timeout = Millis(200);
    const Result<ControlReply> reply = client.exchange(request);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().message.find("neurond does not answer") != std::string::npos);
}

TEST_CASE("nobody listening is said in plain words") {
    ControlClient client("/nonexistent/control.sock");
    CHECK(client.exchange(get("/")).error().message ==
          "neurond is not running (no answer at /nonexistent/control.sock)");
    CHECK_FALSE(client.is_answered());
}

TEST_CASE("a tool is called in a session that is ended afterwards") {
    const std::string result = R"({"content":[],"n":1.10})";
    Peer peer({ok(kInitialized, "Mcp-Session-Id: s3cret\r\n"), kAccepted,
               ok(R"({"jsonrpc":"2.0","id":2,"result":)" + result + "}"), kAccepted});
    {
        ControlClient http(peer.path());
        McpClient mcp(http);
        REQUIRE(mcp.open());
        const Result<std::string> answer = mcp.call_tool("a.b", R"({"x":1E5})");
        REQUIRE(answer);
        CHECK(*answer == result);
    }
    const auto& requests = peer.finish();
    REQUIRE(requests.size() == 4);
    const std::string session = "\r\nMcp-Session-Id: s3cret\r\n";
    CHECK(requests[0].find(session) == std::string::npos);
    CHECK(requests[1].find("notifications/initialized") != std::string::npos);
    CHECK(requests[2].find(session) != std::string::npos);
    CHECK(requests[2].find(R"({"name":"a.b","arguments":{"x":1E5}})") !=
          std::string::npos);
    CHECK(requests[3].find("DELETE /api/v1/mcp HTTP/1.1\r\n") == 0);
    CHECK(requests[3].find(session) != std::string::npos);
}

TEST_CASE("the answer is found among the events of a stream") {
    const std::string progress =
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{}})";
    Peer peer({ok(kInitialized), kAccepted,
               // No end of the stream: the client does not wait for it.
               "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               "Transfer-Encoding: chunked\r\n\r\n" +
                   chunk("id: 1\n\n") + chunk(": hi\n") +
                   chunk("data: " + progress + "\n\ndata: {\"jsonr") +
                   chunk(R"(pc":"2.0","id":2,"result":{"a":1}})"
                         "\n\n")});
    ControlClient http(peer.path());
    McpClient mcp(http);
    REQUIRE(mcp.open());
    const Result<std::string> answer = mcp.call_tool("a.b", "{}");
    CHECK_MESSAGE(answer, (answer ? "" : answer.error().message));
    CHECK((answer && *answer == R"({"a":1})"));
}

TEST_CASE("an error answer is told with its code") {
    const std::string error = R"({"jsonrpc":"2.0","id":2,"error":{"code":-32602,)"
                              R"("message":"Unknown tool: a.b"}})";
    Peer peer({ok(kInitialized), kAccepted, ok(error)});
    ControlClient http(peer.path());
    McpClient mcp(http);
    REQUIRE(mcp.open());
    CHECK(mcp.call_tool("a.b", "{}").error().message == "Unknown tool: a.b (-32602)");
}

TEST_CASE("a refused handshake is told, in the daemon's words if it has some") {
    Peer peer(
        {"!HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"
         R"({"jsonrpc":"2.0","error":{"code":-32000,"message":"no no"}})"});
    ControlClient http(peer.path());
    McpClient mcp(http);
    CHECK(mcp.open().error().message == "no no (-32000), HTTP status 403");
}

TEST_CASE("only the answer to our own request is one") {
    Result<std::string> answer = Error{"none"};
    const struct {
        const char* message;
        bool is_ours;
    } rows[] = {
        {R"({"jsonrpc":"2.0","id":5,"result":{}})", true},
        {R"({"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"x"}})", true},
        {R"({"jsonrpc":"2.0","id":"5","result":{}})", false},
        {R"({"jsonrpc":"2.0","id":6,"result":{}})", false},
        {R"({"jsonrpc":"2.0","id":5,"method":"ping"})", false},
        {R"({"jsonrpc":"2.0","method":"notifications/progress"})", false},
        {"garbage", false},
        {"", false},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.message));
        CHECK(read_answer(row.message, 5, answer) == row.is_ours);
    }
}
