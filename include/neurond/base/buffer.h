#ifndef NEUROND_BASE_BUFFER_H
#define NEUROND_BASE_BUFFER_H

#include <cstddef>
#include <string_view>
#include <vector>

namespace neuron {

/// Where to put bytes that are about to be read. Empty = none wanted now.
struct WriteSpan {
    char* data = nullptr;
    size_t size = 0;
};

/// Contiguous input of one connection: bytes are read into space(), parsed from
/// readable(), and dropped by consume(), which invalidates earlier views.
class Buffer {
  public:
    bool empty() const noexcept { return begin_ == end_; }
    size_t size() const noexcept { return end_ - begin_; }
    std::string_view readable() const noexcept { return {bytes_.data() + begin_, size()}; }

    /// Room for at least `want` further bytes behind the readable ones.
    WriteSpan space(size_t want);
    /// Counts n bytes just written into the last space().
    void commit(size_t n) noexcept;
    void consume(size_t n) noexcept;
    /// Gives the memory back; only when empty().
    void release();

  private:
    std::vector<char> bytes_;
    size_t begin_ = 0;
    size_t end_ = 0;
};

}  // namespace neuron

#endif
