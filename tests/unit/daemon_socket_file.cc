#include "neurond/daemon/socket_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "mcp_scratch.h"
#include "neurond/base/fd.h"
#include "neurond/net/address.h"

using namespace neuron;

namespace {

bool exists(const std::string& path) {
    struct stat about {};
    return ::lstat(path.c_str(), &about) == 0;
}

}  // namespace

TEST_CASE("a socket file has its mode and group, and goes with its owner") {
    Scratch scratch;
    const std::string path = scratch.path("a.sock");
    {
        SocketFile file;
        CHECK_FALSE(file);
        REQUIRE(file.open(path, 0640, std::to_string(::getegid())));
        struct stat about {};
        REQUIRE(::stat(path.c_str(), &about) == 0);
        CHECK((about.st_mode & 0777) == 0640);
        CHECK(about.st_gid == ::getegid());
        SocketFile moved = std::move(file);
        CHECK_FALSE(file);
        CHECK(moved);
        CHECK(exists(path));
    }
    CHECK_FALSE(exists(path));
}

TEST_CASE("a stale file is replaced, a live one and other files are respected") {
    Scratch scratch;
    const std::string path = scratch.path("a.sock");
    Result<Fd> listening = listen_unix(*Address::from_unix_path(path), 0600);
    REQUIRE(listening);
    SocketFile file;
    const Status in_use = file.open(path, 0600, "");
    REQUIRE_FALSE(in_use);
    CHECK(in_use.error().message.find("in use by another process") !=
          std::string::npos);
    CHECK(exists(path));
    listening->reset();  // its owner dies without cleaning up
    CHECK(file.open(path, 0600, ""));

    const std::string plain = scratch.path("plain");
    const Fd made(::creat(plain.c_str(), 0600));
    SocketFile other;
    CHECK_FALSE(other.open(plain, 0600, ""));
    CHECK(exists(plain));
}

TEST_CASE("an unknown group leaves no file behind") {
    Scratch scratch;
    const std::string path = scratch.path("a.sock");
    SocketFile file;
    CHECK_FALSE(file.open(path, 0600, "no-such-group"));
    CHECK_FALSE(exists(path));
}

TEST_CASE("a file that somebody else has put there stays") {
    Scratch scratch;
    const std::string path = scratch.path("a.sock");
    Result<Fd> foreign = Error{"none yet"};
    {
        SocketFile file;
        REQUIRE(file.open(path, 0600, ""));
        ::unlink(path.c_str());
        foreign = listen_unix(*Address::from_unix_path(path), 0600);
        REQUIRE(foreign);
    }
    CHECK(exists(path));
}
