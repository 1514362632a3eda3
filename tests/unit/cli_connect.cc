#include "neurond/cli/connect.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>

#include <string>
#include <thread>

#include "loop_world.h"
#include "mcp_scratch.h"
#include "neurond/base/limits.h"
#include "neurond/cli/pump.h"
#include "neurond/net/address.h"

using namespace neuron;

namespace {

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0) {
            return;
        }
        bytes.remove_prefix(static_cast<size_t>(n));
    }
}

std::string read_all(int fd) {
    std::string out;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
        out.append(buffer, static_cast<size_t>(n));
    }
    return out;
}

/// A program and a daemon with the pump between them; all ends block.
struct Bridge {
    Bridge() {
        ::signal(SIGPIPE, SIG_IGN);
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        socket.first.reset(ends[0]);
        socket.second.reset(ends[1]);
    }
    Status run(std::string_view first = {}) const {
        return pump({in.first.get(), out.second.get(), socket.first.get()}, first);
    }

    FdPair in = make_pipe(0);   ///< the program writes the second
    FdPair out = make_pipe(0);  ///< the program reads the first
    FdPair socket;              ///< the daemon has the second
};

std::string pattern(size_t bytes) {
    std::string out;
    for (size_t i = 0; out.size() < bytes; ++i) {
        out += std::to_string(i) + "\n";
    }
    return out;
}

}  // namespace

TEST_CASE("the view is one line of JSON") {
    CHECK(view_line("strict", "") ==
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/neurond/view\","
          "\"params\":{\"names\":\"strict\"}}\n");
    CHECK(view_line("plain", "a") ==
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/neurond/view\","
          "\"params\":{\"names\":\"plain\",\"namespace\":\"a\"}}\n");
}

TEST_CASE("all bytes pass, in order, both ways at once, and the ends too") {
    Bridge bridge;
    const std::string up = pattern(3'000'000);
    const std::string down = pattern(5'000'000);
    std::string up_seen;
    std::string down_seen;
    std::thread program([&] {
        write_all(bridge.in.second.get(), up);
        bridge.in.second.reset();
    });
    std::thread reader([&] { down_seen = read_all(bridge.out.first.get()); });
    std::thread daemon([&] {
        std::thread answers([&] { write_all(bridge.socket.second.get(), down); });
        up_seen = read_all(bridge.socket.second.get());
        answers.join();
        bridge.socket.second.reset();
    });
    CHECK(bridge.run("first\n"));
    bridge.out.second.reset();
    program.join();
    reader.join();
    daemon.join();
    CHECK(up_seen == "first\n" + up);
    CHECK(down_seen == down);
}

TEST_CASE("who does not read is not read from") {
    Bridge bridge;
    size_t taken = 0;
    std::thread daemon([&] {
        ::fcntl(bridge.socket.second.get(), F_SETFL, O_NONBLOCK);
        const std::string block(4096, 'x');
        for (int idle = 0; idle < 20;) {
            const ssize_t n =
                ::write(bridge.socket.second.get(), block.data(), block.size());
            taken += n > 0 ? static_cast<size_t>(n) : 0;
            idle = n > 0 ? 0 : idle + 1;
            pollfd writable{bridge.socket.second.get(), POLLOUT, 0};
            ::poll(&writable, 1, 10);
        }
        bridge.in.second.reset();
        bridge.out.first.reset();  // the program ends
    });
    CHECK_FALSE(bridge.run());
    daemon.join();
    CHECK(taken < 1024 * 1024 + kMaxPumpBytes);
}

TEST_CASE("it fails when the daemon goes first, after passing on what it said") {
    Bridge bridge;
    write_all(bridge.socket.second.get(), "last words");
    bridge.socket.second.reset();
    const Status done = bridge.run();
    REQUIRE_FALSE(done);
    CHECK(done.error().message == "the connection was closed");
    bridge.out.second.reset();
    CHECK(read_all(bridge.out.first.get()) == "last words");
}

TEST_CASE(
    "it fails when nobody reads what it says, and ends when nobody speaks either") {
    Bridge bridge;
    bridge.out.first.reset();
    SUBCASE("the program still speaks") {
        CHECK_FALSE(bridge.run());
    }
    SUBCASE("it has closed both") {
        bridge.in.second.reset();
        CHECK(bridge.run());
    }
    SUBCASE("there is something to say") {
        write_all(bridge.socket.second.get(), "words");
        CHECK_FALSE(bridge.run());
    }
}

TEST_CASE("the first daemon that answers is taken") {
    Scratch scratch;
    const std::string dead = scratch.path("dead.sock");
    const std::string live = scratch.path("live.sock");
    const Result<Fd> listener = listen_unix(*Address::from_unix_path(live), 0600);
    REQUIRE(listener);
    CHECK(connect_waiting({dead, live}, Millis{0}));
    CHECK(connect_waiting({live, dead}, Millis{0}));
}

TEST_CASE("a daemon that is starting is waited for") {
    Scratch scratch;
    const std::string path = scratch.path("late.sock");
    Result<Fd> listener = Error{"not yet"};
    std::thread daemon([&] {
        ::poll(nullptr, 0, 120);
        listener = listen_unix(*Address::from_unix_path(path), 0600);
    });
    CHECK(connect_waiting({path}, Millis{10000}));
    daemon.join();
}

TEST_CASE("that none runs is said plainly, and at once where waiting would not help") {
    Scratch scratch;
    const std::string path = scratch.path("none.sock");
    const Result<Fd> none = connect_waiting({path, path + "2"}, Millis{60});
    REQUIRE_FALSE(none);
    CHECK(none.error().message.find("neurond is not running: no answer at " + path) ==
          0);
    const Result<Fd> wrong =
        connect_waiting({"/" + std::string(200, 'x')}, Millis{60000});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message.find("longer than") != std::string::npos);
}
