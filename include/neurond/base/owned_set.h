#ifndef NEUROND_BASE_OWNED_SET_H
#define NEUROND_BASE_OWNED_SET_H

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace neuron {

/// Owns objects that leave one by one, each known by its address.
template <typename T>
class OwnedSet {
  public:
    T& add(std::unique_ptr<T> object) {
        T& ref = *object;
        objects_.emplace(&ref, std::move(object));
        return ref;
    }
    /// Gives the object up; null when it is not in here.
    std::unique_ptr<T> release(const T& object) {
        auto node = objects_.extract(&object);
        return node.empty() ? nullptr : std::move(node.mapped());
    }
    size_t size() const noexcept { return objects_.size(); }
    bool empty() const noexcept { return objects_.empty(); }
    /// Calls f(T&) for each that is in here now; f may add and release.
    template <typename F>
    void for_each(F f) {
        std::vector<T*> now;
        now.reserve(objects_.size());
        for (const auto& [key, object] : objects_) {
            now.push_back(object.get());
        }
        for (T* object : now) {
            if (objects_.count(object) != 0) {
                f(*object);
            }
        }
    }
    /// Calls f(const T&) for each; f neither adds nor releases.
    template <typename F>
    void for_each(F f) const {
        for (const auto& [key, object] : objects_) {
            f(static_cast<const T&>(*object));
        }
    }

  private:
    std::unordered_map<const T*, std::unique_ptr<T>> objects_;
};

}  // namespace neuron

#endif
