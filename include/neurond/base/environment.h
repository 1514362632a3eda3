#ifndef NEUROND_BASE_ENVIRONMENT_H
#define NEUROND_BASE_ENVIRONMENT_H

#include <string>

namespace neuron {

/// What a child gets of our environment with `inherit_env = minimal`.
constexpr const char* kMinimalEnvironment[] = {"PATH", "HOME", "LANG", "TZ", "TMPDIR"};

/// The value of an environment variable, which is removed, so that no child sees it. Empty
/// where there is none.
std::string take_variable(const char* name);

}  // namespace neuron

#endif
