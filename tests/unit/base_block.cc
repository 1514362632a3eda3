#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <utility>

#include "neurond/base/block.h"

using namespace neuron;

namespace {

void put(const BlockRef& block, std::string_view bytes) {
    std::memcpy(block->data() + block->size(), bytes.data(), bytes.size());
    block->commit(bytes.size());
}

}  // namespace

TEST_CASE("a block has the room it was asked for") {
    const BlockRef block = Block::make(10);
    CHECK(block->size() == 0);
    CHECK(block->capacity() == 10);
    put(block, "abc");
    CHECK(block->view() == "abc");
    CHECK(block->room() == 7);
    block->clear();
    CHECK(block->view().empty());
}

TEST_CASE("references are counted and the last one frees") {
    const uint64_t before = Block::total_bytes();
    {
        BlockRef first = Block::make(1000);
        CHECK(Block::total_bytes() == before + 1000);
        CHECK(first.sole_owner());
        BlockRef second = first;
        CHECK_FALSE(first.sole_owner());
        first = BlockRef();
        CHECK(second.sole_owner());
        CHECK(Block::total_bytes() == before + 1000);
        BlockRef& same = second;
        second = same;  // itself
        CHECK(second.sole_owner());
        const BlockRef third = std::move(second);
        CHECK(third.sole_owner());
    }
    CHECK(Block::total_bytes() == before);
}

TEST_CASE("no block is an owner of nothing") {
    const BlockRef none;
    CHECK_FALSE(static_cast<bool>(none));
    CHECK_FALSE(none.sole_owner());
}

TEST_CASE("reserve keeps the block while there is room, and doubles it when not") {
    BlockRef block = Block::make(8);
    const char* const data = block->data();
    put(block, "1234");
    block.reserve(4);
    CHECK(block->data() == data);
    block.reserve(5);
    CHECK(block->capacity() == 16);
    CHECK(block->view() == "1234");
    block.reserve(1000);
    CHECK(block->capacity() == 1004);
    CHECK(block->view() == "1234");
}

TEST_CASE("reserve makes a first block") {
    BlockRef block;
    block.reserve(5);
    REQUIRE(static_cast<bool>(block));
    CHECK(block->room() >= 5);
}

TEST_CASE("another reference keeps the old block when one grows") {
    BlockRef grown = Block::copy_of("abc");
    const BlockRef old = grown;
    grown.reserve(1);
    CHECK(old->view() == "abc");
    CHECK(grown->view() == "abc");
    CHECK(old->data() != grown->data());
    CHECK(old.sole_owner());
}

TEST_CASE("a slice keeps its bytes alive") {
    Slice part;
    {
        const Slice whole = Slice::copy_of("hello world");
        CHECK(whole.view() == "hello world");
        part = whole.part(whole.view().substr(6));
    }
    CHECK(part.view() == "world");
    CHECK(part.block.sole_owner());
}

TEST_CASE("an empty copy is a slice too, and static text needs no block") {
    CHECK(Slice::copy_of("").empty());
    const Slice fixed(BlockRef(), "static");
    CHECK(fixed.view() == "static");
    CHECK(Slice().empty());
}

TEST_CASE("memory is scarce at three quarters and exhausted when all is used") {
    const uint64_t before = Block::total_bytes();
    Block::set_total_max(UINT64_MAX);
    CHECK_FALSE(Block::scarce(UINT64_MAX / 2));
    const uint64_t most = 4 * (before + 1024 * 1024);
    Block::set_total_max(most);
    const uint64_t free = most - before;
    CHECK_FALSE(Block::scarce(free - most / 4));
    CHECK(Block::scarce(free - most / 4 + 1));
    CHECK_FALSE(Block::exhausted(free));
    CHECK(Block::exhausted(free + 1));
    CHECK_FALSE(Block::nearly_exhausted(free - most / 16));
    CHECK(Block::nearly_exhausted(free - most / 16 + 1));
    {
        const BlockRef held = Block::make(free);
        CHECK(Block::scarce());
        CHECK_FALSE(Block::exhausted());
        CHECK(Block::exhausted(1));
    }
    CHECK_FALSE(Block::scarce());
    Block::set_total_max(UINT64_MAX);
}

TEST_CASE("what has not come whole has half of everything, and who is alone is no crowd") {
    Arriving mine;
    Block::set_total_max(1000);
    mine.hold(900);
    CHECK_FALSE(mine.crowded());
    {
        Arriving other;
        other.hold(500);
        CHECK_FALSE(mine.crowded());
        CHECK(other.crowded());
        other.hold(501);
        CHECK(mine.crowded());
        mine.hold(0);
        CHECK_FALSE(other.crowded());
        CHECK(mine.crowded());
    }
    CHECK_FALSE(mine.crowded());
    Block::set_total_max(UINT64_MAX);
}
