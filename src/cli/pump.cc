// Between a program's stdin and stdout and a socket. Descriptors from outside may be
// shared with others, so their mode is left alone: each is touched only when poll() says
// that it will not block, and a pipe is given no more than it then surely takes.

#include "neurond/cli/pump.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "neurond/base/buffer.h"
#include "neurond/base/limits.h"

namespace neuron {

namespace {

bool passing(int err) noexcept {
    return err == EAGAIN || err == EINTR;
}

class Pump {
  public:
    Pump(const PumpEnds& ends, std::string_view first) : ends_(ends) {
        first.copy(up_.space(first.size()).data, first.size());
        up_.commit(first.size());
    }
    Status run();

  private:
    enum { kIn, kOut, kSocket, kEnds };

    bool over() const noexcept { return !socket_open_ && down_.empty(); }
    Status wait(pollfd (&polled)[kEnds]) const;
    Status read_in();
    Status write_out();
    void write_socket();
    Status read_socket();

    PumpEnds ends_;
    Buffer up_;    ///< from `in` to the socket
    Buffer down_;  ///< from the socket to `out`
    bool in_open_ = true;
    bool socket_open_ = true;  ///< it may still say something
    bool sending_ = true;      ///< it may still be told something
    Error broken_;             ///< why the socket takes or says nothing any more
};

WriteSpan room(Buffer& buffer) {
    const size_t left = kMaxPumpBytes - std::min(kMaxPumpBytes, buffer.size());
    WriteSpan space = buffer.space(left);
    space.size = std::min(space.size, left);
    return space;
}

/// A descriptor with nothing to be done is left out, or its hang-up would have us spin;
/// but that of `out` while it is idle is what tells that nobody reads it.
Status Pump::wait(pollfd (&polled)[kEnds]) const {
    const bool wants_in = in_open_ && sending_ && up_.size() < kMaxPumpBytes;
    const bool wants_socket = socket_open_ && down_.size() < kMaxPumpBytes;
    const bool tells_socket = sending_ && !up_.empty();
    const auto socket =
        static_cast<short>((wants_socket ? POLLIN : 0) | (tells_socket ? POLLOUT : 0));
    polled[kIn] = {wants_in ? ends_.in : -1, POLLIN, 0};
    polled[kOut] = {ends_.out, static_cast<short>(down_.empty() ? 0 : POLLOUT), 0};
    polled[kSocket] = {socket != 0 ? ends_.socket : -1, socket, 0};
    if (::poll(polled, kEnds, -1) < 0 && errno != EINTR) {
        return sys_error("poll");
    }
    return Ok{};
}

Status Pump::run() {
    while (!over()) {
        if (sending_ && !in_open_ && up_.empty()) {
            ::shutdown(ends_.socket, SHUT_WR);
            sending_ = false;
        }
        pollfd polled[kEnds] = {};
        Status done = wait(polled);
        if (done && polled[kIn].revents != 0) {
            done = read_in();
        }
        if (done && (polled[kSocket].revents & POLLOUT) != 0) {
            write_socket();
        }
        if (done && (polled[kSocket].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            done = read_socket();
        }
        if (done && polled[kOut].revents != 0) {
            done = write_out();
        }
        if (!done) {
            return done;
        }
    }
    if (in_open_ || !broken_.message.empty()) {
        return broken_.message.empty() ? Error{"the connection was closed"} : broken_;
    }
    return Ok{};
}

Status Pump::read_in() {
    const WriteSpan space = room(up_);
    const ssize_t n = ::read(ends_.in, space.data, space.size);
    if (n > 0) {
        up_.commit(static_cast<size_t>(n));
    } else if (n == 0) {
        in_open_ = false;
    } else if (!passing(errno)) {
        return sys_error("read", "stdin");
    }
    return Ok{};
}

/// Also called when `out` is idle and its reader has gone.
Status Pump::write_out() {
    if (down_.empty()) {
        if (!in_open_) {
            socket_open_ = false;  // both sides of the program are closed: so are we
            return Ok{};
        }
        return Error{"write stdout: nobody reads it"};
    }
    const std::string_view bytes = down_.readable().substr(0, PIPE_BUF);
    const ssize_t n = ::write(ends_.out, bytes.data(), bytes.size());
    if (n >= 0) {
        down_.consume(static_cast<size_t>(n));
    } else if (!passing(errno)) {
        return sys_error("write", "stdout");
    }
    return Ok{};
}

/// What the peer has said before it stopped listening is still read.
void Pump::write_socket() {
    const std::string_view bytes = up_.readable();
    const ssize_t n =
        ::send(ends_.socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
        up_.consume(static_cast<size_t>(n));
    } else if (!passing(errno)) {
        broken_ = sys_error("send", "a request");
        sending_ = false;
    }
}

Status Pump::read_socket() {
    const WriteSpan space = room(down_);
    if (space.size == 0) {
        return Ok{};
    }
    const ssize_t n = ::recv(ends_.socket, space.data, space.size, MSG_DONTWAIT);
    if (n > 0) {
        down_.commit(static_cast<size_t>(n));
    } else if (n == 0) {
        socket_open_ = false;
    } else if (!passing(errno)) {
        broken_ = sys_error("read", "an answer");
        socket_open_ = false;
    }
    return Ok{};
}

}  // namespace

Status pump(const PumpEnds& ends, std::string_view first) {
    return Pump(ends, first).run();
}

}  // namespace neuron
