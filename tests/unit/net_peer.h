#ifndef NEUROND_TESTS_UNIT_NET_PEER_H
#define NEUROND_TESTS_UNIT_NET_PEER_H

#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "loop_world.h"
#include "neurond/base/fd.h"
#include "neurond/net/stream.h"

namespace neuron {

enum class Kind { kSocket, kPipes };
constexpr Kind kKinds[] = {Kind::kSocket, Kind::kPipes};

/// The other side of a stream, worked by the test.
class Peer {
  public:
    explicit Peer(Kind kind) : kind_(kind) {
        if (kind == Kind::kSocket) {
            FdPair pair = make_socket_pair();
            in_ = std::move(pair.first);
            stream_ = make_socket_stream(std::move(pair.second));
        } else {
            FdPair to_us = make_pipe();
            FdPair to_peer = make_pipe();
            in_ = std::move(to_peer.first);
            out_ = std::move(to_us.second);
            stream_ =
                make_pipe_stream(std::move(to_us.first), std::move(to_peer.second));
        }
    }

    /// For the object under test; once.
    std::unique_ptr<Stream> stream() { return std::move(stream_); }
    void say(std::string_view bytes) { put(output(), bytes); }
    /// What there is to read now, of at most `max` bytes.
    std::string hear(size_t max = 1024 * 1024) {
        std::string bytes(max, '\0');
        const ssize_t n = ::read(in_.get(), bytes.data(), bytes.size());
        ended_ = n == 0;
        bytes.resize(n < 0 ? 0 : static_cast<size_t>(n));
        return bytes;
    }
    /// Whether the last hear() met the end.
    bool heard_end() const { return ended_; }
    void say_no_more() {
        if (kind_ == Kind::kSocket) {
            ::shutdown(in_.get(), SHUT_WR);
        }
        out_.reset();
    }
    void listen_no_more() {
        if (kind_ == Kind::kSocket) {
            ::shutdown(in_.get(), SHUT_RD);
        } else {
            in_.reset();
        }
    }
    void go() {
        in_.reset();
        out_.reset();
    }

  private:
    const Fd& output() const { return kind_ == Kind::kSocket ? in_ : out_; }

    Kind kind_;
    Fd in_;
    Fd out_;
    std::unique_ptr<Stream> stream_;
    bool ended_ = false;
};

}  // namespace neuron

#endif
