#ifndef NEUROND_BASE_BLOCK_H
#define NEUROND_BASE_BLOCK_H

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace neuron {

class BlockRef;

/// A byte buffer counted intrusively, for one thread. A body is received into one and
/// forwarded as slices of it, so that no byte of a large message is copied twice.
/// Bytes once written never change while more than one reference exists; bytes are only
/// added behind size().
class Block {
  public:
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    /// An empty block with room for at least `capacity` bytes; one reference.
    static BlockRef make(size_t capacity);
    /// A block that holds a copy of `bytes`.
    static BlockRef copy_of(std::string_view bytes);

    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
    const char* data() const noexcept { return reinterpret_cast<const char*>(this + 1); }
    size_t size() const noexcept { return size_; }
    size_t capacity() const noexcept { return capacity_; }
    size_t room() const noexcept { return capacity_ - size_; }
    std::string_view view() const noexcept { return {data(), size_}; }
    /// Counts `n` bytes just written at data() + size(). n <= room().
    void commit(size_t n) noexcept;
    /// Forgets the content. Only for a sole owner.
    void clear() noexcept { size_ = 0; }

    /// Capacity of all blocks alive, in bytes: what `buffer_total` bounds.
    static uint64_t total_bytes() noexcept;
    /// What they may hold together. Until it is set there is no bound.
    static void set_total_max(uint64_t bytes) noexcept;
    /// With `more` bytes, three quarters of that were in use: no new work is begun, so
    /// that there is room for work in hand.
    static bool scarce(uint64_t more = 0) noexcept;
    /// With `more` bytes, all of it were in use: what grows further is given up.
    static bool exhausted(uint64_t more = 0) noexcept;
    /// The same for large messages: they leave a sixteenth to small ones.
    static bool nearly_exhausted(uint64_t more = 0) noexcept;

  private:
    friend class BlockRef;
    explicit Block(size_t capacity) noexcept : capacity_(capacity) {}
    ~Block() = default;

    size_t refs_ = 1;
    size_t size_ = 0;
    size_t capacity_;
};

/// One reference to a Block; copying counts, destroying uncounts.
class BlockRef {
  public:
    BlockRef() = default;
    BlockRef(const BlockRef& other) noexcept : block_(other.block_) {
        if (block_ != nullptr) {
            ++block_->refs_;
        }
    }
    BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    BlockRef& operator=(BlockRef other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~BlockRef();

    Block* operator->() const noexcept { return block_; }
    Block& operator*() const noexcept { return *block_; }
    explicit operator bool() const noexcept { return block_ != nullptr; }
    bool sole_owner() const noexcept { return block_ != nullptr && block_->refs_ == 1; }
    /// Makes room for `more` bytes behind the content, by moving it to a larger block if
    /// need be (doubling). Other references keep the old block. Views become invalid.
    void reserve(size_t more);
    /// The capacity of the block that reserve() would make; 0 where there is room.
    size_t growth(size_t more) const noexcept;

  private:
    friend class Block;
    explicit BlockRef(Block* block) noexcept : block_(block) {}

    Block* block_ = nullptr;
};

/// What one connection holds of a message that has not come whole. Nobody works on that
/// yet, and many who send slowly could hold all there is: together they get about half of
/// `buffer_total`.
class Arriving {
  public:
    Arriving() = default;
    Arriving(const Arriving&) = delete;
    Arriving& operator=(const Arriving&) = delete;
    ~Arriving() { hold(0); }

    /// It holds so many bytes now.
    void hold(size_t bytes) noexcept;
    /// The others have their half: what comes on here is refused.
    bool crowded() const noexcept;

  private:
    size_t bytes_ = 0;
};

/// Some bytes of a block, kept alive by it; or, without a block, static text.
struct Slice {
    BlockRef block;
    const char* data = nullptr;
    size_t size = 0;

    Slice() = default;
    /// `bytes` must lie in `owner`, or be static when there is no owner.
    Slice(BlockRef owner, std::string_view bytes)
        : block(std::move(owner)), data(bytes.data()), size(bytes.size()) {}

    static Slice copy_of(std::string_view bytes);

    std::string_view view() const noexcept { return {data, size}; }
    bool empty() const noexcept { return size == 0; }
    /// The part that `inner` (a view into this slice) covers.
    Slice part(std::string_view inner) const { return {block, inner}; }
};

}  // namespace neuron

#endif
