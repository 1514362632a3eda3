#ifndef NEUROND_NET_TLS_STREAM_H
#define NEUROND_NET_TLS_STREAM_H

#include <memory>

#include "neurond/base/fd.h"
#include "neurond/net/stream.h"
#include "neurond/net/tls_context.h"
#include "neurond/net/tls_ssl.h"

namespace neuron {

/// A connection whose handshake is over. Idle, it holds no buffers. An end without a
/// close_notify is a failure, because what it cuts off cannot be told (RFC 8446, 6.1); one
/// of ours is said on every way out that is still open.
std::unique_ptr<Stream> make_tls_stream(SslPtr ssl, Fd socket,
                                        std::shared_ptr<TlsContext> context);

}  // namespace neuron

#endif
