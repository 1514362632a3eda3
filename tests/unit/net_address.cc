#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "loop_world.h"
#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/text.h"
#include "neurond/net/address.h"

using namespace neuron;

namespace {

Address must_parse(const std::string& text) {
    const Result<Address> address = Address::parse(text);
    REQUIRE(address);
    return *address;
}

Fd connect_to(const Address& address) {
    Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    REQUIRE(fd);
    if (::connect(fd.get(), address.get(), address.size()) != 0 &&
        errno != EINPROGRESS) {
        fd.reset();
    }
    return fd;
}

mode_t mode_of(const std::string& path) {
    struct stat about {};
    REQUIRE(::lstat(path.c_str(), &about) == 0);
    return about.st_mode;
}

}  // namespace

TEST_CASE("an address is written as it is read") {
    struct Row {
        const char* text;
        const char* canonical;
        int family;
        uint16_t port;
    };
    for (const Row& row : {
             Row{"127.0.0.1:9000", "127.0.0.1:9000", AF_INET, 9000},
             Row{"0.0.0.0:0", "0.0.0.0:0", AF_INET, 0},
             Row{"255.255.255.255:65535", "255.255.255.255:65535", AF_INET, 65535},
             Row{"[::1]:8443", "[::1]:8443", AF_INET6, 8443},
             Row{"[::]:1", "[::]:1", AF_INET6, 1},
             Row{"[2001:DB8:0:0::1]:80", "[2001:db8::1]:80", AF_INET6, 80},
             Row{"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", AF_INET6, 80},
             Row{"unix:/run/x.sock", "unix:/run/x.sock", AF_UNIX, 0},
             Row{"unix:relative.sock", "unix:relative.sock", AF_UNIX, 0},
             Row{"unix:/a b:80", "unix:/a b:80", AF_UNIX, 0},
         }) {
        CAPTURE(std::string(row.text));
        const Address address = must_parse(row.text);
        CHECK(address.to_string() == row.canonical);
        CHECK(address.family() == row.family);
        CHECK(address.port() == row.port);
        CHECK(address.is_unix() == (row.family == AF_UNIX));
        CHECK(must_parse(row.canonical).to_string() == row.canonical);
    }
}

TEST_CASE("what is no address is an error that names it") {
    for (const char* text : {
             "",
             ":",
             ":80",
             "127.0.0.1",
             "127.0.0.1:",
             "127.0.0.1:http",
             "127.0.0.1:65536",
             "127.0.0.1:-1",
             "127.0.0.1:+1",
             "127.0.0.1: 1",
             "127.0.0.1:99999999999999999999",
             "127.1:80",       // inet_aton would take it
             "0x7f000001:80",  // and that
             "127.0.0.1.:80",
             "localhost:80",  // names are the resolver's
             "::1:8080",      // address and port, or address alone?
             "2001:db8::1",
             "[127.0.0.1]:80",
             "[::1]",
             "[::1:80",
             "::1]:80",
             "[]:80",
             "[[::1]]:80",
             "[fe80::1%lo]:80",
             "unix:",
         }) {
        CAPTURE(std::string(text));
        const Result<Address> address = Address::parse(text);
        REQUIRE_FALSE(address);
        CHECK(starts_with(address.error().message, "parse address "));
    }
    CHECK_FALSE(Address::from_ip(std::string("127.0.0.1\0.example", 18), 80));
    CHECK_FALSE(Address::from_ip("[::1]", 80));
}

TEST_CASE("a Unix path may have 107 bytes and not one more") {
    const std::string longest = "/" + std::string(106, 'x');
    CHECK(must_parse("unix:" + longest).to_string() == "unix:" + longest);
    CHECK_FALSE(Address::from_unix_path(longest + "x"));
}

TEST_CASE("loopback is 127.0.0.0/8, ::1, both in one, and every Unix path") {
    for (const char* text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1",
                             "[::ffff:127.0.0.1]:1", "unix:/x"}) {
        CAPTURE(std::string(text));
        CHECK(must_parse(text).is_loopback());
    }
    for (const char* text :
         {"0.0.0.0:1", "128.0.0.1:1", "126.0.0.1:1", "1.0.0.127:1", "[::]:1", "[::2]:1",
          "[::ffff:10.0.0.1]:1", "[::127.0.0.1]:1", "[fe80::1]:1"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(must_parse(text).is_loopback());
    }
    CHECK_FALSE(Address().is_loopback());
}

