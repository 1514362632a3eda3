// A name nobody knows is nearly always a known one mistyped, or one of another section.

#include "neurond/conf/suggest.h"

#include "neurond/base/text.h"

namespace neuron::conf {

std::string did_you_mean(std::string_view word,
                         const std::vector<std::string_view>& candidates) {
    const std::string_view near = nearest(word, candidates);
    if (!near.empty()) {
        return ", did you mean \"" + std::string(near) + "\"?";
    }
    std::string out;
    for (const std::string_view candidate : candidates) {
        out += out.empty() ? ", expected one of " : ", ";
        out += candidate;
    }
    return out;
}

UnknownKey unknown_key(const SectionSpec& section, std::string_view key) {
    for (const SectionSpec& other : sections()) {
        if (other.name != section.name && other.find(key) != nullptr) {
            return {"unknown key, expected it in [" + std::string(other.name) + "]"};
        }
    }
    std::vector<std::string_view> keys;
    for (const KeySpec& spec : section) {
        keys.emplace_back(spec.key);
    }
    return {"unknown key" + did_you_mean(key, keys), section.find(nearest(key, keys))};
}

}  // namespace neuron::conf
