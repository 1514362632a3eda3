#ifndef NEUROND_BASE_VERSION_H
#define NEUROND_BASE_VERSION_H

namespace neuron {

/// What -V, serverInfo, the metrics and the admin endpoints say.
constexpr const char* kVersion = "0.1.0";

}  // namespace neuron

#endif
