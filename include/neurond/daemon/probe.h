#ifndef NEUROND_DAEMON_PROBE_H
#define NEUROND_DAEMON_PROBE_H

#include <functional>
#include <string>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/daemon/checked_config.h"

namespace neuron {

/// What became of one downstream in a probe.
struct ProbeRow {
    std::string name;
    std::string state;  ///< as `servers` has it; "healthy" is good
    bool good = false;  ///< it serves, or is not to be started
    std::string revision;
    size_t tools = 0;
    size_t prompts = 0;
    size_t resources = 0;  ///< templates count
    Millis took{0};        ///< from its start to its first list, or failure
    std::string error;
};

/// Starts every downstream of a configuration, also those that would be started by the
/// first call, waits until each has listed what it offers, failed, or timed out, and stops
/// them. Nothing else of a daemon is there: no listener, no state, no audit. `told` hears
/// of each as it comes. No process is left, also after TERM or INT, which end it early:
/// then the rows are those there were. Once a process: it takes the signals over.
std::vector<ProbeRow> probe_downstreams(const CheckedConfig& checked,
                                        const std::function<void(const ProbeRow&)>& told);

}  // namespace neuron

#endif
