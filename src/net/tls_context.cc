// SSL_CTX from PEM texts, with messages that name the file that is wrong. The texts come
// from memory: whoever reads files has read them before, with the rights that it takes.

#include "neurond/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "neurond/base/crypto.h"
#include "neurond/net/tls_ssl.h"

namespace neuron {

namespace {

using About = TlsFinding::About;

constexpr std::time_t kDay = 24 * 60 * 60;
constexpr std::time_t kWarnDays = 30;
constexpr int kMaxCheapRsaBits = 3072;  ///< above, a handshake costs several ms
constexpr unsigned char kAlpn[] = "\x08http/1.1";
constexpr unsigned kAlpnBytes = sizeof kAlpn - 1;
/// Forward secrecy and authenticated encryption only (RFC 9325).
constexpr const char* kCiphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!MD5:!DSS:@SECLEVEL=2";

struct Free {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
    void operator()(X509* cert) const noexcept { X509_free(cert); }
    void operator()(X509_CRL* crl) const noexcept { X509_CRL_free(crl); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using BioPtr = std::unique_ptr<BIO, Free>;
using CertPtr = std::unique_ptr<X509, Free>;

BioPtr open_text(const PemText& pem) {
    return BioPtr(
        BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
}

/// Where there is nothing more to read, which is how each list of PEM blocks ends.
bool at_end() {
    const unsigned long code = ERR_peek_last_error();
    const bool end = ERR_GET_LIB(code) == ERR_LIB_PEM &&
                     ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (end) {
        ERR_clear_error();
    }
    return end;
}

std::time_t to_time(const ASN1_TIME* when) {
    std::tm parts{};
    return when != nullptr && ASN1_TIME_to_tm(when, &parts) == 1 ? ::timegm(&parts) : 0;
}

/// A daemon asks nobody for a passphrase.
int refuse_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                const unsigned char* offered, unsigned offered_size, void*) {
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, kAlpn, kAlpnBytes, offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
    auto* context =
        static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    context->keep_session(session);
    return 1;
}

}  // namespace

/// Builds one context step by step; each step says what is wrong with its part.
class TlsContextBuilder {
  public:
    TlsContextBuilder(const TlsSettings& settings, std::vector<TlsFinding>& findings)
        : settings_(settings), findings_(findings) {}

    std::shared_ptr<TlsContext> build();

  private:
    bool begin();
    void protocol();
    bool certificate();
    bool chain(BIO* bio);
    bool private_key();
    bool authorities();
    bool revocations();
    bool ciphers();
    void verification();
    void sessions();
    void note_cost(X509* cert);
    bool fail(About about, const std::string& message) {
        findings_.push_back({about, true, message});
        return false;
    }
    void note_period(About about, const std::string& path, const ASN1_TIME* begin,
                     const ASN1_TIME* end) {
        made_->periods_.push_back({about, path, to_time(begin), to_time(end)});
    }
    bool is_server() const { return settings_.role == TlsSettings::Role::kServer; }

