// OpenSSL's errors in words.

#include "neurond/net/tls_ssl.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <cstring>

namespace neuron {

std::string openssl_reason() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    if (code == 0) {
        return "unknown reason";
    }
    if (ERR_SYSTEM_ERROR(code)) {
        return std::strerror(ERR_GET_REASON(code));
    }
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "error " + std::to_string(code);
}

std::string ssl_failure(const SSL* ssl, int error, int err) {
    const long verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) {
        ERR_clear_error();
        return X509_verify_cert_error_string(verified);
    }
    if (error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0) {
        return err != 0 ? std::strerror(err) : "the peer closed the connection";
    }
    const unsigned long code = ERR_peek_error();
    if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
        ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        ERR_clear_error();
        return "the peer closed the connection without a close_notify";
    }
    return openssl_reason();
}

}  // namespace neuron
