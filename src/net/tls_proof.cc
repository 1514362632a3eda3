// A connection lasts longer than the files by which its client was let in. What is revoked
// or no longer believed by the files of now is found out here, without another handshake.

#include "neurond/net/tls_proof.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

namespace neuron {

namespace {

struct Free {
    void operator()(X509_STORE_CTX* verify) const noexcept {
        X509_STORE_CTX_free(verify);
    }
};

Status verify_client(const TlsContext& now, X509* cert, STACK_OF(X509) * chain) {
    const std::unique_ptr<X509_STORE_CTX, Free> verify(X509_STORE_CTX_new());
    X509_STORE* store = SSL_CTX_get_cert_store(now.get());
    if (verify == nullptr ||
        X509_STORE_CTX_init(verify.get(), store, cert, chain) != 1 ||
        X509_STORE_CTX_set_default(verify.get(), "ssl_client") != 1) {
        ERR_clear_error();
        return Error{"it could not be verified"};
    }
    const bool good = X509_verify_cert(verify.get()) == 1;
    const int why = X509_STORE_CTX_get_error(verify.get());
    ERR_clear_error();
    if (!good) {
        return Error{X509_verify_cert_error_string(why)};
    }
    return Ok{};
}

}  // namespace

TlsProof::TlsProof(std::shared_ptr<TlsContext> context, const ssl_st* ssl)
    : context_(std::move(context)),
      cert_(SSL_get1_peer_certificate(ssl)),
      chain_(nullptr) {
    // The session's own list; what is in it is counted.
    if (STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
        cert_ != nullptr && chain != nullptr) {
        chain_ = X509_chain_up_ref(chain);
    }
}

TlsProof::~TlsProof() {
    X509_free(cert_);
    sk_X509_pop_free(chain_, X509_free);
}

Status TlsProof::holds_for(const TlsContext& now) const {
    if (now.trust() == context_->trust()) {
        return Ok{};
    }
    if (cert_ == nullptr && now.client_auth() == TlsSettings::ClientAuth::kRequired) {
        return Error{"peer did not return a certificate"};
    }
    if (cert_ == nullptr) {
        return Ok{};
    }
    if (now.client_auth() == TlsSettings::ClientAuth::kNone) {
        return Error{"client certificates count no more"};
    }
    return verify_client(now, cert_, chain_);
}

}  // namespace neuron
