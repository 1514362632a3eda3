#ifndef NEUROND_FRONT_UNIX_PEER_H
#define NEUROND_FRONT_UNIX_PEER_H

#include <sys/types.h>

#include "neurond/mcp/identity.h"

namespace neuron {

/// Who connected to a Unix socket, as the kernel remembers it (SO_PEERCRED).
struct UnixPeer {
    Identity identity;  ///< "uid:1000", "unix pid 4711"
    uid_t uid = 0;
};

/// `fd` is a connected Unix socket. Should the kernel not tell, it is nobody: a user that
/// owns nothing.
UnixPeer unix_peer(int fd);

}  // namespace neuron

#endif
