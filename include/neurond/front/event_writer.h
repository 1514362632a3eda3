#ifndef NEUROND_FRONT_EVENT_WRITER_H
#define NEUROND_FRONT_EVENT_WRITER_H

#include <string>
#include <utility>
#include <vector>

#include "neurond/front/http_server.h"
#include "neurond/mcp/session.h"

namespace neuron {

/// Head fields of every stream of events (mcp-protocol 2.4).
const std::vector<std::pair<std::string, std::string>>& event_stream_fields();

/// One stream of events to a client: over the connection it has now, or none for a while.
/// That of a legacy session has ids, and what is sent is kept for a client that comes
/// back on another connection. The session may end before it: then nothing is kept.
class EventWriter {
  public:
    /// Without a session the stream ends with its connection and has no ids.
    EventWriter(HttpServer& server, SessionStore& sessions, Handle<Session> session,
                HttpConn& conn, ReplayBuffer::Kind kind);
    /// A stream that was closed without its end, on another connection.
    EventWriter(HttpServer& server, SessionStore& sessions, Handle<Session> session,
                ReplayBuffer::StreamId stream);

    /// Null: nobody is there to read.
    HttpConn* conn() const { return server_.find(conn_); }
    bool opened() const noexcept { return opened_; }
    /// In the session's replay buffer; 0 = not opened, or without ids.
    ReplayBuffer::StreamId stream() const noexcept { return stream_; }
    Handle<Session> session() const noexcept { return session_; }

    /// Sends the head, and for clients that know it the priming event. At most once.
    void open();
    /// One message; opens.
    void send(OutQueue&& message);
    /// Keep-alive; nothing where the client does not read.
    void comment();
    /// Goes on over `conn` with what came after event number `after`. The connection it
    /// had before is closed.
    void resume(HttpConn& conn, HttpWaiter& waiter, uint64_t after);
    /// The end of the stream and of the answer on its connection.
    void end();
    /// Nobody writes it any more, but it can be replayed, or resumed, for a while.
    void retain();
    /// The connection has gone.
    void lose_conn() noexcept { conn_ = {}; }

  private:
    ReplayBuffer* replay() const;

    HttpServer& server_;
    SessionStore& sessions_;
    Handle<Session> session_;
    Handle<HttpConn> conn_;
    ReplayBuffer::Kind kind_;
    ReplayBuffer::StreamId stream_ = 0;
    bool opened_ = false;
};

/// Replays what followed event number `after` of a stream that has ended, and ends.
void replay_ended_stream(HttpConn& conn, const ReplayBuffer& replay,
                         const ReplayBuffer::Place& place);

}  // namespace neuron

#endif
