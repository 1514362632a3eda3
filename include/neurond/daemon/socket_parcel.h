#ifndef NEUROND_DAEMON_SOCKET_PARCEL_H
#define NEUROND_DAEMON_SOCKET_PARCEL_H

#include <string>
#include <utility>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"

namespace neuron {

/// A descriptor with the name both ends know it by.
struct NamedFd {
    std::string name;
    Fd fd;
};

/// Sends descriptors in one message over a Unix socket of sequenced packets (SCM_RIGHTS);
/// they stay the sender's, too. At most kMaxParcelFds, no newline in a name.
Status send_sockets(int link, const std::vector<std::pair<std::string, int>>& sockets);

/// Such a message, which must be there already. The descriptors are close-on-exec.
Result<std::vector<NamedFd>> receive_sockets(int link);

}  // namespace neuron

#endif
