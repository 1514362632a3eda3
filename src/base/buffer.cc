// The input side of a connection. Contiguous, so that parsers see a string_view; bytes are
// moved to the front only when fewer remain than have been consumed, so that each is moved
// at most a constant number of times.

#include "neurond/base/buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace neuron {

WriteSpan Buffer::space(size_t want) {
    if (bytes_.size() - end_ < want) {
        const size_t kept = size();
        if (begin_ >= kept && bytes_.size() - kept >= want) {
            if (kept > 0) {
                std::memmove(bytes_.data(), bytes_.data() + begin_, kept);
            }
        } else {
            std::vector<char> larger(std::max(2 * bytes_.size(), kept + want));
            std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(begin_), kept,
                        larger.begin());
            bytes_.swap(larger);
        }
        begin_ = 0;
        end_ = kept;
    }
    return {bytes_.data() + end_, bytes_.size() - end_};
}

void Buffer::commit(size_t n) noexcept {
    assert(n <= bytes_.size() - end_);
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

void Buffer::release() {
    assert(empty());
    bytes_ = std::vector<char>();
    begin_ = 0;
    end_ = 0;
}

}  // namespace neuron
