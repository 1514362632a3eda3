// From a connected socket to a stream whose other side is known.

#include "neurond/net/tls_handshake.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "neurond/base/limits.h"
#include "neurond/net/tls_peer.h"
#include "neurond/net/tls_ssl.h"
#include "neurond/net/tls_stream.h"

namespace neuron {

namespace {

bool is_ip(const std::string& host) {
    unsigned char bytes[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

/// SNI (RFC 6066, for names only) and what the certificate must be for (RFC 9525).
bool expect_host(SSL* ssl, const std::string& host) {
    if (is_ip(host)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    const_cast<char*>(host.c_str())) == 1 &&
           SSL_set1_host(ssl, host.c_str()) == 1;
}

}  // namespace

void TlsQueue::add(TlsHandshake& handshake) {
    waiting_.push_back(&handshake);
    task_.schedule();
}

void TlsQueue::remove(TlsHandshake& handshake) noexcept {
    waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), &handshake),
                   waiting_.end());
}

void TlsQueue::run() {
    for (int i = 0; i < kHandshakesPerTurn && !waiting_.empty(); ++i) {
        TlsHandshake* next = waiting_.front();
        waiting_.pop_front();
        next->step();
    }
    if (!waiting_.empty()) {
        task_.schedule();
    }
}

TlsHandshake::TlsHandshake(EventLoop& loop, Fd socket,
                           std::shared_ptr<TlsContext> context, Millis timeout,
                           TlsQueue& queue, TlsHandshakeOwner& owner)
    : owner_(owner),
      queue_(&queue),
      context_(std::move(context)),
      socket_(std::move(socket)),
      ssl_(SSL_new(context_->get())),
      deadline_(loop, [this] { fail("no handshake in time"); }) {
    if (ssl_ != nullptr) {
        SSL_set_accept_state(ssl_);
    }
    begin(loop, timeout);
}

TlsHandshake::TlsHandshake(EventLoop& loop, Fd socket,
                           std::shared_ptr<TlsContext> context, Millis timeout,
                           const std::string& host, TlsHandshakeOwner& owner)
    : owner_(owner),
      context_(std::move(context)),
      socket_(std::move(socket)),
      ssl_(SSL_new(context_->get())),
      deadline_(loop, [this] {
          fail(trouble_.empty() ? "no handshake in time" : trouble_);
      }) {
    if (ssl_ != nullptr) {
        SSL_set_connect_state(ssl_);
        if (!expect_host(ssl_, host)) {
            trouble_ = "use host name: " + openssl_reason();
        }
        if (SSL_SESSION* session = context_->take_session(); session != nullptr) {
            SSL_set_session(ssl_, session);
            SSL_SESSION_free(session);
        }
    }
    begin(loop, timeout);
}

TlsHandshake::~TlsHandshake() {
    if (queue_ != nullptr) {
        queue_->remove(*this);
    }
    SSL_free(ssl_);
}

/// A client speaks first, so it is writable at once and takes its first step then.
void TlsHandshake::begin(EventLoop& loop, Millis timeout) {
    if (ssl_ == nullptr || SSL_set_fd(ssl_, socket_.get()) != 1) {
        trouble_ = "begin a handshake: " + openssl_reason();
    }
    deadline_.arm(trouble_.empty() ? timeout : Millis{1});
    watch_.emplace(loop, socket_.get(), static_cast<EventHandler&>(*this));
    if (trouble_.empty()) {
        watch_->set(queue_ != nullptr ? EPOLLIN : EPOLLOUT);
    }
}

void TlsHandshake::on_ready(uint32_t) {
    if (queue_ == nullptr) {
        step();
        return;
    }
    watch_->set(0);
    queue_->add(*this);
}

void TlsHandshake::step() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    const int err = errno;
    if (result == 1) {
        done();
        return;
    }
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ) {
        watch_->set(EPOLLIN);
    } else if (error == SSL_ERROR_WANT_WRITE) {
        watch_->set(EPOLLOUT);
    } else {
        fail(ssl_failure(ssl_, error, err));
    }
}

/// A session keeps its certificate, whose time may have ended since.
void TlsHandshake::done() {
    watch_.reset();
    deadline_.cancel();
    if (peer_has_expired(ssl_, std::time(nullptr))) {
        fail("certificate has expired");
        return;
    }
    TlsPeer peer = read_tls_peer(ssl_);
    if (context_->is_server()) {
        peer.proof = std::make_shared<const TlsProof>(context_, ssl_);
    }
    SslPtr ssl(std::exchange(ssl_, nullptr));
    owner_.on_tls_ready(*this,
                        make_tls_stream(std::move(ssl), std::move(socket_), context_),
                        std::move(peer));
}

void TlsHandshake::fail(const std::string& why) {
    watch_.reset();
    deadline_.cancel();
    if (queue_ != nullptr) {
        queue_->remove(*this);
    }
    owner_.on_tls_failed(*this, "TLS: " + why);
}

}  // namespace neuron
