#ifndef NEUROND_NET_HTTP_CLIENT_CONN_H
#define NEUROND_NET_HTTP_CLIENT_CONN_H

#include <memory>
#include <optional>
#include <string>

#include "neurond/base/buffer.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/channel.h"
#include "neurond/net/connector.h"
#include "neurond/net/http_exchange.h"
#include "neurond/net/http_target.h"
#include "neurond/net/tls_handshake.h"
#include "neurond/wire/http_body.h"

namespace neuron {

class HttpClientConn;

/// Uses connections: a pool. Callbacks come from the loop.
class HttpClientConnOwner {
  public:
    /// Its exchange is over; it takes another one.
    virtual void on_conn_idle(HttpClientConn& conn) = 0;
    /// The kept connection was dead and the request may be sent again; then the end of the
    /// connection is told.
    virtual void on_conn_repeat(HttpJob&& job) = 0;
    /// It is over, and so is its exchange; to be retired.
    virtual void on_conn_end(HttpClientConn& conn) = 0;

  protected:
    ~HttpClientConnOwner() = default;
};

/// One HTTP/1.1 connection to a server: one exchange at a time.
///
///     kConnecting ──> kHead ──head──> kBody ──whole──> kIdle ──begin()──> kHead
///          └────────────── failure, abort(), idle too long ──────────────> kClosed
class HttpClientConn final : private ConnectorOwner,
                             private TlsHandshakeOwner,
                             private ChannelOwner {
  public:
    /// Connects at once, for `job`.
    HttpClientConn(EventLoop& loop, ResolverCache& names, const HttpTarget& target,
                   HttpJob job, HttpClientConnOwner& owner);
    ~HttpClientConn();

    /// The next request. Only when usable().
    void begin(HttpJob job);
    /// Idle, and the peer has neither closed it nor said anything unasked; nor has a
    /// reload changed whom we believe or what we show.
    bool usable() const;
    bool serves(const HttpExchange& exchange) const noexcept {
        return job_.exchange == &exchange;
    }
    /// The pool's note: a busy one counts towards max_connections, or is set aside.
    bool counts = false;
    bool aside = false;
    /// Forgets its exchange and closes. No callback follows; to be retired.
    void abort();

  private:
    enum class State { kConnecting, kHead, kBody, kIdle, kClosed };

    void on_connected(Fd socket) override;
    void on_connect_failed(const std::string& why) override;
    void on_tls_ready(TlsHandshake& handshake, std::unique_ptr<Stream> stream,
                      TlsPeer peer) override;
    void on_tls_failed(TlsHandshake& handshake, const std::string& why) override;
    void connected(std::unique_ptr<Stream> stream);
    WriteSpan input_space() override;
    void on_input_pause() override { in_.settle(); }
    void on_input(size_t n) override;
    void on_input_end() override;
    void on_output_room() override {}
    void on_closed(const std::string& reason) override;

    void enter(State next);
    void send();
    void process();
    bool take_head();
    bool take_body();
    void whole();
    bool may_repeat() const noexcept;
    void fail(HttpFailure::Kind kind, const std::string& why);

    EventLoop& loop_;
    const HttpTarget& target_;
    HttpClientConnOwner& owner_;
    State state_ = State::kConnecting;
    HttpJob job_;
    unsigned exchanges_ = 0;
    bool answered_ = false;  ///< a byte of the response has come
    bool keep_alive_ = false;
    uint64_t written_before_ = 0;
    Millis idle_time_{0};
    Buffer in_;
    ResponseHeadParser parser_;
    ResponseHead head_;
    BodyDecoder decoder_;
    Timer idle_timer_;
    Connector connector_;
    std::shared_ptr<TlsContext> tls_;  ///< it was made with; null: without TLS
    std::unique_ptr<TlsHandshake> handshake_;  ///< of https, until it is done
    std::unique_ptr<Channel> channel_;
};

}  // namespace neuron

#endif
