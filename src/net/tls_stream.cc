// Bytes through an established TLS connection. Small pieces are gathered, so that a head
// and a short body cost one record, not several.

#include "neurond/net/tls_stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace neuron {

namespace {

constexpr size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;

class TlsStream final : public Stream {
  public:
    TlsStream(SslPtr ssl, Fd socket, std::shared_ptr<TlsContext> context)
        : context_(std::move(context)), socket_(std::move(socket)), ssl_(std::move(ssl)) {}
    ~TlsStream() override;

    Io read(char* into, size_t size) override;
    Io write(const iovec* parts, int count) override;
    bool end_output() override;
    int read_fd() const noexcept override { return socket_.get(); }
    int write_fd() const noexcept override { return socket_.get(); }
    bool has_buffered_input() const noexcept override {
        return !drained_ && SSL_has_pending(ssl_.get()) == 1;
    }
    bool is_silent() override;
    std::string reason() const override { return reason_; }

  private:
    Io stopped(int result);

    std::shared_ptr<TlsContext> context_;
    Fd socket_;
    SslPtr ssl_;
    std::string reason_;
    /// What is buffered is less than a record: only the kernel has more.
    bool drained_ = false;
    bool broken_ = false;  ///< OpenSSL must not be asked for anything any more
    bool ended_ = false;   ///< our close_notify is out
};

TlsStream::~TlsStream() {
    if (broken_) {
        SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    } else if (!ended_) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());  // as far as the kernel takes it
    }
    ERR_clear_error();
}

/// What the last operation, which moved nothing, came to.
Io TlsStream::stopped(int result) {
    const int err = errno;
    const int error = SSL_get_error(ssl_.get(), result);
    switch (error) {
        case SSL_ERROR_WANT_READ:
            return {Io::State::kWantRead};
        case SSL_ERROR_WANT_WRITE:
            return {Io::State::kWantWrite};
        case SSL_ERROR_ZERO_RETURN:
            return {Io::State::kEnd};
        default:
            broken_ = true;
            reason_ = "TLS: " + ssl_failure(ssl_.get(), error, err);
            return {Io::State::kFailed};
    }
}

/// Goes on to the next record while there is room: what OpenSSL has taken from the kernel
/// would wake nobody.
Io TlsStream::read(char* into, size_t size) {
    size_t done = 0;
    while (done < size && !broken_) {
        ERR_clear_error();
        size_t n = 0;
        const int result = SSL_read_ex(ssl_.get(), into + done, size - done, &n);
        if (result == 1) {
            done += n;
            drained_ = false;
            continue;
        }
        const Io io = stopped(result);
        drained_ = io.state == Io::State::kWantRead;
        if (done == 0) {
            return io;
        }
        break;  // an end or a failure is told again
    }
    return done > 0 ? Io{Io::State::kDone, done} : Io{Io::State::kFailed};
}

/// The next record's worth from byte `from` of the parts on: where it lies, or gathered in
/// `space`. After a write that has to be repeated it is at least as long as it was, as
/// OpenSSL demands, because what is queued only grows.
std::string_view next_record(const iovec* parts, int count, size_t from,
                             std::array<char, kRecordBytes>& space) {
    size_t filled = 0;
    for (int i = 0; i < count && filled < kRecordBytes; ++i) {
        if (from >= parts[i].iov_len) {
            from -= parts[i].iov_len;
            continue;
        }
        const char* begin = static_cast<const char*>(parts[i].iov_base) + from;
        const size_t n = std::min(parts[i].iov_len - from, kRecordBytes - filled);
        if (n == kRecordBytes) {
            return {begin, n};
        }
        std::memcpy(space.data() + filled, begin, n);
        filled += n;
        from = 0;
    }
    return {space.data(), filled};
}

Io TlsStream::write(const iovec* parts, int count) {
    if (broken_) {
        return {Io::State::kFailed};
    }
    std::array<char, kRecordBytes> space;
    size_t done = 0;
    for (;;) {
        const std::string_view record = next_record(parts, count, done, space);
        if (record.empty()) {
            return {Io::State::kDone, done};
        }
        ERR_clear_error();
        size_t n = 0;
        const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &n);
        if (result == 1) {
            done += n;
            continue;
        }
        const Io io = stopped(result);
        return done > 0 && !broken_ ? Io{Io::State::kDone, done} : io;
    }
}

bool TlsStream::end_output() {
    if (!broken_ && !ended_) {
        ERR_clear_error();
        const int result = SSL_shutdown(ssl_.get());
        if (result < 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE) {
            return false;
        }
        ended_ = true;
    }
    ::shutdown(socket_.get(), SHUT_WR);
    return true;
}

bool TlsStream::is_silent() {
    if (broken_) {
        return false;
    }
    char byte = 0;
    size_t n = 0;
    ERR_clear_error();
    const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &n);
    return result != 1 && stopped(result).state == Io::State::kWantRead;
}

}  // namespace

std::unique_ptr<Stream> make_tls_stream(SslPtr ssl, Fd socket,
                                        std::shared_ptr<TlsContext> context) {
    return std::make_unique<TlsStream>(std::move(ssl), std::move(socket),
                                       std::move(context));
}

}  // namespace neuron
