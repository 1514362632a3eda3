// One direction is an answer that does not end, the other one requests that are answered
// at once: together they are a link like any other.

#include "neurond/front/sse_link.h"

#include <utility>

#include "neurond/front/event_writer.h"
#include "neurond/wire/sse.h"

namespace neuron {

SseLink::SseLink(EventLoop& loop, HttpServer& server, HttpConn& conn,
                 std::string_view endpoint, Millis keepalive,
                 std::function<void()> gone, LinkOwner& owner)
    : server_(server),
      conn_(conn.handle()),
      keepalive_(keepalive),
      gone_(std::move(gone)),
      owner_(owner),
      keepalive_timer_(loop, [this] { on_keepalive(); }),
      closed_task_(loop, Phase::kSoon, [this] { owner_.on_link_closed(reason_); }) {
    conn.set_waiter(this);
    conn.start_stream(200, "text/event-stream", event_stream_fields());
    OutQueue event;
    write_sse_event(event, "endpoint", endpoint);
    conn.stream(std::move(event));
    keepalive_timer_.arm(keepalive_);
}

void SseLink::send(OutQueue&& message) {
    HttpConn* conn = server_.find(conn_);
    if (conn == nullptr || ended_) {
        return;
    }
    OutQueue event;
    write_sse_message(event, std::move(message));
    conn->stream(std::move(event));
    keepalive_timer_.arm(keepalive_);
}

bool SseLink::congested() const noexcept {
    const HttpConn* conn = server_.find(conn_);
    return conn != nullptr && conn->congested();
}

uint64_t SseLink::written() const noexcept {
    const HttpConn* conn = server_.find(conn_);
    return conn != nullptr ? conn->written() : 0;
}

void SseLink::on_keepalive() {
    keepalive_timer_.arm(keepalive_);
    if (HttpConn* conn = server_.find(conn_); conn != nullptr && !conn->congested()) {
        OutQueue comment;
        write_sse_comment(comment);
        conn->stream(std::move(comment));
    }
}

void SseLink::close(std::string reason) {
    if (HttpConn* conn = server_.find(conn_); conn != nullptr && !ended_) {
        conn->set_waiter(nullptr);
        conn->close(reason);
    }
    end(std::move(reason));
}

void SseLink::finish(std::string reason) {
    if (HttpConn* conn = server_.find(conn_); conn != nullptr && !ended_) {
        conn->set_waiter(nullptr);
        conn->end_stream();
    }
    end(std::move(reason));
}

/// The stream is the session: a client that hangs up wants nothing more.
void SseLink::on_peer_end() {
    close("the client hung up");
}

void SseLink::on_conn_gone() {
    end("the client has gone");
}

/// The owner is told later: it may be on the stack.
void SseLink::end(std::string reason) {
    if (!std::exchange(ended_, true)) {
        reason_ = std::move(reason);
        keepalive_timer_.cancel();
        gone_();
        closed_task_.schedule();
    }
}

}  // namespace neuron
