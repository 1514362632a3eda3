#ifndef NEUROND_BASE_TAKE_FIRST_H
#define NEUROND_BASE_TAKE_FIRST_H

#include <algorithm>
#include <optional>
#include <utility>

namespace neuron {

/// The first element of `list` (a vector, a deque) that `wanted` is true of, taken out;
/// the others keep their order. Nothing if there is none.
template <typename List, typename Wanted>
std::optional<typename List::value_type> take_first(List& list, Wanted wanted) {
    const auto found = std::find_if(list.begin(), list.end(), wanted);
    if (found == list.end()) {
        return std::nullopt;
    }
    typename List::value_type taken = std::move(*found);
    list.erase(found);
    return taken;
}

}  // namespace neuron

#endif
