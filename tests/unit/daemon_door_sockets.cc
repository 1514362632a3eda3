#include "neurond/daemon/door_sockets.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "mcp_scratch.h"
#include "neurond/base/limits.h"
#include "neurond/daemon/socket_parcel.h"
#include "neurond/net/address.h"

using namespace neuron;

namespace {

bool exists(const std::string& path) {
    struct stat about {};
    return ::lstat(path.c_str(), &about) == 0;
}

/// What a keeper and its reactor have between them.
struct Pair {
    Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0); }
    ~Pair() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    int ends[2] = {};
};

using Named = std::vector<std::pair<std::string, int>>;

}  // namespace

TEST_CASE("sockets that are open stay when others are opened") {
    Scratch scratch;
    DoorSockets doors;
    const DoorPlan tcp{"server.bind", "127.0.0.1:0", 0, {}};
    const DoorPlan local{"server.socket", "unix:" + scratch.path("a.sock"), 0600, {}};
    REQUIRE(doors.open({tcp, local}));
    const Named first = doors.all();
    REQUIRE(first.size() == 2);
    const Address address = Address::local_of(first[0].second);
    CHECK(address.port() != 0);
    REQUIRE(doors.open({tcp, local, {"listener.x", "[::1]:0", 0, {}}}));
    const Named then = doors.all();
    REQUIRE(then.size() == 3);
    CHECK(then[0] == first[0]);
    CHECK(then[1] == first[1]);
    CHECK(then[2].first == "listener.x");
}

TEST_CASE("when one cannot be opened nothing has changed") {
    Scratch scratch;
    DoorSockets doors;
    const DoorPlan local{"server.socket", "unix:" + scratch.path("a.sock"), 0600, {}};
    const Status opened = doors.open({local, {"listener.x", "nonsense", 0, {}}});
    CHECK_FALSE(opened);
    CHECK(doors.all().empty());
    CHECK_FALSE(exists(scratch.path("a.sock")));
}

TEST_CASE("what is wanted no longer is closed, and its file goes") {
    Scratch scratch;
    DoorSockets doors;
    const DoorPlan tcp{"server.bind", "127.0.0.1:0", 0, {}};
    const DoorPlan local{"server.socket", "unix:" + scratch.path("a.sock"), 0600, {}};
    REQUIRE(doors.open({tcp, local}));
    doors.keep({tcp});
    REQUIRE(doors.all().size() == 1);
    CHECK(doors.all()[0].first == "server.bind");
    CHECK_FALSE(exists(scratch.path("a.sock")));
    doors.keep({{"server.bind", "127.0.0.1:1", 0, {}}});  // another address, another door
    CHECK(doors.all().empty());
}

TEST_CASE("a parcel of sockets arrives with its names") {
    Pair link;
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    REQUIRE(send_sockets(link.ends[0], {{"reading", pipe[0]}, {"writing", pipe[1]}}));
    ::close(pipe[0]);
    ::close(pipe[1]);
    Result<std::vector<NamedFd>> got = receive_sockets(link.ends[1]);
    REQUIRE(got);
    REQUIRE(got->size() == 2);
    CHECK((*got)[0].name == "reading");
    CHECK((*got)[1].name == "writing");
    REQUIRE(::write((*got)[1].fd.get(), "x", 1) == 1);
    char byte = 0;
    CHECK(::read((*got)[0].fd.get(), &byte, 1) == 1);
    CHECK(byte == 'x');
}

TEST_CASE("a parcel holds as many as there may be listeners, and no more") {
    Pair link;
    Named many;
    for (size_t i = 0; i < kMaxListeners + 3; ++i) {
        many.emplace_back("listener." + std::string(kMaxNamespaceBytes, 'x'), 0);
    }
    REQUIRE(send_sockets(link.ends[0], many));
    const Result<std::vector<NamedFd>> got = receive_sockets(link.ends[1]);
    REQUIRE(got);
    CHECK(got->size() == many.size());
    many.resize(kMaxParcelFds + 1, {"x", 0});
    CHECK_FALSE(send_sockets(link.ends[0], many));
    CHECK_FALSE(send_sockets(link.ends[0], {}));
}

TEST_CASE("what is no parcel is an error") {
    Pair link;
    CHECK_FALSE(receive_sockets(link.ends[1]));  // nothing there yet
    REQUIRE(::send(link.ends[0], "a\nb\n", 4, 0) == 4);
    CHECK_FALSE(receive_sockets(link.ends[1]));  // names without descriptors
}
