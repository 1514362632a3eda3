// Names out of certificates. A CA vouches for them, but they are text from outside all the
// same: whatever is not plain is escaped, so that no two read alike.

#include "neurond/net/tls_peer.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <arpa/inet.h>

#include <memory>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

struct Free {
    void operator()(X509* cert) const noexcept { X509_free(cert); }
    void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};
using CertPtr = std::unique_ptr<X509, Free>;

CertPtr cert_of(const ssl_st* ssl) {
    return CertPtr(SSL_get1_peer_certificate(ssl));
}

std::string text_of(const ASN1_STRING* string) {
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, string);
    if (size < 0) {
        return {};
    }
    const std::string_view text(reinterpret_cast<const char*>(utf8),
                                static_cast<size_t>(size));
    std::string out = escape(text, kMaxPeerNameBytes);
    OPENSSL_free(utf8);
    return out;
}

std::string common_name(const X509* cert) {
    const X509_NAME* subject = X509_get_subject_name(cert);
    int at = -1;
    for (int next = at;
         (next = X509_NAME_get_index_by_NID(subject, NID_commonName, next)) >= 0;) {
        at = next;
    }
    return at < 0 ? std::string()
                  : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

std::string ip_text(const ASN1_OCTET_STRING* bytes) {
    char text[INET6_ADDRSTRLEN] = {};
    const int size = ASN1_STRING_length(bytes);
    const int family = size == 4 ? AF_INET : AF_INET6;
    if (size == 4 || size == 16) {
        ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof text);
    }
    return text;
}

std::string name_text(const GENERAL_NAME* name) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(name, &type);
    switch (type) {
        case GEN_DNS:
        case GEN_URI:
        case GEN_EMAIL:
            return text_of(static_cast<const ASN1_STRING*>(value));
        case GEN_IPADD:
            return ip_text(static_cast<const ASN1_OCTET_STRING*>(value));
        default:
            return {};
    }
}

}  // namespace

TlsPeer read_tls_peer(const ssl_st* ssl) {
    TlsPeer peer;
    peer.resumed = SSL_session_reused(ssl) == 1;
    const CertPtr cert = cert_of(ssl);
    if (cert == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) {
        return peer;
    }
    peer.certified = true;
    peer.common_name = common_name(cert.get());
    const std::unique_ptr<GENERAL_NAMES, Free> names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(cert.get(), NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        std::string text = name_text(sk_GENERAL_NAME_value(names.get(), i));
        if (!text.empty()) {
            peer.names.push_back(std::move(text));
        }
    }
    return peer;
}

bool peer_has_expired(const ssl_st* ssl, std::time_t now) {
    const CertPtr cert = cert_of(ssl);
    return cert != nullptr && X509_cmp_time(X509_get0_notAfter(cert.get()), &now) < 0;
}

}  // namespace neuron
