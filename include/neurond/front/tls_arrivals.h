#ifndef NEUROND_FRONT_TLS_ARRIVALS_H
#define NEUROND_FRONT_TLS_ARRIVALS_H

#include <cstdint>
#include <functional>
#include <memory>

#include "neurond/base/limits.h"
#include "neurond/base/log_limiter.h"
#include "neurond/base/owned_set.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/tls_handshake.h"

namespace neuron {

/// How handshakes went, since the start.
struct TlsCounts {
    uint64_t full = 0;
    uint64_t resumed = 0;
    uint64_t failed = 0;
};

/// Connections of TLS listeners whose handshake is not over yet.
class TlsArrivals {
  public:
    /// The handshake of a connection is over; `door` is what add() was told.
    using Arrived = std::function<void(std::unique_ptr<Stream> stream, const TlsPeer& peer,
                                       unsigned door)>;

    /// `gone` is told when one has failed.
    TlsArrivals(EventLoop& loop, Millis timeout, Arrived arrived,
                std::function<void()> gone);
    ~TlsArrivals();

    /// For handshakes that begin from now on.
    void set_timeout(Millis timeout) noexcept { timeout_ = timeout; }
    void add(Fd socket, std::shared_ptr<TlsContext> context, unsigned door);
    size_t size() const noexcept { return arrivals_.size(); }
    const TlsCounts& counts() const noexcept { return counts_; }
    /// Closes them all.
    void drop();

  private:
    class Arrival;

    void done(Arrival& arrival, std::unique_ptr<Stream> stream, const TlsPeer& peer);
    void failed(Arrival& arrival, const std::string& why);

    EventLoop& loop_;
    Millis timeout_;
    Arrived arrived_;
    std::function<void()> gone_;
    TlsQueue queue_;
    TlsCounts counts_;
    LogLimiter log_{kStrangerLogLinesPerSecond};  ///< anybody can fail
    OwnedSet<Arrival> arrivals_;
};

}  // namespace neuron

#endif
