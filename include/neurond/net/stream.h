#ifndef NEUROND_NET_STREAM_H
#define NEUROND_NET_STREAM_H

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <string>

#include "neurond/base/fd.h"

namespace neuron {

/// What a non-blocking read or write came to.
struct Io {
    enum class State {
        kDone,       ///< `bytes` > 0 were moved
        kWantRead,   ///< nothing moved: again when the descriptor is readable
        kWantWrite,  ///< nothing moved: again when it is writable
        kEnd,        ///< the peer sends no more
        kFailed,     ///< broken; reason() says why
    };
    State state;
    size_t bytes = 0;
};

/// Moves bytes over a connection without blocking: plain, a pair of pipes, or TLS.
class Stream {
  public:
    virtual ~Stream() = default;
    virtual Io read(char* into, size_t size) = 0;
    virtual Io write(const iovec* parts, int count) = 0;
    /// Tells the peer that nothing follows; reading goes on. False: not yet, again when
    /// it is writable.
    virtual bool end_output() = 0;
    virtual int read_fd() const noexcept = 0;
    virtual int write_fd() const noexcept = 0;
    /// Bytes already taken from the kernel and not yet read: epoll cannot know of them.
    virtual bool has_buffered_input() const noexcept { return false; }
    /// Neither bytes nor an end wait to be read.
    virtual bool is_silent() = 0;
    /// Why the last operation failed.
    virtual std::string reason() const = 0;
};

/// A connected stream socket, or any other descriptor both read and written.
std::unique_ptr<Stream> make_socket_stream(Fd socket);

/// One descriptor to read from and another to write to (a child's stdout and stdin).
/// Either may be empty: then that direction has ended from the start.
std::unique_ptr<Stream> make_pipe_stream(Fd read_end, Fd write_end);

}  // namespace neuron

#endif
