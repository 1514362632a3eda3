#include <doctest/doctest.h>

#include <set>
#include <string>

#include "neurond/base/limits.h"
#include "neurond/mcp/replay.h"

using namespace neuron;
using Kind = ReplayBuffer::Kind;
using State = ReplayBuffer::Place::State;

namespace {

/// Sends `bytes` on a stream; returns the event's id.
std::string send(ReplayBuffer& buffer, ReplayBuffer::StreamId stream,
                 const std::string& bytes) {
    std::string id = buffer.next_id(stream);
    OutQueue event;
    event.write(bytes);
    buffer.keep(stream, event);
    return id;
}

/// What a client gets that comes back with `id`.
std::string replayed(const ReplayBuffer& buffer, const std::string& id) {
    const ReplayBuffer::Place place = buffer.find(id);
    if (place.state != State::kFound) {
        return place.state == State::kGone ? "gone" : "invalid";
    }
    std::string out;
    for (const OutQueue& event : buffer.events_after(place.stream, place.after)) {
        out += event.to_string();
    }
    return out;
}

}  // namespace

TEST_CASE("after any event what follows on that stream is replayed, and nothing else") {
    ReplayBudget budget{1000};
    ReplayBuffer buffer(1000, budget);
    const auto post = buffer.open(Kind::kPost);
    const auto news = buffer.open(Kind::kNews);
    const std::string primed = buffer.next_id(post);  // not kept: it brings nothing
    const std::string a = send(buffer, post, "a");
    const std::string x = send(buffer, news, "x");
    const std::string b = send(buffer, post, "b");
    const std::string y = send(buffer, news, "y");
    CHECK(replayed(buffer, primed) == "ab");
    CHECK(replayed(buffer, a) == "b");
    CHECK(replayed(buffer, b) == "");
    CHECK(replayed(buffer, x) == "y");
    CHECK(replayed(buffer, y) == "");
    CHECK(std::set<std::string>{primed, a, x, b, y}.size() == 5);
    CHECK(buffer.find(x).kind == Kind::kNews);
    CHECK(buffer.bytes() == 4);
}

TEST_CASE("an id of another buffer means nothing, but tells what kind of stream it was") {
    ReplayBudget budget{1000};
    ReplayBuffer mine(1000, budget);
    ReplayBuffer other(1000, budget);
    send(mine, mine.open(Kind::kPost), "mine");
    const std::string id = send(other, other.open(Kind::kNews), "other");
    CHECK(replayed(mine, id) == "gone");
    CHECK(mine.find(id).kind == Kind::kNews);
    for (const char* bad : {"", "1", "-", "---", "a-b-c-d", "x-g-1", "x-g-1-", "x-g--1",
                            "x-z-1-1", "x-gg-1-1", "x-g-1-1x", "x-g-+1-1"}) {
        CAPTURE(bad);
        CHECK(replayed(mine, bad) == "invalid");
    }
}

TEST_CASE("a gap is never passed over in silence") {
    ReplayBudget budget{1000};
    ReplayBuffer buffer(4, budget);
    const auto one = buffer.open(Kind::kPost);
    const auto two = buffer.open(Kind::kPost);
    const std::string primed = buffer.next_id(one);
    const std::string a = send(buffer, one, "aa");
    const std::string x = send(buffer, two, "xx");
    CHECK(replayed(buffer, primed) == "aa");
    const std::string b = send(buffer, one, "bb");  // pushes aa out
    CHECK(replayed(buffer, primed) == "gone");
    CHECK(replayed(buffer, a) == "bb");  // all that followed is there
    send(buffer, one, "12345");          // does not fit at all
    CHECK(buffer.bytes() == 0);
    CHECK(replayed(buffer, a) == "gone");
    CHECK(replayed(buffer, b) == "gone");
    CHECK(replayed(buffer, x) == "");
    const std::string c = send(buffer, one, "cc");
    CHECK(replayed(buffer, b) == "gone");
    CHECK(replayed(buffer, c) == "");
}

TEST_CASE("all buffers together are bounded, and what one held is given back") {
    ReplayBudget budget{6};
    ReplayBuffer first(100, budget);
    const auto stream = first.open(Kind::kPost);
    send(first, stream, "1111");
    {
        ReplayBuffer second(100, budget);
        const auto other = second.open(Kind::kPost);
        send(second, other, "22");
        CHECK(budget.bytes == 6);
        send(second, other, "333");  // its own go, nobody else's
        CHECK(second.bytes() == 0);
        CHECK(first.bytes() == 4);
    }
    CHECK(budget.bytes == 4);
}

TEST_CASE("a closed stream is replayed until very many were closed after it") {
    ReplayBudget budget{1000};
    ReplayBuffer buffer(1000, budget);
    const auto kept = buffer.open(Kind::kNews);
    const auto stream = buffer.open(Kind::kPost);
    const std::string primed = buffer.next_id(stream);
    const std::string quiet = buffer.next_id(kept);
    send(buffer, stream, "answer");
    CHECK(buffer.is_open(stream));
    buffer.close(stream);
    buffer.close(kept);
    buffer.reopen(kept);
    CHECK_FALSE(buffer.is_open(stream));
    CHECK(buffer.is_open(kept));
    for (size_t i = 1; i < kMaxClosedStreams; ++i) {
        buffer.close(buffer.open(Kind::kPost));
    }
    CHECK(replayed(buffer, primed) == "answer");
    buffer.close(buffer.open(Kind::kPost));
    CHECK(replayed(buffer, primed) == "gone");
    CHECK(replayed(buffer, quiet) == "");
}

TEST_CASE("large events are shared, not copied") {
    ReplayBudget budget{1 << 20};
    ReplayBuffer buffer(1 << 20, budget);
    const auto stream = buffer.open(Kind::kPost);
    const std::string primed = buffer.next_id(stream);
    const std::string text(kSmallBytes * 3, 'x');
    const size_t before = Block::total_bytes();
    OutQueue event;
    event.append(Slice::copy_of(text));
    const size_t once = Block::total_bytes() - before;
    buffer.next_id(stream);
    buffer.keep(stream, event);
    CHECK(Block::total_bytes() - before == once);
    event.clear();
    CHECK(replayed(buffer, primed) == text);
}
