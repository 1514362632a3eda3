#ifndef NEUROND_BASE_BUFFER_H
#define NEUROND_BASE_BUFFER_H

#include <cstddef>
#include <string_view>

#include "neurond/base/block.h"

namespace neuron {

/// Where to put bytes that are about to be read. Empty = none wanted now.
struct WriteSpan {
    char* data = nullptr;
    size_t size = 0;
};

/// Contiguous input of one connection: bytes are read into space(), parsed from
/// readable(), and dropped by consume(), which invalidates earlier views. Its memory
/// counts as that of blocks does.
class Buffer {
  public:
    bool empty() const noexcept { return begin_ == end_; }
    size_t size() const noexcept { return end_ - begin_; }
    std::string_view readable() const noexcept {
        return bytes_ ? std::string_view(bytes_->data() + begin_, size())
                      : std::string_view();
    }

    /// Room for at least `want` further bytes behind the readable ones.
    WriteSpan space(size_t want);
    /// Counts n bytes just written into the last space().
    void commit(size_t n) noexcept;
    void consume(size_t n) noexcept;
    /// Nothing more comes for now: gives back what little content, or none, does not need.
    void settle();

  private:
    size_t capacity() const noexcept { return bytes_ ? bytes_->capacity() : 0; }
    void move_to(BlockRef other) noexcept;

    BlockRef bytes_;
    size_t begin_ = 0;
    size_t end_ = 0;
};

}  // namespace neuron

#endif
