#ifndef NEUROND_FRONT_STREAM_TABLE_H
#define NEUROND_FRONT_STREAM_TABLE_H

#include <memory>
#include <string_view>

#include "neurond/base/owned_set.h"
#include "neurond/front/mcp_streams.h"

namespace neuron {

/// All streams of an MCP endpoint: the answers to POSTs that take time, and the GETs; and
/// which of them a client that comes back with `Last-Event-ID` means.
class StreamTable final : private StreamOwner {
  public:
    StreamTable(EventLoop& loop, HttpServer& server, SessionStore& sessions,
                Millis keepalive);
    ~StreamTable();

    /// Where exchanges report their end.
    StreamOwner& owner() noexcept { return *this; }
    /// Takes a POST whose answer takes time, and starts it. `session` may be null.
    void add(std::unique_ptr<PostExchange> exchange, Session* session);
    /// Answers a GET: with a new stream; with the one that `last_event_id` names, from
    /// there on; or with 400, when what followed that id is kept no more.
    void open(HttpConn& conn, Session& session,
              std::optional<std::string_view> last_event_id);
    /// Takes a call of this session back.
    void cancel(const Session& session, std::string_view id_raw);
    /// Takes its calls back and ends its streams.
    void end_session(const Session& session);
    /// Ends the streams of GETs.
    void drain();
    /// A notice that the list of tools has changed, to each session with a stream.
    void announce_tools_changed();

  private:
    void on_exchange_done(PostExchange& exchange) override;
    void on_stream_gone(EventStream& stream) override;

    void open_new(HttpConn& conn, Session& session, bool after_gap);
    void resume(HttpConn& conn, Session& session, const ReplayBuffer::Place& place);
    bool resume_open(HttpConn& conn, const Session& session,
                     const ReplayBuffer::Place& place);
    EventStream& add_stream(EventWriter events, Session& session);
    void release(Handle<Session> handle);

    EventLoop& loop_;
    HttpServer& server_;
    SessionStore& sessions_;
    Millis keepalive_;
    uint64_t stream_count_ = 0;
    OwnedSet<PostExchange> exchanges_;
    OwnedSet<EventStream> streams_;
};

}  // namespace neuron

#endif
