#ifndef NEUROND_NET_TLS_PEER_H
#define NEUROND_NET_TLS_PEER_H

#include <ctime>

#include "neurond/net/tls_handshake.h"

struct ssl_st;

namespace neuron {

/// What the verified certificate of the other side says; nothing certified without one.
/// Of several common names the last, which is the most specific, counts.
TlsPeer read_tls_peer(const ssl_st* ssl);

/// Whether the other side has a certificate whose time is over at `now`.
bool peer_has_expired(const ssl_st* ssl, std::time_t now);

}  // namespace neuron

#endif
