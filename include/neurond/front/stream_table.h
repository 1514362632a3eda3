#ifndef NEUROND_FRONT_STREAM_TABLE_H
#define NEUROND_FRONT_STREAM_TABLE_H

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "neurond/base/owned_set.h"
#include "neurond/front/listen_stream.h"
#include "neurond/front/mcp_streams.h"
#include "neurond/front/session_news.h"

namespace neuron {

/// All streams of an MCP endpoint: the answers to POSTs that take time, and the GETs; and
/// which of them a client that comes back with `Last-Event-ID` means.
class StreamTable final : private StreamOwner,
                          private ListenStreamOwner,
                          private SessionNewsOwner {
  public:
    StreamTable(EventLoop& loop, HttpServer& server, SessionStore& sessions,
                Subscriptions& subscriptions, Millis keepalive);
    ~StreamTable();

    /// For streams that are opened from now on.
    void set_keepalive(Millis keepalive) noexcept { keepalive_ = keepalive; }
    /// Where exchanges report their end.
    StreamOwner& owner() noexcept { return *this; }
    /// Takes a POST whose answer takes time, and starts it. `session` may be null.
    void add(std::unique_ptr<PostExchange> exchange, Session* session);
    /// Answers a GET: with a new stream; with the one that `last_event_id` names, from
    /// there on; or with 400, when what followed that id is kept no more.
    void open(HttpConn& conn, Session& session,
              std::optional<std::string_view> last_event_id);
    /// What a session that is new here is to be told of from now on.
    std::unique_ptr<Subscriber> make_news(const Session& session,
                                          const Identity& identity, const View& view);
    /// Answers a POST with a stream of what `filter` names.
    void listen(HttpConn& conn, const Requester& who, const View& view,
                const ListenFilter& filter, std::string_view id_raw);
    /// Takes a call of this session back.
    void cancel(const Session& session, std::string_view id_raw);
    /// What its client says to a question with this id; its key is not known yet.
    void reply(const Session& session, std::string_view id_raw, InputReply reply);
    /// Takes its calls back and ends its streams.
    void end_session(const Session& session);
    /// Ends the streams that wait for news.
    void drain();

  private:
    void on_exchange_done(PostExchange& exchange) override;
    void on_stream_gone(EventStream& stream) override;
    void on_stream_idle(EventStream& stream) override;
    void on_listen_gone(ListenStream& listen) override;
    void on_session_news(Handle<Session> handle) override;
    void on_session_subscribed(Handle<Session> handle, const std::string& uri,
                               bool good) override;

    void open_new(HttpConn& conn, Session& session, bool after_gap);
    void resume(HttpConn& conn, Session& session, const ReplayBuffer::Place& place);
    bool resume_open(HttpConn& conn, const Session& session,
                     const ReplayBuffer::Place& place);
    EventStream& add_stream(EventWriter events, Session& session);
    void forget(EventStream& stream);
    EventStream* newest(Handle<Session> handle) const;
    void release(Handle<Session> handle);

    EventLoop& loop_;
    HttpServer& server_;
    SessionStore& sessions_;
    Subscriptions& subscriptions_;
    Millis keepalive_;
    OwnedSet<PostExchange> exchanges_;
    OwnedSet<EventStream> streams_;
    /// The same by slot of the session, in the order of opening.
    std::unordered_map<uint32_t, std::vector<EventStream*>> by_session_;
    OwnedSet<ListenStream> listens_;
};

}  // namespace neuron

#endif
