// The two kinds of answers that take time: those to calls, and the stream of news.

#include "neurond/front/mcp_streams.h"

#include <algorithm>

#include "neurond/base/text.h"
#include "neurond/mcp/door.h"
#include "neurond/wire/jsonrpc.h"
#include "neurond/wire/sse.h"

namespace neuron {

namespace {

constexpr std::string_view kEventStream = "text/event-stream";

}  // namespace

const std::vector<std::pair<std::string, std::string>>& event_stream_fields() {
    static const std::vector<std::pair<std::string, std::string>> fields = {
        {"Cache-Control", "no-cache, no-transform"}, {"X-Accel-Buffering", "no"}};
    return fields;
}

PostExchange::PostExchange(EventLoop& loop, HttpServer& server, Router& router,
                           StreamOwner& owner, HttpConn& conn, const Door& door,
                           Handle<Session> session, Accepts accepts, Millis keepalive)
    : server_(server),
      router_(router),
      owner_(owner),
      conn_(conn.handle()),
      door_(door),
      session_(session),
      accepts_(accepts),
      keepalive_(keepalive),
      request_id_(conn.request_id()),
      registration_(router.parties().askers, *this),
      keepalive_timer_(loop, [this] { on_keepalive(); }) {
    conn.set_waiter(this);
    keepalive_timer_.arm(keepalive_);
}

PostExchange::~PostExchange() = default;

void PostExchange::add_call(CallRequest request, std::string_view id_raw) {
    Item item;
    item.id_raw = id_raw;
    item.token_raw = request.progress_token.in(request.text.view());
    request.asker = registration_.handle();
    request.tag = items_.size();
    request.request_id = request_id_;
    item.call = router_.submit(std::move(request));
    items_.push_back(std::move(item));
}

void PostExchange::expect_batch() {
    batch_ = true;
    if (accepts_.events) {
        open_events();
    }
}

void PostExchange::add_message(OutQueue&& message) {
    deliver(std::move(message));
}

/// An answer goes out alone as JSON when nothing came before it, in an array when the
/// client takes no events, else as an event.
void PostExchange::deliver(OutQueue&& message) {
    const bool alone = !batch_ && mode_ == Mode::kUndecided && accepts_.json;
    if (!alone && accepts_.events) {
        send_event(std::move(message));
        return;
    }
    if (batch_) {
        json_.write(has_json_ ? "," : "[");
    }
    has_json_ = true;
    json_.append(std::move(message));
}

void PostExchange::start() {
    started_ = true;
    end_if_answered();
}

bool PostExchange::cancel(std::string_view id_raw) {
    for (Item& item : items_) {
        if (item.open && same_id(item.id_raw, id_raw)) {
            item.open = false;
            router_.cancel(item.call);
            end_if_answered();
            return true;
        }
    }
    return false;
}

void PostExchange::abandon() {
    for (Item& item : items_) {
        if (std::exchange(item.open, false)) {
            router_.cancel(item.call);
        }
    }
    end_if_answered();
}

void PostExchange::on_notice(uint64_t tag, const Notice& notice) {
    const Item& item = items_[tag];
    const HttpConn* conn = server_.find(conn_);
    if (!item.open || !accepts_.events || conn == nullptr || conn->congested()) {
        return;  // of all there is to say, progress may be dropped first
    }
    OutQueue message;
    write_progress(message, notice, item.token_raw);
    send_event(std::move(message));
}

void PostExchange::on_answer(uint64_t tag, const Answer& answer) {
    Item& item = items_[tag];
    item.open = false;
    OutQueue message;
    door_.write_answer(message, item.id_raw, answer, request_id_);
    deliver(std::move(message));
    end_if_answered();
}

void PostExchange::send_event(OutQueue&& message) {
    open_events();
    HttpConn* conn = server_.find(conn_);
    if (conn == nullptr) {
        return;
    }
    OutQueue event;
    write_sse_message(event, std::move(message));
    conn->stream(std::move(event));
    keepalive_timer_.arm(keepalive_);
}

void PostExchange::open_events() {
    if (mode_ != Mode::kUndecided) {
        return;
    }
    mode_ = Mode::kEvents;
    if (HttpConn* conn = server_.find(conn_); conn != nullptr) {
        conn->start_stream(200, kEventStream, event_stream_fields());
    }
}

/// Tells whoever stands between that somebody is still at work.
void PostExchange::on_keepalive() {
    keepalive_timer_.arm(keepalive_);
    if (!accepts_.events) {
        return;
    }
    open_events();
    if (HttpConn* conn = server_.find(conn_); conn != nullptr && !conn->congested()) {
        OutQueue comment;
        write_sse_comment(comment);
        conn->stream(std::move(comment));
    }
}

bool PostExchange::all_answered() const {
    return std::none_of(items_.begin(), items_.end(),
                        [](const Item& item) { return item.open; });
}

/// 202 when nothing is owed any more.
HttpReply PostExchange::json_reply() {
    HttpReply reply;
    reply.status = has_json_ ? 200 : 202;
    if (has_json_) {
        reply.content_type = "application/json";
        reply.body = std::move(json_);
        reply.body.write(batch_ ? "]" : "");
    }
    return reply;
}

void PostExchange::end_if_answered() {
    if (!started_ || mode_ == Mode::kEnded || !all_answered()) {
        return;
    }
    if (!has_json_ && accepts_.events) {
        open_events();  // every call was taken back: an answer without content
    }
    HttpConn* conn = server_.find(conn_);
    if (conn != nullptr && mode_ == Mode::kEvents) {
        conn->end_stream();
    } else if (conn != nullptr) {
        conn->reply(json_reply());
    }
    mode_ = Mode::kEnded;
    conn_ = {};
    owner_.on_exchange_done(*this);
}

void PostExchange::on_conn_gone() {
    conn_ = {};
    if (door_.modern()) {
        abandon();
    }
}

/// A modern client that hangs up takes its request back; there is no other sign of it.
void PostExchange::on_peer_end() {
    HttpConn* conn = server_.find(conn_);
    if (door_.modern() && conn != nullptr) {
        conn->close("the client hung up");
    }
}

EventStream::EventStream(EventLoop& loop, HttpServer& server, StreamOwner& owner,
                         HttpConn& conn, Handle<Session> session, uint64_t number,
                         Millis keepalive)
    : server_(server),
      owner_(owner),
      conn_(conn.handle()),
      session_(session),
      number_(number),
      keepalive_(keepalive),
      keepalive_timer_(loop, [this] { on_keepalive(); }) {
    conn.set_waiter(this);
    conn.start_stream(200, kEventStream, event_stream_fields());
    on_keepalive();  // a first byte, so that the client sees the stream open
}

void EventStream::send(OutQueue&& message) {
    if (HttpConn* conn = server_.find(conn_); conn != nullptr) {
        OutQueue event;
        write_sse_message(event, std::move(message));
        conn->stream(std::move(event));
    }
}

void EventStream::end() {
    if (HttpConn* conn = server_.find(conn_); conn != nullptr) {
        conn->set_waiter(nullptr);
        conn->end_stream();
    }
    owner_.on_stream_gone(*this);
}

void EventStream::on_keepalive() {
    keepalive_timer_.arm(keepalive_);
    HttpConn* conn = server_.find(conn_);
    if (conn != nullptr && !conn->congested()) {
        OutQueue comment;
        write_sse_comment(comment);
        conn->stream(std::move(comment));
    }
}

}  // namespace neuron
