#include "neurond/net/http_pool.h"

#include <sys/socket.h>

#include <deque>
#include <string>

#include "net_http_world.h"

using namespace neuron;

namespace {

struct Exchange final : HttpExchange {
    void on_response(const ResponseHead& head) override {
        told += std::to_string(head.status) + " ";
    }
    void on_content(std::string_view bytes) override { told += bytes; }
    void on_complete() override { over("."); }
    void on_failed(const HttpFailure& failure) override {
        over(failure.kind == HttpFailure::Kind::kUnreachable ? "unreachable"
             : failure.kind == HttpFailure::Kind::kLost      ? "lost"
                                                             : "protocol");
        sent = failure.sent;
    }
    void over(const char* how) {
        told += how;
        done = true;
    }
    std::string told;
    bool done = false;
    bool sent = false;
};

struct Pool : HttpWorld {
    HttpPool& make() {
        pool = std::make_unique<HttpPool>(loop, names, target, [this] { ++rooms; });
        return *pool;
    }
    Exchange& start(const std::string& body, bool safe = false, bool urgent = false) {
        Exchange& exchange = exchanges.emplace_back();
        HttpJob job;
        job.bytes.write("POST / HTTP/1.1\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n" + body);
        job.exchange = &exchange;
        job.safe = safe;
        job.urgent = urgent;
        pool->start(std::move(job));
        return exchange;
    }
    std::string outcome(Exchange& exchange) {
        CHECK(until([&exchange] { return exchange.done; }));
        return exchange.told;
    }

    int rooms = 0;
    std::deque<Exchange> exchanges;
    std::unique_ptr<HttpPool> pool;
};

bool is_for(const std::string& request, const std::string& body) {
    return ends_with(request, "\r\n\r\n" + body);
}

}  // namespace

