#ifndef NEUROND_BASE_OUT_QUEUE_H
#define NEUROND_BASE_OUT_QUEUE_H

#include <sys/uio.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/block.h"

namespace neuron {

/// Bytes on their way out, as a chain of slices: a message under construction, or what a
/// channel has still to write. Small pieces are gathered by copying, large ones are
/// shared.
class OutQueue {
  public:
    OutQueue() = default;
    OutQueue(OutQueue&& other) noexcept { swap(other); }
    OutQueue& operator=(OutQueue&& other) noexcept;

    bool empty() const noexcept { return bytes_ == 0; }
    size_t bytes() const noexcept { return bytes_; }

    /// Appends a copy of `text`.
    void write(std::string_view text);
    /// Appends a shared slice; one under kSmallBytes is copied instead.
    void append(const Slice& slice);
    /// Appends what is in `other` and leaves that empty.
    void append(OutQueue&& other);
    /// The same bytes once more, shared; nothing more can be gathered behind them.
    OutQueue share() const;

    /// Describes the first bytes for writev: fills at most `max` entries, returns how many.
    int gather(iovec* out, int max) const noexcept;
    /// Drops the first n bytes, which have been written. n <= bytes().
    void consume(size_t n) noexcept;
    void clear() noexcept;

    /// Everything as one string (tests, small messages).
    std::string to_string() const;

  private:
    void swap(OutQueue& other) noexcept;
    /// Copies into the tail block what fits there; returns what did not.
    std::string_view fill_tail(std::string_view text) noexcept;
    void share(Slice slice);

    std::vector<Slice> slices_;  ///< those before first_ are gone
    size_t first_ = 0;
    size_t bytes_ = 0;
    size_t gather_bytes_ =
        0;  ///< capacity of the last slice's block if made here, else 0
};

}  // namespace neuron

#endif
