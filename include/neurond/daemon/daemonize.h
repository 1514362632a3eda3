#ifndef NEUROND_DAEMON_DAEMONIZE_H
#define NEUROND_DAEMON_DAEMONIZE_H

#include <optional>

#include "neurond/base/fd.h"

namespace neuron {

/// Splits off the daemon (`-d`). In the process that was called it returns the exit code,
/// once the other has told that it is listening or has ended. In the daemon it returns
/// nothing and sets `starter`, the pipe on which the first one waits: one byte, '+' or
/// '-'.
std::optional<int> daemonize(std::optional<Fd>& starter);

}  // namespace neuron

#endif