TEST_CASE("a connection is kept for the next request") {
    Pool world;
    world.make();
    Exchange& one = world.start("one");
    const Fd fd = world.accept();
    CHECK(is_for(world.request(fd), "one"));
    put(fd, "HTTP/1.1 103 Early Hints\r\n\r\n" + response("200 OK", "", "first"));
    CHECK(world.outcome(one) == "200 first.");
    Exchange& two = world.start("two");
    CHECK(is_for(world.request(fd), "two"));
    put(fd, response("404 Not Found", "Connection: close\r\n", ""));
    CHECK(world.outcome(two) == "404 .");
    CHECK(world.closed(fd));
    Exchange& three = world.start("three");
    const Fd next = world.accept();
    CHECK(is_for(world.request(next), "three"));
    put(next, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
    CHECK(::shutdown(next.get(), SHUT_WR) == 0);
    CHECK(world.outcome(three) == "200 until the end.");
}

TEST_CASE("what is too many waits, in order, and urgent ones first") {
    Pool world;
    world.target.max_connections = 1;
    HttpPool& pool = world.make();
    Exchange& one = world.start("one");
    CHECK(pool.full());
    Exchange& two = world.start("two");
    Exchange& three = world.start("three");
    Exchange& urgent = world.start("urgent", false, true);
    const Fd first = world.accept();
    const Fd second = world.accept();
    CHECK(is_for(world.request(first), "one"));
    CHECK(is_for(world.request(second), "urgent"));
    CHECK(world.nobody_connects());
    put(first, response("200 OK", "", "1"));
    CHECK(world.outcome(one) == "200 1.");
    CHECK(is_for(world.request(first), "two"));
    put(second, response("200 OK", "", "u"));
    CHECK(world.outcome(urgent) == "200 u.");
    pool.cancel(two);  // its connection goes, and makes room
    CHECK(world.closed(first));
    CHECK(is_for(world.request(second), "three"));
    put(second, response("200 OK", "", "3"));
    CHECK(world.outcome(three) == "200 3.");
    CHECK(world.until([&pool] { return !pool.full(); }));
    CHECK(world.until([&world] { return world.rooms > 0; }));
    CHECK_FALSE(two.done);
}

TEST_CASE("what is set aside is in nobody's way, and counts again when it is back") {
    Pool world;
    world.target.max_connections = 1;
    HttpPool& pool = world.make();
    Exchange& one = world.start("one");
    Exchange& two = world.start("two");
    const Fd first = world.accept();
    CHECK(is_for(world.request(first), "one"));
    CHECK(world.nobody_connects());
    pool.set_aside(one, true);
    pool.set_aside(one, true);
    const Fd second = world.accept();
    CHECK(is_for(world.request(second), "two"));
    CHECK(pool.full());
    pool.set_aside(two, true);
    CHECK_FALSE(pool.full());
    pool.set_aside(one, false);
    pool.set_aside(two, false);  // one more than there may be
    Exchange& three = world.start("three");
    put(first, response("200 OK", "", "1"));
    CHECK(world.outcome(one) == "200 1.");
    CHECK(world.nobody_connects());
    CHECK(three.told.empty());
    pool.set_aside(two, true);
    pool.cancel(two);
    CHECK(world.closed(second));
    CHECK(is_for(world.request(first), "three"));
    CHECK(pool.full());
    put(first, response("200 OK", "", "3"));
    CHECK(world.outcome(three) == "200 3.");
    CHECK_FALSE(pool.full());
}

TEST_CASE("no more idle connections are kept than wanted") {
    Pool world;
    world.target.idle_connections = 1;
    world.make();
    Exchange& one = world.start("one");
    Exchange& two = world.start("two");
    const Fd first = world.accept();
    const Fd second = world.accept();
    world.request(first);
    world.request(second);
    put(first, response("200 OK", "", ""));
    put(second, response("200 OK", "", ""));
    CHECK(world.outcome(one) == "200 .");
    CHECK(world.outcome(two) == "200 .");
    char byte = 0;
    CHECK(world.until([&] {
        return (::recv(first.get(), &byte, 1, 0) == 0) +
                   (::recv(second.get(), &byte, 1, 0) == 0) ==
               1;
    }));
}

TEST_CASE("a connection that was closed while idle is not used") {
    Pool world;
    world.make();
    Exchange& one = world.start("one");
    {
        const Fd fd = world.accept();
        world.request(fd);
        put(fd, response("200 OK", "", ""));
        CHECK(world.outcome(one) == "200 .");
    }
    Exchange& two = world.start("two");  // before the loop has seen the end
    const Fd fd = world.accept();
    CHECK(is_for(world.request(fd), "two"));
    put(fd, response("200 OK", "", ""));
    CHECK(world.outcome(two) == "200 .");
}

TEST_CASE("what a kept connection loses is sent again only where that is safe") {
    const struct {
        bool safe;
        const char* answer;  ///< before the connection is closed
        const char* told;    ///< by the second attempt, or instead of it
    } rows[] = {
        {true, "", "200 again."},  // a list: asked again
        {false, "", "lost"},       // a call that may have been executed
        {true, "HTTP/1.1 2", "lost"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.told);
        Pool world;
        world.make();
        Exchange& one = world.start("one");
        Fd fd = world.accept();
        world.request(fd);
        put(fd, response("200 OK", "", ""));
        CHECK(world.outcome(one) == "200 .");
        Exchange& two = world.start("two", row.safe);
        CHECK(is_for(world.request(fd), "two"));
        put(fd, row.answer);
        fd.reset();
        if (row.told == std::string("200 again.")) {
            fd = world.accept();
            CHECK(is_for(world.request(fd), "two"));
            put(fd, response("200 OK", "", "again"));
        }
        CHECK(world.outcome(two) == row.told);
        CHECK(world.nobody_connects());
    }
}

TEST_CASE("a fresh connection that breaks is not tried again") {
    Pool world;
    world.make();
    Exchange& one = world.start("one", true);
    world.request(world.accept());
    CHECK(world.outcome(one) == "lost");
    CHECK(one.sent);
    CHECK(world.nobody_connects());
}

TEST_CASE("a server that is not there, and one that speaks something else") {
    Pool world;
    world.make();
    const char* const rows[] = {
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    for (const char* row : rows) {
        CAPTURE(row);
        Exchange& exchange = world.start("x");
        const Fd fd = world.accept();
        world.request(fd);
        put(fd, row);
        CHECK(ends_with(world.outcome(exchange), "protocol"));
        CHECK(world.closed(fd));
    }
    world.listener.reset();
    Exchange& gone = world.start("x");
    CHECK(world.outcome(gone) == "unreachable");
    CHECK_FALSE(gone.sent);
}

TEST_CASE("bytes nobody asked for end a kept connection") {
    Pool world;
    world.make();
    Exchange& one = world.start("one");
    const Fd fd = world.accept();
    world.request(fd);
    put(fd, response("200 OK", "", "") + "HTTP/1.1 200 OK\r\n");
    CHECK(world.outcome(one) == "200 .");
    CHECK(world.closed(fd));
}
