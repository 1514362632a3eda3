#ifndef NEUROND_NET_TLS_SSL_H
#define NEUROND_NET_TLS_SSL_H

// What the files of net/tls_* share of OpenSSL. Nobody else includes this.

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace neuron {

struct SslFree {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

/// The reason on top of OpenSSL's queue of errors, in words; the queue is empty then.
std::string openssl_reason();

/// Why the operation that returned `error` (SSL_get_error) failed; `err` is its errno.
std::string ssl_failure(const SSL* ssl, int error, int err);

}  // namespace neuron

#endif
