#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "neurond/base/buffer.h"

using namespace neuron;

namespace {

void put(Buffer& buffer, std::string_view bytes) {
    const WriteSpan space = buffer.space(bytes.size());
    REQUIRE(space.size >= bytes.size());
    if (!bytes.empty()) {
        std::memcpy(space.data, bytes.data(), bytes.size());
    }
    buffer.commit(bytes.size());
}

}  // namespace

TEST_CASE("a buffer gives back what was put in, in order") {
    Buffer buffer;
    CHECK(buffer.empty());
    CHECK(buffer.readable().empty());
    put(buffer, "hello ");
    put(buffer, "world");
    CHECK(buffer.readable() == "hello world");
    buffer.consume(6);
    CHECK(buffer.readable() == "world");
    CHECK(buffer.size() == 5);
    buffer.consume(5);
    CHECK(buffer.empty());
}

TEST_CASE("less may be committed than there was space") {
    Buffer buffer;
    const WriteSpan space = buffer.space(100);
    std::memcpy(space.data, "ab", 2);
    buffer.commit(2);
    buffer.commit(0);
    CHECK(buffer.readable() == "ab");
}

TEST_CASE("a buffer that is read as fast as it is filled does not grow") {
    Buffer buffer;
    put(buffer, std::string(64, 'x'));
    const size_t room = 64 + buffer.space(0).size;
    for (int i = 0; i < 10000; ++i) {
        put(buffer, std::string(30, 'y'));
        buffer.consume(30);
    }
    CHECK(buffer.size() == 64);
    CHECK(buffer.space(0).size <= 4 * room);
}

TEST_CASE("any pattern of filling and reading keeps the order") {
    Buffer buffer;
    std::string expected;
    unsigned state = 1;  // a fixed pseudo-random sequence
    char next = 'a';
    for (int i = 0; i < 20000; ++i) {
        state = state * 1103515245U + 12345U;
        const std::string piece(state >> 16 & 63U, next);
        next = next == 'z' ? 'a' : static_cast<char>(next + 1);
        put(buffer, piece);
        expected += piece;
        const size_t n = std::min<size_t>(state >> 8 & 63U, expected.size());
        buffer.consume(n);
        expected.erase(0, n);
        REQUIRE(buffer.readable() == expected);
    }
}

TEST_CASE("release gives the memory back and the buffer works on") {
    Buffer buffer;
    put(buffer, std::string(100000, 'x'));
    buffer.consume(100000);
    buffer.settle();
    CHECK(buffer.space(0).size == 0);
    put(buffer, "again");
    CHECK(buffer.readable() == "again");
}

TEST_CASE("what a buffer holds counts, and little content keeps little memory") {
    const uint64_t before = Block::total_bytes();
    Buffer buffer;
    CHECK(buffer.space(64 * 1024).size >= 64 * 1024);
    CHECK(Block::total_bytes() == before + 64 * 1024);
    put(buffer, "xhead");
    buffer.consume(1);
    buffer.settle();
    CHECK(Block::total_bytes() == before + 4);
    CHECK(buffer.readable() == "head");
    put(buffer, " and more");
    CHECK(buffer.readable() == "head and more");
    put(buffer, std::string(10000, 'x'));
    buffer.settle();  // much content stays where it is
    CHECK(buffer.size() == 10013);
    buffer.consume(10013);
    buffer.settle();
    CHECK(Block::total_bytes() == before);
    CHECK(buffer.readable().empty());
}
