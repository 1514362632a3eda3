// Streams find their clients here: by session, and by the last event a client has seen.

#include "neurond/front/stream_table.h"

#include <algorithm>

#include "neurond/front/mcp_head.h"

namespace neuron {

StreamTable::StreamTable(EventLoop& loop, HttpServer& server, SessionStore& sessions,
                         Subscriptions& subscriptions, Millis keepalive)
    : loop_(loop),
      server_(server),
      sessions_(sessions),
      subscriptions_(subscriptions),
      keepalive_(keepalive) {}

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
    EventStream& stream = streams_.add(std::make_unique<EventStream>(
        loop_, static_cast<StreamOwner&>(*this), std::move(events), keepalive_));
    by_session_[session.handle.slot].push_back(&stream);
    return stream;
}

/// Nobody knows what a client has missed in a gap: so everything it lists may be old.
void StreamTable::open_new(HttpConn& conn, Session& session, bool after_gap) {
    EventStream& stream =
        add_stream(EventWriter(server_, sessions_, session.handle, conn,
                               ReplayBuffer::Kind::kNews),
                   session);
    stream.open(conn);
    if (after_gap) {
        session.news->assume_all_changed();
    }
    on_session_news(session.handle);
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
    on_session_news(session.handle);
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

void StreamTable::reply(const Session& session, std::string_view id_raw,
                        InputReply reply) {
    const Handle<Session> handle = session.handle;
    exchanges_.for_each([&](PostExchange& exchange) {
        if (exchange.session() == handle) {
            exchange.reply(id_raw, reply);
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
    forget(stream);
    loop_.retire(streams_.release(stream));
}

void StreamTable::release(Handle<Session> handle) {
    if (Session* session = sessions_.find(handle); session != nullptr) {
        --session->open_streams;
        session->last_used = loop_.now();
    }
}

// --- news ----------------------------------------------------------------------------

std::unique_ptr<Subscriber> StreamTable::make_news(const Session& session,
                                                   const Identity& identity,
                                                   const View& view) {
    return std::make_unique<SessionNews>(subscriptions_, session.requester(identity),
                                         view, session.handle,
                                         static_cast<SessionNewsOwner&>(*this));
}

/// Each message goes on one stream of a session only: its newest.
EventStream* StreamTable::newest(Handle<Session> handle) const {
    const auto found = by_session_.find(handle.slot);
    if (found == by_session_.end()) {
        return nullptr;
    }
    const auto last = std::find_if(
        found->second.rbegin(), found->second.rend(),
        [handle](const EventStream* each) { return each->session() == handle; });
    return last == found->second.rend() ? nullptr : *last;
}

void StreamTable::forget(EventStream& stream) {
    const auto found = by_session_.find(stream.session().slot);
    if (found == by_session_.end()) {
        return;
    }
    std::vector<EventStream*>& streams = found->second;
    streams.erase(std::remove(streams.begin(), streams.end(), &stream), streams.end());
    if (streams.empty()) {
        by_session_.erase(found);
    }
}

/// News wait for a stream, and for a client that reads it: so they stay few.
void StreamTable::on_session_news(Handle<Session> handle) {
    Session* session = sessions_.find(handle);
    EventStream* stream = newest(handle);
    if (session == nullptr || stream == nullptr || stream->congested()) {
        return;
    }
    write_news(session->news->take_news(), {}, [stream](OutQueue&& message) {
        stream->send(std::move(message));
    });
}

void StreamTable::on_session_subscribed(Handle<Session> handle, const std::string& uri,
                                        bool good) {
    if (const Session* session = sessions_.find(handle); session != nullptr) {
        sessions_.set_subscribed(*session, uri, good);
    }
}

void StreamTable::on_stream_idle(EventStream& stream) {
    on_session_news(stream.session());
}

void StreamTable::listen(HttpConn& conn, const Requester& who, const View& view,
                         const ListenFilter& filter, std::string_view id_raw) {
    listens_
        .add(std::make_unique<ListenStream>(
            loop_, server_, sessions_, subscriptions_,
            static_cast<ListenStreamOwner&>(*this), conn, who, view, filter, id_raw,
            keepalive_))
        .begin();
}

void StreamTable::on_listen_gone(ListenStream& listen) {
    loop_.retire(listens_.release(listen));
}

void StreamTable::drain() {
    streams_.for_each([](EventStream& stream) { stream.end(); });
    listens_.for_each([](ListenStream& listen) { listen.finish(); });
}

}  // namespace neuron
