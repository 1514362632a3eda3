// What the streams of POST and GET have in common: a stream is more than its connection.

#include "neurond/front/event_writer.h"

#include "neurond/wire/sse.h"

namespace neuron {

namespace {

constexpr std::string_view kEventStream = "text/event-stream";
constexpr uint32_t kRetryMillis = 1000;  // a client that was cut off comes back then

}  // namespace

const std::vector<std::pair<std::string, std::string>>& event_stream_fields() {
    static const std::vector<std::pair<std::string, std::string>> fields = {
        {"Cache-Control", "no-cache, no-transform"}, {"X-Accel-Buffering", "no"}};
    return fields;
}

EventWriter::EventWriter(HttpServer& server, SessionStore& sessions,
                         Handle<Session> session, HttpConn& conn,
                         ReplayBuffer::Kind kind)
    : server_(server),
      sessions_(sessions),
      session_(session),
      conn_(conn.handle()),
      kind_(kind) {}

EventWriter::EventWriter(HttpServer& server, SessionStore& sessions,
                         Handle<Session> session, ReplayBuffer::StreamId stream)
    : server_(server),
      sessions_(sessions),
      session_(session),
      kind_(ReplayBuffer::Kind::kNews),
      stream_(stream),
      opened_(true) {}

/// Null where the stream has no ids.
ReplayBuffer* EventWriter::replay() const {
    Session* session = sessions_.find(session_);
    return session == nullptr ? nullptr : &sessions_.replay_of(*session);
}

void EventWriter::open() {
    if (std::exchange(opened_, true)) {
        return;
    }
    HttpConn* client = conn();
    if (client == nullptr) {
        return;  // a client that has seen no id cannot come back
    }
    client->start_stream(200, kEventStream, event_stream_fields());
    Session* session = sessions_.find(session_);
    if (session == nullptr) {
        return;
    }
    ReplayBuffer& memory = sessions_.replay_of(*session);
    stream_ = memory.open(kind_);
    // Clients of earlier revisions take an event without data for a broken message.
    if (session->revision >= Revision::k20251125) {
        OutQueue priming;
        write_sse_retry(priming, kRetryMillis);
        write_sse_event(priming, {}, {}, memory.next_id(stream_));
        client->stream(std::move(priming));
    }
}

void EventWriter::send(OutQueue&& message) {
    open();
    ReplayBuffer* memory = stream_ == 0 ? nullptr : replay();
    OutQueue event;
    if (memory == nullptr) {
        write_sse_message(event, std::move(message));
    } else {
        write_sse_message(event, std::move(message), memory->next_id(stream_));
        memory->keep(stream_, event);
    }
    if (HttpConn* client = conn(); client != nullptr) {
        client->stream(std::move(event));
    }
}

void EventWriter::comment() {
    if (HttpConn* client = conn(); client != nullptr && !client->congested()) {
        OutQueue comment;
        write_sse_comment(comment);
        client->stream(std::move(comment));
    }
}

void EventWriter::resume(HttpConn& conn, HttpWaiter& waiter, uint64_t after) {
    if (HttpConn* before = this->conn(); before != nullptr) {
        before->set_waiter(nullptr);
        before->close("its stream was taken to another connection");
    }
    conn_ = conn.handle();
    conn.set_waiter(&waiter);
    conn.start_stream(200, kEventStream, event_stream_fields());
    if (ReplayBuffer* memory = replay(); memory != nullptr) {
        memory->reopen(stream_);
        for (OutQueue& event : memory->events_after(stream_, after)) {
            conn.stream(std::move(event));
        }
    }
}

void EventWriter::retain() {
    if (ReplayBuffer* memory = stream_ == 0 ? nullptr : replay(); memory != nullptr) {
        memory->close(stream_);
    }
    conn_ = {};
}

void EventWriter::end() {
    const Handle<HttpConn> last = conn_;
    retain();
    if (HttpConn* client = server_.find(last); client != nullptr) {
        client->set_waiter(nullptr);
        client->end_stream();
    }
}

void replay_ended_stream(HttpConn& conn, const ReplayBuffer& replay,
                         const ReplayBuffer::Place& place) {
    conn.start_stream(200, kEventStream, event_stream_fields());
    for (OutQueue& event : replay.events_after(place.stream, place.after)) {
        conn.stream(std::move(event));
    }
    conn.end_stream();
}

}  // namespace neuron
