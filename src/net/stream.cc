// Plain streams: sockets and pipe pairs.

#include "neurond/net/stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace neuron {

namespace {

class PlainStream : public Stream {
  public:
    Io read(char* into, size_t size) override {
        for (;;) {
            const ssize_t n = ::read(read_fd(), into, size);
            if (n > 0) {
                return {Io::State::kDone, static_cast<size_t>(n)};
            }
            if (n == 0) {
                return {Io::State::kEnd};
            }
            if (errno != EINTR) {
                return errno == EAGAIN ? Io{Io::State::kWantRead} : failed();
            }
        }
    }
    bool is_silent() override {
        pollfd about{read_fd(), POLLIN | POLLRDHUP, 0};
        return ::poll(&about, 1, 0) == 0;
    }
    std::string reason() const override { return std::strerror(error_); }

  protected:
    Io written(ssize_t n) noexcept {
        if (n >= 0) {
            return {Io::State::kDone, static_cast<size_t>(n)};
        }
        return errno == EAGAIN || errno == EINTR ? Io{Io::State::kWantWrite} : failed();
    }

  private:
    Io failed() noexcept {
        error_ = errno;
        return {Io::State::kFailed};
    }
    int error_ = 0;
};

class SocketStream final : public PlainStream {
  public:
    explicit SocketStream(Fd socket) : socket_(std::move(socket)) {}
    Io write(const iovec* parts, int count) override {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts);
        message.msg_iovlen = static_cast<size_t>(count);
        return written(::sendmsg(socket_.get(), &message, MSG_NOSIGNAL));
    }
    bool end_output() override {
        ::shutdown(socket_.get(), SHUT_WR);
        return true;
    }
    int read_fd() const noexcept override { return socket_.get(); }
    int write_fd() const noexcept override { return socket_.get(); }

  private:
    Fd socket_;
};

class PipeStream final : public PlainStream {
  public:
    PipeStream(Fd read_end, Fd write_end)
        : read_end_(std::move(read_end)), write_end_(std::move(write_end)) {}
    Io write(const iovec* parts, int count) override {
        return written(::writev(write_end_.get(), parts, count));
    }
    bool end_output() override {
        write_end_.reset();
        return true;
    }
    int read_fd() const noexcept override { return read_end_.get(); }
    int write_fd() const noexcept override { return write_end_.get(); }

  private:
    Fd read_end_;
    Fd write_end_;
};

}  // namespace

std::unique_ptr<Stream> make_socket_stream(Fd socket) {
    return std::make_unique<SocketStream>(std::move(socket));
}

std::unique_ptr<Stream> make_pipe_stream(Fd read_end, Fd write_end) {
    return std::make_unique<PipeStream>(std::move(read_end), std::move(write_end));
}

}  // namespace neuron
