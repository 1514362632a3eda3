// Blocks: header and bytes in one allocation, so that a slice costs a pointer and a count.
// Counting is not atomic, because one thread is all there is.

#include "neurond/base/block.h"

#include <cassert>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace neuron {

namespace {

uint64_t g_total_bytes = 0;
uint64_t g_arriving_bytes = 0;
uint64_t g_total_max = std::numeric_limits<uint64_t>::max();

}  // namespace

BlockRef Block::make(size_t capacity) {
    assert(capacity <= std::numeric_limits<size_t>::max() - sizeof(Block));
    void* memory = std::malloc(sizeof(Block) + capacity);
    if (memory == nullptr) {
        std::abort();  // what peers can make us allocate is bounded by configuration
    }
    g_total_bytes += capacity;
    return BlockRef(new (memory) Block(capacity));
}

BlockRef Block::copy_of(std::string_view bytes) {
    BlockRef copy = make(bytes.size());
    if (!bytes.empty()) {
        std::memcpy(copy->data(), bytes.data(), bytes.size());
    }
    copy->commit(bytes.size());
    return copy;
}

void Block::commit(size_t n) noexcept {
    assert(n <= room());
    size_ += n;
}

uint64_t Block::total_bytes() noexcept {
    return g_total_bytes;
}

void Block::set_total_max(uint64_t bytes) noexcept {
    g_total_max = bytes;
}

bool Block::scarce(uint64_t more) noexcept {
    return g_total_bytes + more > g_total_max - g_total_max / 4;
}

bool Block::exhausted(uint64_t more) noexcept {
    return g_total_bytes + more > g_total_max;
}

bool Block::nearly_exhausted(uint64_t more) noexcept {
    return g_total_bytes + more > g_total_max - g_total_max / 16;
}

void Arriving::hold(size_t bytes) noexcept {
    g_arriving_bytes += bytes;
    g_arriving_bytes -= std::exchange(bytes_, bytes);
}

bool Arriving::crowded() const noexcept {
    return g_arriving_bytes - bytes_ > g_total_max / 2;
}

BlockRef::~BlockRef() {
    if (block_ == nullptr || --block_->refs_ > 0) {
        return;
    }
    g_total_bytes -= block_->capacity_;
    block_->~Block();
    std::free(block_);
}

void BlockRef::reserve(size_t more) {
    if (block_ == nullptr) {
        *this = Block::make(more);
        return;
    }
    const size_t capacity = growth(more);
    if (capacity == 0) {
        return;
    }
    const size_t size = block_->size();
    BlockRef larger = Block::make(capacity);
    std::memcpy(larger->data(), block_->data(), size);
    larger->commit(size);
    *this = std::move(larger);
}

size_t BlockRef::growth(size_t more) const noexcept {
    if (block_ == nullptr || block_->room() >= more) {
        return block_ == nullptr ? more : 0;
    }
    const size_t size = block_->size();
    assert(more <= std::numeric_limits<size_t>::max() - size);
    const size_t capacity = size + more;
    return capacity / 2 < block_->capacity() ? 2 * block_->capacity() : capacity;
}

Slice Slice::copy_of(std::string_view bytes) {
    BlockRef block = Block::copy_of(bytes);
    const std::string_view copy = block->view();
    return {std::move(block), copy};
}

}  // namespace neuron
