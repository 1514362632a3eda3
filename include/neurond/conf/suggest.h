#ifndef NEUROND_CONF_SUGGEST_H
#define NEUROND_CONF_SUGGEST_H

#include <string>
#include <string_view>
#include <vector>

#include "neurond/conf/schema.h"

namespace neuron::conf {

/// `, did you mean "port"?`, or `, expected one of a, b, c` where nothing is near.
std::string did_you_mean(std::string_view word,
                         const std::vector<std::string_view>& candidates);

/// What to say about a key that `section` does not have, and the row that was probably
/// meant (null if it is anybody's guess).
struct UnknownKey {
    std::string message;
    const KeySpec* meant = nullptr;
};
UnknownKey unknown_key(const SectionSpec& section, std::string_view key);

}  // namespace neuron::conf

#endif
