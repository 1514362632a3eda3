#ifndef NEUROND_CLI_PUMP_H
#define NEUROND_CLI_PUMP_H

#include <string_view>

#include "neurond/base/result.h"

namespace neuron {

/// Descriptors to copy between; lent. Whether they block does not matter.
struct PumpEnds {
    int in;      ///< its end is passed on to the socket
    int out;     ///< what comes from the socket
    int socket;  ///< connected
};

/// Copies bytes both ways, beginning with `first` to the socket, until the socket's peer
/// has nothing more to say. Holds at most kMaxPumpBytes a direction: who does not read is
/// not read from. SIGPIPE has to be ignored.
///
/// Fails when the peer ends before `in` does, when nobody reads `out` any more although
/// `in` goes on, and when a descriptor is broken.
Status pump(const PumpEnds& ends, std::string_view first);

}  // namespace neuron

#endif
