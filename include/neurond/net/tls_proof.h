#ifndef NEUROND_NET_TLS_PROOF_H
#define NEUROND_NET_TLS_PROOF_H

#include <memory>

#include "neurond/base/result.h"
#include "neurond/net/tls_context.h"

struct ssl_st;
struct stack_st_X509;
struct x509_st;

namespace neuron {

/// What a client has shown in its handshake, a certificate or none, kept so that it can be
/// judged again when a reload brings other files.
class TlsProof {
  public:
    /// Of an established connection that `context` has let in.
    TlsProof(std::shared_ptr<TlsContext> context, const ssl_st* ssl);
    TlsProof(const TlsProof&) = delete;
    TlsProof& operator=(const TlsProof&) = delete;
    ~TlsProof();

    /// Whether a handshake with `now` would let the same client in as the same; else why
    /// not: "certificate revoked".
    Status holds_for(const TlsContext& now) const;

  private:
    std::shared_ptr<TlsContext> context_;
    x509_st* cert_;          ///< null: it has shown none
    stack_st_X509* chain_;   ///< what it sent along; the connection's own
};

}  // namespace neuron

#endif
