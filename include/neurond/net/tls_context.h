#ifndef NEUROND_NET_TLS_CONTEXT_H
#define NEUROND_NET_TLS_CONTEXT_H

#include <ctime>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_session_st;

namespace neuron {

/// PEM text and the name of the file it came from, for messages. Empty text: there is none.
struct PemText {
    std::string path;
    std::string text;
};

/// How one side of TLS is set up: a listener, or the connections to one server.
struct TlsSettings {
    enum class Role { kServer, kClient };
    enum class ClientAuth { kNone, kOptional, kRequired };

    Role role = Role::kServer;
    PemText cert;  ///< ours, with what belongs to its chain behind it
    PemText key;
    /// Whom we believe about the other side. A client without believes whom the system
    /// believes.
    PemText ca;
    PemText crl;  ///< of those; then each certificate of a chain must be covered
    ClientAuth client_auth = ClientAuth::kNone;  ///< of a server
    bool only_tls13 = false;
    std::string ciphers;       ///< of TLS 1.2, as OpenSSL writes them; empty = ours
    std::string ciphersuites;  ///< of TLS 1.3; empty = OpenSSL's
    bool session_tickets = true;
};

/// Something an operator must hear about the files of a context.
struct TlsFinding {
    enum class About { kCert, kKey, kCa, kCrl, kCiphers, kCiphersuites };
    About about;
    bool fatal;           ///< false: a warning
    std::string message;  ///< names the file and, where there is one, OpenSSL's reason
};

/// What new connections of one side share: certificate, key, whom to trust, sessions.
/// Immutable but for the last session of a client; replace it as a whole to use other
/// files: connections keep the one they began with. TLS 1.2 and 1.3 (RFC 8446), no
/// renegotiation, no compression.
class TlsContext {
  public:
    /// Null when something is wrong, with a fatal finding that says what. Dates are not
    /// looked at.
    static std::shared_ptr<TlsContext> make(const TlsSettings& settings,
                                            std::vector<TlsFinding>& findings);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    /// What an operator should hear about validity at `now`: a certificate of ours or a
    /// CRL that is over (or not begun) is fatal, under 30 days left is a warning.
    std::vector<TlsFinding> check_dates(std::time_t now) const;
    /// The end of our certificate; 0 without one.
    std::time_t cert_expires() const noexcept { return cert_end_; }
    const std::string& cert_path() const noexcept { return cert_path_; }
    bool is_server() const noexcept { return role_ == TlsSettings::Role::kServer; }
    TlsSettings::ClientAuth client_auth() const noexcept { return client_auth_; }
    /// The same for two contexts that believe the same of the other side and, of a client,
    /// show it the same.
    const std::string& trust() const noexcept { return trust_; }

    ssl_ctx_st* get() const noexcept { return ctx_; }
    /// Of a client: the session to resume, ours to free; null when there is none.
    ssl_session_st* take_session() noexcept;
    /// Keeps a session for the next connection; takes it over.
    void keep_session(ssl_session_st* session) noexcept;

  private:
    struct Period {
        TlsFinding::About about;
        std::string path;
        std::time_t begin;
        std::time_t end;  ///< 0: without an end
    };

    TlsContext() = default;
    friend class TlsContextBuilder;

    ssl_ctx_st* ctx_ = nullptr;
    ssl_session_st* session_ = nullptr;
    TlsSettings::Role role_ = TlsSettings::Role::kServer;
    TlsSettings::ClientAuth client_auth_ = TlsSettings::ClientAuth::kNone;
    std::string trust_;
    std::string cert_path_;
    std::time_t cert_end_ = 0;
    std::vector<Period> periods_;
};

}  // namespace neuron

#endif
