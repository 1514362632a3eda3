#ifndef NEUROND_FRONT_CALLER_H
#define NEUROND_FRONT_CALLER_H

#include <optional>
#include <string>

#include "neurond/mcp/clients.h"
#include "neurond/mcp/identity.h"
#include "neurond/net/address.h"
#include "neurond/net/tls_handshake.h"
#include "neurond/wire/http_fields.h"

namespace neuron {

/// Who makes a request (DESIGN 1.4): the [client ID] that matches, else cert:CN, uid:N,
/// anonymous on loopback, unauthenticated from elsewhere.
struct Caller {
    Identity identity;
    bool known = false;  ///< it has proved who it is
    bool admin = false;  ///< a [client] with admin = yes
    bool owner = false;  ///< root or our own user, by the kernel's word
};

/// From what a TCP connection itself tells.
Caller tcp_caller(const Address& peer, const TlsPeer& tls, const Clients& clients);
/// From what the kernel tells of the other end of the Unix socket `fd`. Should it not
/// tell, that is a user who owns nothing.
Caller unix_caller(int fd, const Clients& clients);

/// What is kept of the Authorization field of a request: nothing without one, the digest
/// of its bearer token (RFC 6750), or "" when it is anything else.
std::optional<std::string> shown_token(const HttpFields& fields);

/// What that makes of a caller: the same without one, the client whose token it is, or
/// nothing when it is nobody's.
std::optional<Caller> with_token(const Caller& caller,
                                 const std::optional<std::string>& digest,
                                 const Clients& clients);

}  // namespace neuron

#endif