    const TlsSettings& settings_;
    std::vector<TlsFinding>& findings_;
    std::shared_ptr<TlsContext> made_;
    SSL_CTX* ctx_ = nullptr;
};

std::shared_ptr<TlsContext> TlsContextBuilder::build() {
    ERR_clear_error();
    if (!begin()) {
        return nullptr;
    }
    protocol();
    const bool own = certificate() && private_key();
    const bool others = authorities() && revocations();
    if (!ciphers() || !own || !others) {
        return nullptr;
    }
    verification();
    sessions();
    return made_;
}

bool TlsContextBuilder::begin() {
    made_.reset(new TlsContext());
    ctx_ = SSL_CTX_new(is_server() ? TLS_server_method() : TLS_client_method());
    made_->ctx_ = ctx_;
    made_->role_ = settings_.role;
    made_->client_auth_ = settings_.client_auth;
    const std::string auth = std::to_string(static_cast<int>(settings_.client_auth));
    made_->trust_ = auth + sha256(settings_.ca.text) + sha256(settings_.crl.text) +
                    (is_server() ? std::string() : sha256(settings_.cert.text));
    return ctx_ != nullptr || fail(About::kCert, "set up TLS: " + openssl_reason());
}

void TlsContextBuilder::protocol() {
    SSL_CTX_set_min_proto_version(
        ctx_, settings_.only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(ctx_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE |
                                  SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx_, SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx_, 1);  // one read(2) a record instead of two
    if (is_server()) {
        SSL_CTX_set_alpn_select_cb(ctx_, choose_alpn, nullptr);
    } else {
        SSL_CTX_set_alpn_protos(ctx_, kAlpn, kAlpnBytes);
    }
}

bool TlsContextBuilder::certificate() {
    const PemText& pem = settings_.cert;
    if (pem.text.empty()) {
        return !is_server() || fail(About::kCert, "read " + pem.path + ": it is empty");
    }
    const BioPtr bio = open_text(pem);
    const CertPtr cert(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (cert == nullptr) {
        return fail(About::kCert, "read certificate " + pem.path + ": " + openssl_reason());
    }
    if (SSL_CTX_use_certificate(ctx_, cert.get()) != 1) {
        return fail(About::kCert, "use certificate " + pem.path + ": " + openssl_reason());
    }
    made_->cert_path_ = pem.path;
    made_->cert_end_ = to_time(X509_get0_notAfter(cert.get()));
    note_period(About::kCert, pem.path, X509_get0_notBefore(cert.get()),
                X509_get0_notAfter(cert.get()));
    note_cost(cert.get());
    return chain(bio.get());
}

bool TlsContextBuilder::chain(BIO* bio) {
    const std::string& path = settings_.cert.path;
    for (;;) {
        CertPtr next(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
        if (next == nullptr) {
            return at_end() || fail(About::kCert, "read the chain in " + path + ": " +
                                                      openssl_reason());
        }
        note_period(About::kCert, path, X509_get0_notBefore(next.get()),
                    X509_get0_notAfter(next.get()));
        if (SSL_CTX_add0_chain_cert(ctx_, next.get()) != 1) {
            return fail(About::kCert,
                        "use the chain in " + path + ": " + openssl_reason());
        }
        next.release();  // the context's now
    }
}

void TlsContextBuilder::note_cost(X509* cert) {
    const EVP_PKEY* key = X509_get0_pubkey(cert);
    if (is_server() && key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
        EVP_PKEY_get_bits(key) > kMaxCheapRsaBits) {
        findings_.push_back({About::kCert, false,
                             settings_.cert.path + " has an RSA key of " +
                                 std::to_string(EVP_PKEY_get_bits(key)) +
                                 " bits: each handshake costs several times as much as "
                                 "with 2048 bits or an EC key"});
    }
}

bool TlsContextBuilder::private_key() {
    const PemText& pem = settings_.key;
    if (settings_.cert.text.empty()) {
        return true;
    }
    bool asked = false;
    const BioPtr bio = open_text(pem);
    const std::unique_ptr<EVP_PKEY, Free> key(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &asked));
    if (asked) {
        ERR_clear_error();
        return fail(About::kKey, "read key " + pem.path +
                                     ": it is encrypted, expected one without a "
                                     "passphrase");
    }
    if (key == nullptr) {
        return fail(About::kKey, "read key " + pem.path + ": " + openssl_reason());
    }
    if (SSL_CTX_use_PrivateKey(ctx_, key.get()) != 1 ||
        SSL_CTX_check_private_key(ctx_) != 1) {
        return fail(About::kKey, "use key " + pem.path + " with certificate " +
                                     settings_.cert.path + ": " + openssl_reason());
    }
    return true;
}

bool TlsContextBuilder::authorities() {
    const PemText& pem = settings_.ca;
    if (pem.text.empty()) {
        if (!is_server()) {
            SSL_CTX_set_default_verify_paths(ctx_);
        }
        return true;
    }
    const BioPtr bio = open_text(pem);
    size_t count = 0;
    for (;; ++count) {
        const CertPtr cert(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
        if (cert == nullptr) {
            break;
        }
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx_), cert.get());
        if (is_server()) {
            SSL_CTX_add_client_CA(ctx_, cert.get());  // named to clients
        }
        note_period(About::kCa, pem.path, X509_get0_notBefore(cert.get()),
                    X509_get0_notAfter(cert.get()));
    }
    if (count > 0 && at_end()) {
        return true;
    }
    return fail(About::kCa, "read CA certificate " + pem.path + ": " + openssl_reason());
}

bool TlsContextBuilder::revocations() {
    const PemText& pem = settings_.crl;
    if (pem.text.empty()) {
        return true;
    }
    const BioPtr bio = open_text(pem);
    X509_STORE* store = SSL_CTX_get_cert_store(ctx_);
    size_t count = 0;
    for (;; ++count) {
        const std::unique_ptr<X509_CRL, Free> crl(
            PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
        if (crl == nullptr) {
            break;
        }
        X509_STORE_add_crl(store, crl.get());
        note_period(About::kCrl, pem.path, X509_CRL_get0_lastUpdate(crl.get()),
                    X509_CRL_get0_nextUpdate(crl.get()));
    }
    if (count == 0 || !at_end()) {
        return fail(About::kCrl, "read CRL " + pem.path + ": " + openssl_reason());
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return true;
}

bool TlsContextBuilder::ciphers() {
    const std::string& list = settings_.ciphers;
    if (SSL_CTX_set_cipher_list(ctx_, list.empty() ? kCiphers : list.c_str()) != 1) {
        return fail(About::kCiphers, "use \"" + list + "\": " + openssl_reason());
    }
    const std::string& suites = settings_.ciphersuites;
    if (!suites.empty() && SSL_CTX_set_ciphersuites(ctx_, suites.c_str()) != 1) {
        return fail(About::kCiphersuites, "use \"" + suites + "\": " + openssl_reason());
    }
    return true;
}

void TlsContextBuilder::verification() {
    int mode = SSL_VERIFY_PEER;
    if (is_server()) {
        switch (settings_.client_auth) {
            case TlsSettings::ClientAuth::kNone:
                mode = SSL_VERIFY_NONE;
                break;
            case TlsSettings::ClientAuth::kOptional:
                break;
            case TlsSettings::ClientAuth::kRequired:
                mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
                break;
        }
    }
    SSL_CTX_set_verify(ctx_, mode, nullptr);
}

void TlsContextBuilder::sessions() {
    if (!is_server()) {
        SSL_CTX_set_app_data(ctx_, made_.get());
        SSL_CTX_set_session_cache_mode(ctx_,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx_, on_new_session);
        return;
    }
    // A session with a client's certificate may be resumed in this context only.
    constexpr unsigned char kId[] = "neurond";
    SSL_CTX_set_session_id_context(ctx_, kId, sizeof kId - 1);
    SSL_CTX_set_session_cache_mode(ctx_, SSL_SESS_CACHE_OFF);
    if (!settings_.session_tickets) {
        SSL_CTX_set_options(ctx_, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx_, 0);
    }
}

std::shared_ptr<TlsContext> TlsContext::make(const TlsSettings& settings,
                                             std::vector<TlsFinding>& findings) {
    return TlsContextBuilder(settings, findings).build();
}

TlsContext::~TlsContext() {
    SSL_SESSION_free(session_);
    SSL_CTX_free(ctx_);
}

std::vector<TlsFinding> TlsContext::check_dates(std::time_t now) const {
    std::vector<TlsFinding> out;
    for (const Period& each : periods_) {
        const bool is_crl = each.about == About::kCrl;
        const char* what = is_crl ? "CRL " : "certificate ";
        const bool counts = each.about != About::kCa;  // an old one among many harms nobody
        if (each.begin > now) {
            out.push_back({each.about, counts,
                           what + each.path + " is not valid yet"});
        } else if (each.end != 0 && each.end <= now) {
            out.push_back({each.about, counts, what + each.path + " has expired"});
        } else if (each.end != 0 && !is_crl && each.end - now < kWarnDays * kDay) {
            out.push_back({each.about, false,
                           what + each.path + " expires in " +
                               std::to_string((each.end - now) / kDay) + " days"});
        }
    }
    return out;
}

ssl_session_st* TlsContext::take_session() noexcept {
    return std::exchange(session_, nullptr);
}

void TlsContext::keep_session(ssl_session_st* session) noexcept {
    SSL_SESSION_free(session_);
    session_ = session;
}

}  // namespace neuron
