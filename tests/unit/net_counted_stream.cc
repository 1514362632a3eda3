#include <doctest/doctest.h>

#include "net_peer.h"
#include "neurond/net/counted_stream.h"

using namespace neuron;

TEST_CASE("a stream that is counted moves the same bytes and adds them up") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    const Fd peer(ends[1]);
    ByteCounts counts;
    const auto stream = counted(make_socket_stream(Fd(ends[0])), counts);
    CHECK(stream->read_fd() == ends[0]);
    CHECK(stream->is_silent());
    char buffer[8];
    CHECK(stream->read(buffer, sizeof buffer).state == Io::State::kWantRead);
    REQUIRE(::write(peer.get(), "hello", 5) == 5);
    CHECK_FALSE(stream->is_silent());
    CHECK(stream->read(buffer, 3).bytes == 3);
    CHECK(stream->read(buffer, sizeof buffer).bytes == 2);
    char word[] = "yes";
    const iovec parts[] = {{word, 3}, {word, 2}};
    CHECK(stream->write(parts, 2).bytes == 5);
    CHECK(counts.in == 5);
    CHECK(counts.out == 5);
    CHECK(stream->end_output());
    CHECK(::read(peer.get(), buffer, sizeof buffer) == 5);
    CHECK(::read(peer.get(), buffer, sizeof buffer) == 0);
}
