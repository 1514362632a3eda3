// The chain of slices. What is small is copied behind the last slice, into a block that
// the queue made and shares with nobody; so a message spliced from twenty pieces, or a
// hundred small messages, are one allocation and one iovec. What is large is only counted.

#include "neurond/base/out_queue.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "neurond/base/limits.h"

namespace neuron {

OutQueue& OutQueue::operator=(OutQueue&& other) noexcept {
    if (this != &other) {
        clear();
        swap(other);
    }
    return *this;
}

void OutQueue::swap(OutQueue& other) noexcept {
    slices_.swap(other.slices_);
    std::swap(first_, other.first_);
    std::swap(bytes_, other.bytes_);
    std::swap(gather_bytes_, other.gather_bytes_);
}

std::string_view OutQueue::fill_tail(std::string_view text) noexcept {
    if (gather_bytes_ == 0) {
        return text;
    }
    Slice& tail = slices_.back();
    assert(tail.block.sole_owner());
    const size_t n = std::min(text.size(), tail.block->room());
    if (n > 0) {
        std::memcpy(tail.block->data() + tail.block->size(), text.data(), n);
        tail.block->commit(n);
        tail.size += n;
        bytes_ += n;
    }
    return text.substr(n);
}

void OutQueue::write(std::string_view text) {
    const std::string_view rest = fill_tail(text);
    if (rest.empty()) {
        return;
    }
    const size_t doubled =
        std::clamp(2 * gather_bytes_, kMinGatherBytes, kMaxGatherBytes);
    const size_t capacity = std::max(doubled, rest.size());
    BlockRef block = Block::make(capacity);
    const char* const start = block->data();
    share(Slice(std::move(block), {start, 0}));
    gather_bytes_ = capacity;
    fill_tail(rest);
}

void OutQueue::share(Slice slice) {
    bytes_ += slice.size;
    slices_.push_back(std::move(slice));
    gather_bytes_ = 0;
}

void OutQueue::append(const Slice& slice) {
    if (slice.size < kSmallBytes) {
        write(slice.view());
    } else {
        share(slice);
    }
}

void OutQueue::append(OutQueue&& other) {
    assert(this != &other);
    if (empty()) {
        *this = std::move(other);
        return;
    }
    const size_t gather_bytes = other.gather_bytes_;
    for (size_t i = other.first_; i < other.slices_.size(); ++i) {
        Slice& slice = other.slices_[i];
        if (slice.size < kSmallBytes) {
            write(slice.view());
            continue;
        }
        share(std::move(slice));
        if (i + 1 == other.slices_.size()) {
            gather_bytes_ = gather_bytes;  // its tail is our tail now
        }
    }
    other.clear();
}

OutQueue OutQueue::share() const {
    OutQueue out;
    for (size_t i = first_; i < slices_.size(); ++i) {
        out.share(slices_[i]);
    }
    return out;
}

int OutQueue::gather(iovec* out, int max) const noexcept {
    int n = 0;
    for (size_t i = first_; i < slices_.size() && n < max; ++i, ++n) {
        out[n].iov_base = const_cast<char*>(slices_[i].data);  // writev only reads
        out[n].iov_len = slices_[i].size;
    }
    return n;
}

void OutQueue::consume(size_t n) noexcept {
    assert(n <= bytes_);
    bytes_ -= n;
    if (bytes_ == 0) {
        clear();
        return;
    }
    while (n >= slices_[first_].size) {
        n -= slices_[first_].size;
        slices_[first_++] = Slice();
    }
    slices_[first_].data += n;
    slices_[first_].size -= n;
    if (first_ > slices_.size() / 2) {  // moves fewer than it has dropped
        slices_.erase(slices_.begin(),
                      slices_.begin() + static_cast<ptrdiff_t>(first_));
        first_ = 0;
    }
}

void OutQueue::clear() noexcept {
    slices_.clear();
    first_ = 0;
    bytes_ = 0;
    gather_bytes_ = 0;
}

std::string OutQueue::to_string() const {
    std::string all;
    all.reserve(bytes_);
    for (size_t i = first_; i < slices_.size(); ++i) {
        all.append(slices_[i].view());
    }
    return all;
}

}  // namespace neuron
