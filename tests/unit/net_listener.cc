#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "loop_world.h"
#include "neurond/base/limits.h"
#include "neurond/net/address.h"
#include "neurond/net/listener.h"

using namespace neuron;

namespace {

constexpr Millis kNow{0};
constexpr Millis kLong{60 * 1000};

/// Takes up to `room` connections.
struct Host final : ListenerOwner {
    bool may_accept(const Listener&) const override { return accepted.size() < room; }
    void on_accept(Listener& listener, Fd socket) override {
        CHECK(listener.address().port() != 0);
        CHECK(socket);
        accepted.push_back(std::move(socket));
    }
    size_t room = SIZE_MAX;
    std::vector<Fd> accepted;
};

Fd loopback_socket() {
    const Result<Address> address = Address::parse("127.0.0.1:0");
    REQUIRE(address);
    Result<Fd> socket = listen_tcp(*address);
    REQUIRE(socket);
    return std::move(*socket);
}

struct Doors {
    Doors() : listener(loop, loopback_socket(), host) {}
    void connect(int count) {
        for (int i = 0; i < count; ++i) {
            const Address& address = listener.address();
            Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            REQUIRE(::connect(fd.get(), address.get(), address.size()) == 0);
            clients.push_back(std::move(fd));
        }
    }
    EventLoop loop;
    Host host;
    Listener listener;
    std::vector<Fd> clients;
};

/// Leaves no descriptor free while it lives.
class NoDescriptors {
  public:
    NoDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const Fd lowest(::dup(0));
        rlimit none = before_;
        none.rlim_cur = static_cast<rlim_t>(lowest.get());
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("an accepted socket does not block, is closed on exec and sends at once") {
    Doors doors;
    doors.connect(1);
    CHECK(turn_until(doors.loop, [&] { return !doors.host.accepted.empty(); }));
    const int fd = doors.host.accepted.front().get();
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size) == 0);
    CHECK(no_delay != 0);
}

TEST_CASE("a crowd is let in at so many a turn") {
    Doors doors;
    doors.connect(2 * kAcceptBudget + 3);
    doors.loop.turn(kLong);
    CHECK(doors.host.accepted.size() == kAcceptBudget);
    doors.loop.turn(kLong);
    CHECK(doors.host.accepted.size() == 2 * kAcceptBudget);
    CHECK(turn_until(doors.loop, [&] {
        return doors.host.accepted.size() == doors.clients.size();
    }));
}

TEST_CASE("who cannot be served waits outside until there is room") {
    Doors doors;
    doors.host.room = 2;
    doors.connect(5);
    doors.loop.turn(kLong);
    CHECK(doors.host.accepted.size() == 2);
    doors.host.room = 3;
    doors.listener.resume();  // a connection has ended
    doors.loop.turn(kNow);
    CHECK(doors.host.accepted.size() == 3);
    doors.host.room = 5;  // nobody says so: it looks again by itself
    CHECK(turn_until(doors.loop, [&] { return doors.host.accepted.size() == 5; }));
}

TEST_CASE("waiting for room does not spin") {
    Doors doors;
    doors.host.room = 0;
    doors.connect(1);
    doors.loop.turn(kLong);
    const TimePoint begin = monotonic_now();
    doors.loop.turn(Millis{20});
    CHECK(monotonic_now() - begin >= Millis{20});
    CHECK(doors.host.accepted.empty());
}

TEST_CASE("without descriptors it pauses, and goes on when there are some") {
    Doors doors;
    doors.connect(3);
    {
        const NoDescriptors none;
        doors.loop.turn(kLong);
        const TimePoint begin = monotonic_now();
        doors.loop.turn(Millis{20});
        CHECK(monotonic_now() - begin >= Millis{20});
        CHECK(doors.host.accepted.empty());
    }
    doors.listener.resume();
    CHECK(turn_until(doors.loop, [&] { return doors.host.accepted.size() == 3; }));
}
