// The input side of a connection. Contiguous, so that parsers see a string_view; bytes are
// moved to the front only when fewer remain than have been consumed, so that each is moved
// at most a constant number of times.

#include "neurond/base/buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "neurond/base/limits.h"

namespace neuron {

void Buffer::move_to(BlockRef other) noexcept {
    const size_t kept = size();
    if (kept > 0) {
        std::memcpy(other->data(), bytes_->data() + begin_, kept);
    }
    bytes_ = std::move(other);
    begin_ = 0;
    end_ = kept;
}

WriteSpan Buffer::space(size_t want) {
    const size_t kept = size();
    if (capacity() - end_ >= want && bytes_) {
        return {bytes_->data() + end_, capacity() - end_};
    }
    if (bytes_ && begin_ >= kept && capacity() - kept >= want) {
        std::memmove(bytes_->data(), bytes_->data() + begin_, kept);
        begin_ = 0;
        end_ = kept;
    } else {
        move_to(Block::make(std::max(2 * capacity(), kept + want)));
    }
    return {bytes_->data() + end_, capacity() - end_};
}

void Buffer::commit(size_t n) noexcept {
    assert(n <= capacity() - end_);
    end_ += n;
}

void Buffer::consume(size_t n) noexcept {
    assert(n <= size());
    begin_ += n;
    if (begin_ == end_) {
        begin_ = 0;
        end_ = 0;
    }
}

void Buffer::settle() {
    if (empty()) {
        bytes_ = {};
        begin_ = 0;
        end_ = 0;
    } else if (size() <= kSmallBytes && capacity() > 2 * kSmallBytes) {
        move_to(Block::make(size()));
    }
}

}  // namespace neuron
