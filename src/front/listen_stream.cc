// The stream on which a modern client over HTTP hears of changes. Closing it is how the
// client takes its request back.

#include "neurond/front/listen_stream.h"

#include "neurond/base/log.h"

namespace neuron {

ListenStream::ListenStream(EventLoop& loop, HttpServer& server, SessionStore& sessions,
                           Subscriptions& hub, ListenStreamOwner& owner, HttpConn& conn,
                           const Requester& who, const View& view,
                           const ListenFilter& filter, std::string_view id_raw,
                           Millis keepalive)
    : owner_(owner),
      events_(server, sessions, {}, conn, ReplayBuffer::Kind::kPost),
      listen_(hub, who, view, filter, id_raw, static_cast<ListenOwner&>(*this)),
      keepalive_(keepalive),
      keepalive_timer_(loop, [this] { on_keepalive(); }) {
    conn.set_waiter(this);
    keepalive_timer_.arm(keepalive_);
}

void ListenStream::begin() {
    listen_.begin();
}

void ListenStream::finish() {
    listen_.finish();
    events_.end();
    gone();
}

void ListenStream::gone() {
    listen_.leave();
    owner_.on_listen_gone(*this);
}

void ListenStream::on_peer_end() {
    if (HttpConn* conn = events_.conn(); conn != nullptr) {
        conn->close("the client hung up");
    }
}

void ListenStream::on_listen_message(Listen&, OutQueue&& message) {
    events_.send(std::move(message));
}

bool ListenStream::listen_congested(const Listen&) const {
    const HttpConn* conn = events_.conn();
    return conn != nullptr && conn->congested();
}

void ListenStream::on_listen_over(Listen& listen, const char* why) {
    if (const HttpConn* conn = events_.conn(); conn != nullptr) {
        log_about_request(
            LogLevel::kWarn, "http",
            conn->peer().caller.identity.peer + ": a subscription is ended",
            {listen.request_id(), {}, "subscriptions/listen", why});
    }
    events_.end();
    gone();
}

void ListenStream::on_keepalive() {
    keepalive_timer_.arm(keepalive_);
    events_.comment();
}

}  // namespace neuron
