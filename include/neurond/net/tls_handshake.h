#ifndef NEUROND_NET_TLS_HANDSHAKE_H
#define NEUROND_NET_TLS_HANDSHAKE_H

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/stream.h"
#include "neurond/net/tls_context.h"
#include "neurond/net/tls_proof.h"

struct ssl_st;

namespace neuron {

class TlsHandshake;

/// What the other side's certificate says, verified; text as it stands there, escaped.
struct TlsPeer {
    bool certified = false;
    std::string common_name;
    std::vector<std::string> names;  ///< subjectAltName: DNS, URI, e-mail and IP names
    bool resumed = false;  ///< the session of an earlier connection
    std::shared_ptr<const TlsProof> proof{};  ///< of a client, for its server
};

/// Wants a handshake done. Exactly one of the two is called, from the loop; the handshake
/// may be retired from there.
class TlsHandshakeOwner {
  public:
    virtual void on_tls_ready(TlsHandshake& handshake, std::unique_ptr<Stream> stream,
                              TlsPeer peer) = 0;
    /// "TLS: certificate has expired"
    virtual void on_tls_failed(TlsHandshake& handshake, const std::string& why) = 0;

  protected:
    ~TlsHandshakeOwner() = default;
};

/// Lets kHandshakesPerTurn handshakes take a step a turn, in order: each may cost
/// milliseconds, and everybody else waits for it.
class TlsQueue {
  public:
    explicit TlsQueue(EventLoop& loop) : task_(loop, Phase::kSoon, [this] { run(); }) {}

    void add(TlsHandshake& handshake);
    void remove(TlsHandshake& handshake) noexcept;

  private:
    void run();

    std::deque<TlsHandshake*> waiting_;
    Task task_;
};

/// The handshake on one connected socket, within `timeout`. Destruction gives up.
class TlsHandshake final : private EventHandler {
  public:
    /// As a server; `queue` outlives it.
    TlsHandshake(EventLoop& loop, Fd socket, std::shared_ptr<TlsContext> context,
                 Millis timeout, TlsQueue& queue, TlsHandshakeOwner& owner);
    /// As a client of `host`, a name or an IP address that its certificate must have.
    TlsHandshake(EventLoop& loop, Fd socket, std::shared_ptr<TlsContext> context,
                 Millis timeout, const std::string& host, TlsHandshakeOwner& owner);
    ~TlsHandshake();

  private:
    friend class TlsQueue;

    void begin(EventLoop& loop, Millis timeout);
    void on_ready(uint32_t events) override;
    void step();
    void done();
    void fail(const std::string& why);

    TlsHandshakeOwner& owner_;
    TlsQueue* queue_ = nullptr;  ///< null: steps are taken at once
    std::shared_ptr<TlsContext> context_;
    Fd socket_;
    ssl_st* ssl_ = nullptr;
    std::string trouble_;  ///< it could not even begin
    std::optional<Watch> watch_;
    Timer deadline_;
};

}  // namespace neuron

#endif
