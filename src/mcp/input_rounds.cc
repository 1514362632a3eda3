// A server may ask as often as it likes; a client is asked a bounded number of times.

#include "neurond/mcp/input_rounds.h"

#include <algorithm>
#include <utility>

#include "neurond/base/limits.h"

namespace neuron {

bool InputRounds::open(const std::vector<std::string>& keys, unsigned most) {
    std::vector<std::string> all = open_;
    all.insert(all.end(), keys.begin(), keys.end());
    std::sort(all.begin(), all.end());
    const bool twice = std::adjacent_find(all.begin(), all.end()) != all.end();
    const unsigned rounds = rounds_ + (asking() ? 0 : 1);
    if (twice || all.size() > kMaxOpenQuestions || rounds > most) {
        return false;
    }
    rounds_ = rounds;
    open_ = std::move(all);
    return true;
}

bool InputRounds::has(const std::string& key) const noexcept {
    return std::find(open_.begin(), open_.end(), key) != open_.end();
}

bool InputRounds::close(const std::string& key) {
    const auto found = std::find(open_.begin(), open_.end(), key);
    if (found == open_.end()) {
        return false;
    }
    open_.erase(found);
    return true;
}

std::vector<std::string> InputRounds::take_open() {
    return std::exchange(open_, {});
}

}  // namespace neuron
