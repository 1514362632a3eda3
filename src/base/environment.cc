// Variables that are meant for this process alone.

#include "neurond/base/environment.h"

#include <cstdlib>

namespace neuron {

std::string take_variable(const char* name) {
    const char* value = std::getenv(name);
    std::string out = value != nullptr ? value : "";
    ::unsetenv(name);
    return out;
}

}  // namespace neuron
