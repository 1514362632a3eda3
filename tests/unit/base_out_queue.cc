#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "neurond/base/limits.h"
#include "neurond/base/out_queue.h"

using namespace neuron;

namespace {

int pieces(const OutQueue& queue) {
    std::vector<iovec> out(1000);
    return queue.gather(out.data(), 1000);
}

std::string gathered(const OutQueue& queue, int max) {
    std::vector<iovec> out(static_cast<size_t>(max));
    const int n = queue.gather(out.data(), max);
    std::string all;
    for (int i = 0; i < n; ++i) {
        const iovec& piece = out[static_cast<size_t>(i)];
        all.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    return all;
}

/// `n` bytes in which a mistake of order shows.
std::string sample(size_t n) {
    std::string text;
    for (size_t i = 0; i < n; ++i) {
        text += static_cast<char>('a' + i % 23);
    }
    return text;
}

}  // namespace

TEST_CASE("a new queue is empty and costs no block") {
    const uint64_t before = Block::total_bytes();
    const OutQueue queue;
    CHECK(queue.empty());
    CHECK(queue.to_string().empty());
    CHECK(pieces(queue) == 0);
    CHECK(Block::total_bytes() == before);
}

TEST_CASE("small pieces are gathered in one block") {
    const uint64_t before = Block::total_bytes();
    OutQueue queue;
    for (int i = 0; i < 100; ++i) {
        queue.write("0123456789");
    }
    CHECK(queue.bytes() == 1000);
    CHECK(pieces(queue) == 1);
    CHECK(Block::total_bytes() == before + kMinGatherBytes);
}

TEST_CASE("gather blocks grow, so that much small text is few pieces") {
    OutQueue queue;
    std::string all;
    for (int i = 0; i < 30000; ++i) {
        const std::string piece = std::to_string(i);
        queue.write(piece);
        all += piece;
    }
    CHECK(queue.to_string() == all);
    CHECK(pieces(queue) < 8);
}

TEST_CASE("a text larger than any gather block is copied whole") {
    const std::string large = sample(3 * kMaxGatherBytes + 1);
    OutQueue queue;
    queue.write("x");
    queue.write(large);
    queue.write("y");
    CHECK(queue.to_string() == "x" + large + "y");
}

TEST_CASE("a small slice is copied, a large one shared") {
    const Slice small = Slice::copy_of(sample(kSmallBytes - 1));
    const Slice large = Slice::copy_of(sample(kSmallBytes));
    OutQueue queue;
    queue.append(small);
    CHECK(small.block.sole_owner());
    queue.append(large);
    CHECK_FALSE(large.block.sole_owner());
    CHECK(queue.to_string() == sample(kSmallBytes - 1) + sample(kSmallBytes));
}

TEST_CASE("nothing is ever written into a block that came from outside") {
    Slice large = Slice::copy_of(sample(kSmallBytes));
    large.block.reserve(100);  // room behind the slice
    large.data = large.block->data();
    OutQueue queue;
    queue.append(large);
    queue.write("tail");
    CHECK(large.block->view() == sample(kSmallBytes));
    CHECK(queue.to_string() == sample(kSmallBytes) + "tail");
}

TEST_CASE("static text is shared without a block") {
    static const std::string fixed = sample(kSmallBytes);
    OutQueue queue;
    queue.append(Slice(BlockRef(), fixed));
    iovec piece;
    REQUIRE(queue.gather(&piece, 1) == 1);
    CHECK(piece.iov_base == fixed.data());
}

TEST_CASE("appending a queue keeps the order and empties the other") {
    OutQueue queue;
    queue.write("one ");
    OutQueue message;
    message.write("two ");
    const Slice body = Slice::copy_of(sample(kSmallBytes));
    message.append(body);
    message.write(" three");
    queue.append(std::move(message));
    CHECK(message.empty());  // NOLINT: what is left is the subject
    CHECK(message.to_string().empty());
    CHECK(queue.to_string() == "one two " + sample(kSmallBytes) + " three");
    CHECK(pieces(queue) == 3);  // gathered, shared, gathered
    message.write("again");
    CHECK(message.to_string() == "again");
}

TEST_CASE("appending to an empty queue moves, and its tail goes on gathering") {
    OutQueue message;
    message.write("two");
    OutQueue queue;
    queue.append(std::move(message));
    queue.write(" three");
    CHECK(queue.to_string() == "two three");
    CHECK(pieces(queue) == 1);
}

TEST_CASE("a large gathered tail that is taken over goes on gathering") {
    OutQueue message;
    message.write(sample(kSmallBytes));
    message.write(sample(kSmallBytes));  // doubled: the tail has room
    message.write("x");
    OutQueue queue;
    queue.write("head");
    queue.append(std::move(message));
    const int before = pieces(queue);
    queue.write("tail");
    CHECK(pieces(queue) == before);
    CHECK(queue.to_string() ==
          "head" + sample(kSmallBytes) + sample(kSmallBytes) + "xtail");
}

TEST_CASE("many messages in one queue are few pieces") {
    OutQueue queue;
    for (int i = 0; i < 100; ++i) {
        OutQueue message;
        message.write("a short message\n");
        queue.append(std::move(message));
    }
    CHECK(pieces(queue) == 1);
}

TEST_CASE("gather fills no more entries than it is given") {
    OutQueue queue;
    for (int i = 0; i < 5; ++i) {
        queue.append(Slice::copy_of(sample(kSmallBytes)));
    }
    CHECK(gathered(queue, 2) == sample(kSmallBytes) + sample(kSmallBytes));
    CHECK(gathered(queue, 5) == queue.to_string());
}

TEST_CASE("consuming in steps of any size leaves the rest") {
    for (const size_t step : {1U, 7U, 4095U, 4096U, 4097U, 9000U}) {
        OutQueue queue;
        std::string rest;
        for (int i = 0; i < 4; ++i) {
            const std::string text = std::to_string(i) + sample(kSmallBytes);
            queue.append(Slice::copy_of(text));
            queue.write("between");
            rest += text + "between";
        }
        while (!rest.empty()) {
            const size_t n = std::min(step, rest.size());
            queue.consume(n);
            rest.erase(0, n);
            REQUIRE(queue.bytes() == rest.size());
            if (step > 1 || rest.size() % 97 == 0) {
                REQUIRE(queue.to_string() == rest);
            }
        }
        CHECK(queue.empty());
        queue.write("after");
        CHECK(queue.to_string() == "after");
    }
}

TEST_CASE("writing goes on behind a consumed part") {
    OutQueue queue;
    std::string expected;
    for (int i = 0; i < 5000; ++i) {
        const std::string text = sample(static_cast<size_t>(i % 50 + 1));
        queue.write(text);
        expected += text;
        const size_t n = expected.size() / 2;
        queue.consume(n);
        expected.erase(0, n);
    }
    CHECK(queue.to_string() == expected);
}

TEST_CASE("consumed slices let their blocks go") {
    const uint64_t before = Block::total_bytes();
    OutQueue queue;
    queue.append(Slice::copy_of(sample(10000)));
    queue.append(Slice::copy_of(sample(20000)));
    queue.consume(10000);
    CHECK(Block::total_bytes() == before + 20000);
    queue.clear();
    CHECK(queue.empty());
    CHECK(Block::total_bytes() == before);
}

TEST_CASE("a moved queue is empty and can be used again") {
    OutQueue from;
    from.write("abc");
    OutQueue to(std::move(from));
    CHECK(from.empty());  // NOLINT: what is left is the subject
    CHECK(to.to_string() == "abc");
    OutQueue other;
    other.write("gone");
    other = std::move(to);
    CHECK(to.empty());  // NOLINT
    CHECK(other.to_string() == "abc");
    to.write("new");
    CHECK(to.to_string() == "new");
}
