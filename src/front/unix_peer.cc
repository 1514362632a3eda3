// Callers on Unix sockets need no password: the kernel knows who they are.

#include "neurond/front/unix_peer.h"

#include <sys/socket.h>

#include <string>

namespace neuron {

UnixPeer unix_peer(int fd) {
    ucred credentials{};
    credentials.uid = static_cast<uid_t>(-1);
    socklen_t size = sizeof credentials;
    ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    return {{"uid:" + std::to_string(credentials.uid),
             "unix pid " + std::to_string(credentials.pid)},
            credentials.uid};
}

}  // namespace neuron
