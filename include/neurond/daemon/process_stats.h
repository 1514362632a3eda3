#ifndef NEUROND_DAEMON_PROCESS_STATS_H
#define NEUROND_DAEMON_PROCESS_STATS_H

#include <cstddef>

#include "neurond/base/metrics.h"

namespace neuron {

/// What of this process is in memory; 0 when it cannot be told.
size_t resident_bytes();

/// The standard `process_*` families of Prometheus, about this process; read from /proc
/// whenever metrics are rendered.
void add_process_metrics(Metrics& metrics);

}  // namespace neuron

#endif