TEST_CASE("sockets tell where they are bound and who is there") {
    const Result<Fd> listener = listen_tcp(must_parse("127.0.0.1:0"));
    REQUIRE(listener);
    const Address here = Address::local_of(listener->get());
    CHECK(here.port() != 0);
    CHECK(here.to_string() == "127.0.0.1:" + std::to_string(here.port()));
    const Fd client = connect_to(here);
    REQUIRE(client);
    CHECK(Address::peer_of(client.get()).to_string() == here.to_string());
    const Fd server(::accept(listener->get(), nullptr, nullptr));
    REQUIRE(server);
    CHECK(Address::peer_of(server.get()).to_string() ==
          Address::local_of(client.get()).to_string());
    CHECK(Address::local_of(-1).to_string() == "unknown");
    CHECK(Address::peer_of(listener->get()).to_string() == "unknown");
    const FdPair nameless = make_socket_pair();
    CHECK(Address::peer_of(nameless.first.get()).to_string() == "unix:");
}

TEST_CASE("a port that is taken is an error that names the address") {
    const Result<Fd> first = listen_tcp(must_parse("127.0.0.1:0"));
    REQUIRE(first);
    const Address taken = Address::local_of(first->get());
    const Result<Fd> second = listen_tcp(taken);
    REQUIRE_FALSE(second);
    CHECK(second.error().message ==
          "bind " + taken.to_string() + ": Address already in use");
    CHECK_FALSE(listen_tcp(must_parse("192.0.2.1:0")));  // not an address of ours
}

TEST_CASE("an IPv6 listener leaves IPv4 alone") {
    const Result<Fd> six = listen_tcp(must_parse("[::]:0"));
    if (!six) {
        return;  // a machine without IPv6
    }
    int only = 0;
    socklen_t size = sizeof only;
    REQUIRE(::getsockopt(six->get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0);
    CHECK(only == 1);
}

TEST_CASE("a Unix socket has its mode from the start, whatever the umask") {
    Scratch scratch;
    for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
        const std::string path = scratch.path("sock");
        const mode_t before = ::umask(mask);
        const Result<Fd> listener = listen_unix(must_parse("unix:" + path), 0660);
        CHECK(::umask(before) == mask);  // as it was
        REQUIRE(listener);
        CHECK(mode_of(path) == (S_IFSOCK | 0660));
        CHECK((::fcntl(listener->get(), F_GETFL) & O_NONBLOCK) != 0);
        CHECK((::fcntl(listener->get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("a socket file nobody listens on is replaced") {
    Scratch scratch;
    const std::string path = scratch.path("sock");
    const Address address = must_parse("unix:" + path);
    for (int i = 0; i < 3; ++i) {
        const Result<Fd> listener = listen_unix(address, 0600);
        REQUIRE(listener);  // the one before was closed, its file is still there
        CHECK(connect_to(address));
    }
    CHECK_FALSE(connect_to(address));
}

TEST_CASE("a socket somebody listens on is left alone, also when its queue is full") {
    Scratch scratch;
    const std::string path = scratch.path("sock");
    const Address address = must_parse("unix:" + path);
    const Fd live(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(live.get(), address.get(), address.size()) == 0);
    REQUIRE(::listen(live.get(), 0) == 0);
    std::vector<Fd> waiting;
    do {
        const Result<Fd> second = listen_unix(address, 0600);
        REQUIRE_FALSE(second);
        CHECK(second.error().message ==
              "bind " + address.to_string() + ": in use by another process");
        waiting.push_back(connect_to(address));
    } while (waiting.back() && waiting.size() < 100);
    CHECK(errno == EAGAIN);  // full
    CHECK(::accept(live.get(), nullptr, nullptr) >= 0);
}

TEST_CASE("what is not ours to replace is an error and stays") {
    Scratch scratch;
    const std::string path = scratch.path("file");
    REQUIRE(write_file_atomically(path, "precious", 0600));
    const Result<Fd> over_file = listen_unix(must_parse("unix:" + path), 0600);
    REQUIRE_FALSE(over_file);
    CHECK(over_file.error().message ==
          "bind unix:" + path + ": exists and is not a socket");
    CHECK(*read_file(path, 100) == "precious");

    const std::string datagram =
        scratch.path("datagram");  // another's, of another kind
    const Address address = must_parse("unix:" + datagram);
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(socket.get(), address.get(), address.size()) == 0);
    CHECK_FALSE(listen_unix(address, 0600));
    CHECK((mode_of(datagram) & S_IFMT) == S_IFSOCK);

    const Result<Fd> nowhere = listen_unix(must_parse("unix:/nonexistent/sock"), 0600);
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().message ==
          "bind unix:/nonexistent/sock: No such file or directory");
}
