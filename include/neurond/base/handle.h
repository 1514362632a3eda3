#ifndef NEUROND_BASE_HANDLE_H
#define NEUROND_BASE_HANDLE_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace neuron {

/// Remembers a T that may be gone when it is asked for: slot and generation.
/// A default-constructed handle finds nothing.
template <typename T>
struct Handle {
    uint32_t slot = 0;
    uint32_t generation = 0;

    explicit operator bool() const noexcept { return generation != 0; }
    friend bool operator==(Handle a, Handle b) noexcept {
        return a.slot == b.slot && a.generation == b.generation;
    }
    friend bool operator!=(Handle a, Handle b) noexcept { return !(a == b); }
};

/// Finds objects by handle; owns none of them.
template <typename T>
class HandleTable {
  public:
    Handle<T> add(T& object) {
        if (free_.empty()) {
            free_.push_back(static_cast<uint32_t>(slots_.size()));
            slots_.push_back({});
        }
        const uint32_t slot = free_.back();
        free_.pop_back();
        slots_[slot].object = &object;
        ++size_;
        return {slot, slots_[slot].generation};
    }
    /// Nothing happens for a handle that finds nothing.
    void remove(Handle<T> handle) {
        if (find(handle) == nullptr) {
            return;
        }
        Slot& slot = slots_[handle.slot];
        slot.object = nullptr;
        if (++slot.generation == 0) {
            slot.generation = 1;  // 0 means no handle at all
        }
        free_.push_back(handle.slot);
        --size_;
    }
    T* find(Handle<T> handle) const noexcept {
        if (!handle || handle.slot >= slots_.size()) {
            return nullptr;
        }
        const Slot& slot = slots_[handle.slot];
        return slot.generation == handle.generation ? slot.object : nullptr;
    }
    size_t size() const noexcept { return size_; }
    /// Calls f(T&) for each; f may remove any object, and add some (which may be missed).
    template <typename F>
    void for_each(F f) const {
        for (size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].object != nullptr) {
                f(*slots_[i].object);
            }
        }
    }

  private:
    struct Slot {
        T* object = nullptr;
        uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_;
    size_t size_ = 0;
};

/// Membership in a HandleTable as a member: made, it can be found; gone, it cannot.
template <typename T>
class Registration {
  public:
    Registration(HandleTable<T>& table, T& object)
        : table_(table), handle_(table.add(object)) {}
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    ~Registration() { table_.remove(handle_); }
    Handle<T> handle() const noexcept { return handle_; }

  private:
    HandleTable<T>& table_;
    Handle<T> handle_;
};

}  // namespace neuron

#endif
