#ifndef NEUROND_FRONT_LISTEN_STREAM_H
#define NEUROND_FRONT_LISTEN_STREAM_H

#include "neurond/front/event_writer.h"
#include "neurond/mcp/listen.h"

namespace neuron {

class ListenStream;

class ListenStreamOwner {
  public:
    /// Its connection has gone, or its answer is complete; retire it.
    virtual void on_listen_gone(ListenStream& listen) = 0;

  protected:
    ~ListenStreamOwner() = default;
};

/// A `subscriptions/listen` over HTTP: the answer to a POST that lasts until the client
/// hangs up or neurond drains.
class ListenStream final : private HttpWaiter, private ListenOwner {
  public:
    ListenStream(EventLoop& loop, HttpServer& server, SessionStore& sessions,
                 Subscriptions& hub, ListenStreamOwner& owner, HttpConn& conn,
                 const Requester& who, const View& view, const ListenFilter& filter,
                 std::string_view id_raw, Millis keepalive);

    /// Opens the stream with the acknowledgement.
    void begin();
    /// Ends it in good order; on_listen_gone() follows.
    void finish();

  private:
    void on_conn_gone() override { gone(); }
    void on_peer_end() override;
    void on_caller_gone() override { finish(); }
    void on_listen_message(Listen& listen, OutQueue&& message) override;
    bool listen_congested(const Listen& listen) const override;
    void on_listen_over(Listen& listen, const char* why) override;
    void on_keepalive();
    void gone();

    ListenStreamOwner& owner_;
    EventWriter events_;
    Listen listen_;
    Millis keepalive_;
    Timer keepalive_timer_;
};

}  // namespace neuron

#endif
