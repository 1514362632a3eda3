#ifndef NEUROND_DAEMON_DAEMONIZE_H
#define NEUROND_DAEMON_DAEMONIZE_H

#include <optional>

#include "neurond/base/fd.h"

namespace neuron {

/// Whether somebody may sit at our standard error, or wait for its end: a terminal, pipe
/// or socket, but not the journal's. A file and /dev/null wait for nobody.
bool stderr_has_reader();

/// Standard error leads nowhere from now on.
void let_go_of_stderr();

/// Splits off the daemon (`-d`). In the process that was called it returns the exit code,
/// once the other has told that it is listening or has ended. In the daemon it returns
/// nothing and sets `starter`, the pipe on which the first one waits: for '+', or its end.
/// With `relay` what the daemon and its children write to standard error meanwhile
/// goes through the first process, so that none of them keeps what the caller may be
/// waiting for.
std::optional<int> daemonize(std::optional<Fd>& starter, bool relay);

}  // namespace neuron

#endif
