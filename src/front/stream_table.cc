// Streams find their clients here: by session, and by the last event a client has seen.

#include "neurond/front/stream_table.h"

#include <unordered_map>

#include "neurond/front/mcp_head.h"

namespace neuron {

StreamTable::StreamTable(EventLoop& loop, HttpServer& server, SessionStore& sessions,
                         Millis keepalive)
    : loop_(loop), server_(server), sessions_(sessions), keepalive_(keepalive) {}

StreamTable::~StreamTable() = default;

void StreamTable::add(std::unique_ptr<PostExchange> exchange, Session* session) {
    if (session != nullptr) {
        ++session->open_streams;
    }
    exchanges_.add(std::move(exchange)).start();
}

void StreamTable::open(HttpConn& conn, Session& session,
                       std::optional<std::string_view> last_event_id) {
    if (!last_event_id || last_event_id->empty()) {
        open_new(conn, session, false);
        return;
    }
    const ReplayBuffer::Place place = sessions_.replay_of(session).find(*last_event_id);
    const bool gone = place.state == ReplayBuffer::Place::State::kGone;
    if (place.state == ReplayBuffer::Place::State::kFound) {
        resume(conn, session, place);
    } else if (gone && place.kind == ReplayBuffer::Kind::kNews) {
        open_new(conn, session, true);
    } else {
        conn.reply(error_reply(400, JsonRpcError::kInvalidRequest,
                               gone ? "Bad Request: what followed this Last-Event-ID "
                                      "is kept no more"
                                    : "Bad Request: no such Last-Event-ID"));
    }
}

EventStream& StreamTable::add_stream(EventWriter events, Session& session) {
    ++session.open_streams;
    return streams_.add(std::make_unique<EventStream>(
        loop_, static_cast<StreamOwner&>(*this), std::move(events), ++stream_count_,
        keepalive_));
}

/// Nobody knows what a client has missed in a gap: so everything it lists may be old.
void StreamTable::open_new(HttpConn& conn, Session& session, bool after_gap) {
    EventStream& stream =
        add_stream(EventWriter(server_, sessions_, session.handle, conn,
                               ReplayBuffer::Kind::kNews),
                   session);
    stream.open(conn);
    if (after_gap) {
        OutQueue message;
        write_tools_list_changed(message);
        stream.send(std::move(message));
    }
}

void StreamTable::resume(HttpConn& conn, Session& session,
                         const ReplayBuffer::Place& place) {
    if (resume_open(conn, session, place)) {
        return;
    }
    if (place.kind == ReplayBuffer::Kind::kPost) {
        replay_ended_stream(conn, *session.replay, place);
        return;
    }
    add_stream(EventWriter(server_, sessions_, session.handle, place.stream), session)
        .resume(conn, place.after);
}

/// A client may come back before we have noticed that it had gone.
bool StreamTable::resume_open(HttpConn& conn, const Session& session,
                              const ReplayBuffer::Place& place) {
    bool found = false;
    const auto take = [&](auto& each) {
        if (!found && each.session() == session.handle &&
            each.stream() == place.stream) {
            found = true;
            each.resume(conn, place.after);
        }
    };
    exchanges_.for_each(take);
    streams_.for_each(take);
    return found;
}

void StreamTable::cancel(const Session& session, std::string_view id_raw) {
    const Handle<Session> handle = session.handle;
    exchanges_.for_each([&](PostExchange& exchange) {
        if (exchange.session() == handle) {
            exchange.cancel(id_raw);
        }
    });
}

void StreamTable::end_session(const Session& session) {
    const Handle<Session> handle = session.handle;
    exchanges_.for_each([handle](PostExchange& exchange) {
        if (exchange.session() == handle) {
            exchange.abandon();
        }
    });
    streams_.for_each([handle](EventStream& stream) {
        if (stream.session() == handle) {
            stream.end();
        }
    });
}

void StreamTable::on_exchange_done(PostExchange& exchange) {
    release(exchange.session());
    loop_.retire(exchanges_.release(exchange));
}

void StreamTable::on_stream_gone(EventStream& stream) {
    release(stream.session());
    loop_.retire(streams_.release(stream));
}

void StreamTable::release(Handle<Session> handle) {
    if (Session* session = sessions_.find(handle); session != nullptr) {
        --session->open_streams;
        session->last_used = loop_.now();
    }
}

/// Each message goes on one stream of a session only: its newest.
void StreamTable::announce_tools_changed() {
    std::unordered_map<uint32_t, EventStream*> newest;
    streams_.for_each([&newest](EventStream& stream) {
        EventStream*& best = newest[stream.session().slot];
        if (best == nullptr || best->number() < stream.number()) {
            best = &stream;
        }
    });
    for (const auto& [slot, stream] : newest) {
        OutQueue message;
        write_tools_list_changed(message);
        stream->send(std::move(message));
    }
}

void StreamTable::drain() {
    streams_.for_each([](EventStream& stream) { stream.end(); });
}

}  // namespace neuron
