// The two kinds of answers that take time: those to calls, and the stream of news.

#include "neurond/front/mcp_streams.h"

#include <algorithm>

#include "neurond/base/text.h"
#include "neurond/mcp/door.h"
#include "neurond/wire/jsonrpc.h"
#include "neurond/wire/sse.h"

namespace neuron {

PostExchange::PostExchange(EventLoop& loop, HttpServer& server, SessionStore& sessions,
                           Router& router, StreamOwner& owner, HttpConn& conn,
                           const Door& door, Handle<Session> session, Accepts accepts,
                           Millis keepalive)
    : sessions_(sessions),
      router_(router),
      owner_(owner),
      door_(door),
      events_(server, sessions, session, conn, ReplayBuffer::Kind::kPost),
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

void PostExchange::add_list(LateList list, std::string_view id_raw) {
    Item item;
    item.id_raw = id_raw;
    item.list = std::make_unique<LateList>(std::move(list));
    router_.own_lists().wait(item.list->view, item.list->who, registration_.handle(),
                             items_.size());
    items_.push_back(std::move(item));
}

void PostExchange::add_subscribe(Subscriber& news, const std::string& uri,
                                 std::string_view id_raw) {
    Item item;
    item.id_raw = id_raw;
    items_.push_back(std::move(item));
    const uint64_t tag = items_.size() - 1;
    if (const auto known = news.subscribe(uri, registration_.handle(), tag, request_id_);
        known) {
        const Session* session = sessions_.find(events_.session());
        if (session != nullptr && known->kind == Answer::Kind::kResult) {
            sessions_.set_subscribed(*session, uri, true);
        }
        on_answer(tag, *known);
    }
}

void PostExchange::on_lists_ready(uint64_t tag) {
    Item& item = items_[tag];
    if (!std::exchange(item.open, false)) {
        return;
    }
    const LateList& list = *item.list;
    DoorRequest asked;
    asked.list = list.kind;
    asked.cursor = list.cursor;
    OutQueue message;
    door_.write_list(message, item.id_raw, asked, router_.viewer(list.view, list.who),
                     router_.rules().lists);
    const Session* session = sessions_.find(events_.session());
    if (session != nullptr && !list.cursor) {
        session->news->has_seen(list.kind);
    }
    deliver(std::move(message));
    end_if_answered();
}

void PostExchange::expect_batch() {
    batch_ = true;
    if (accepts_.events) {
        events_.open();
    }
}

void PostExchange::add_message(OutQueue&& message) {
    deliver(std::move(message));
}

/// An answer goes out alone as JSON when nothing came before it, in an array when the
/// client takes no events, else as an event.
void PostExchange::deliver(OutQueue&& message) {
    const bool alone = !batch_ && !events_.opened() && accepts_.json;
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
            const auto tag = static_cast<uint64_t>(&item - items_.data());
            for (const ClientQuestions::Open& each : questions_.take_all(tag)) {
                send_question_cancelled(each.id_raw);
            }
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
    const HttpConn* conn = events_.conn();
    const bool heard = conn != nullptr ? !conn->congested() : events_.stream() != 0;
    if (!item.open || !accepts_.events || !heard) {
        return;  // of all there is to say, notices may be dropped first
    }
    OutQueue message;
    write_notice(message, notice, item.token_raw);
    send_event(std::move(message));
}

/// The first event has an id: with it a legacy client can come back for the answer.
void PostExchange::on_deferred(uint64_t tag) {
    if (items_[tag].open && accepts_.events && !door_.modern()) {
        events_.open();
    }
}

/// A modern client is asked by an answer, a legacy one by requests on its stream. While
/// that is full of what it does not read, it is not asked more.
InputOutcome PostExchange::on_input(uint64_t tag, const InputRound& round) {
    Item& item = items_[tag];
    if (door_.modern()) {
        return pass_on(item, round);
    }
    Session* session = sessions_.find(events_.session());
    const HttpConn* conn = events_.conn();
    if (!item.open || !accepts_.events || session == nullptr ||
        (conn != nullptr && conn->congested()) ||
        (!round.result.empty() &&
         !can_be_asked(round, session->caps, session->revision))) {
        return InputOutcome::kRefused;
    }
    const CallHandle call = item.call;
    const std::vector<InputReply> refused = questions_.ask(
        tag, round, session->caps, session->revision, session->asked,
        [this](OutQueue&& message) { send_event(std::move(message)); });
    for (const InputReply& each : refused) {
        router_.reply(call, each);
    }
    return InputOutcome::kAsked;
}

InputOutcome PostExchange::pass_on(Item& item, const InputRound& round) {
    if (round.result.empty()) {
        return InputOutcome::kRefused;
    }
    item.open = false;
    OutQueue message;
    door_.write_answer(message, item.id_raw, Answer::result(round.result), request_id_);
    deliver(std::move(message));
    end_if_answered();
    return InputOutcome::kPassedOn;
}

void PostExchange::on_input_withdrawn(uint64_t tag, const std::string& key) {
    if (const auto asked = questions_.take(tag, key); asked) {
        send_question_cancelled(asked->id_raw);
    }
}

void PostExchange::send_question_cancelled(const std::string& id_raw) {
    OutQueue message;
    write_question_cancelled(message, id_raw);
    send_event(std::move(message));
}

void PostExchange::reply(std::string_view id_raw, InputReply reply) {
    if (const auto asked = questions_.of(id_raw, reply); asked) {
        reply.key = asked->key;
        router_.reply(items_[asked->tag].call, reply);
    }
}

void PostExchange::on_answer(uint64_t tag, const Answer& answer) {
    Item& item = items_[tag];
    item.open = false;
    OutQueue message;
    door_.write_answer(message, item.id_raw, answer, request_id_);
    status_ = door_.status_of(answer);
    deliver(std::move(message));
    end_if_answered();
}

void PostExchange::send_event(OutQueue&& message) {
    events_.send(std::move(message));
    keepalive_timer_.arm(keepalive_);
}

void PostExchange::resume(HttpConn& conn, uint64_t after) {
    events_.resume(conn, static_cast<HttpWaiter&>(*this), after);
}

/// Tells whoever stands between that somebody is still at work.
void PostExchange::on_keepalive() {
    keepalive_timer_.arm(keepalive_);
    if (accepts_.events && events_.conn() != nullptr) {
        events_.open();
        events_.comment();
    }
}

bool PostExchange::all_answered() const {
    return std::none_of(items_.begin(), items_.end(),
                        [](const Item& item) { return item.open; });
}

/// 202 when nothing is owed any more.
HttpReply PostExchange::json_reply() {
    HttpReply reply;
    reply.status = has_json_ ? status_ : 202;
    if (has_json_) {
        reply.content_type = "application/json";
        reply.body = std::move(json_);
        reply.body.write(batch_ ? "]" : "");
    }
    return reply;
}

void PostExchange::end_if_answered() {
    if (!started_ || ended_ || !all_answered()) {
        return;
    }
    ended_ = true;
    if (!has_json_ && accepts_.events) {
        events_.open();  // every call was taken back: an answer without content
    }
    HttpConn* conn = events_.conn();
    if (!events_.opened() && conn != nullptr) {
        events_.lose_conn();
        conn->reply(json_reply());
    } else {
        events_.end();
    }
    owner_.on_exchange_done(*this);
}

void PostExchange::on_conn_gone() {
    events_.lose_conn();
    if (door_.modern()) {
        abandon();
    }
}

/// A modern client that hangs up takes its request back; there is no other sign of it.
void PostExchange::on_peer_end() {
    HttpConn* conn = events_.conn();
    if (door_.modern() && conn != nullptr) {
        conn->close("the client hung up");
    }
}

EventStream::EventStream(EventLoop& loop, StreamOwner& owner, EventWriter events,
                         Millis keepalive)
    : owner_(owner),
      events_(std::move(events)),
      keepalive_(keepalive),
      keepalive_timer_(loop, [this] { on_keepalive(); }) {}

void EventStream::open(HttpConn& conn) {
    conn.set_waiter(this);
    events_.open();
    on_keepalive();  // a first byte, so that the client sees the stream open
}

void EventStream::resume(HttpConn& conn, uint64_t after) {
    events_.resume(conn, static_cast<HttpWaiter&>(*this), after);
    on_keepalive();
}

bool EventStream::congested() const {
    const HttpConn* conn = events_.conn();
    return conn != nullptr && conn->congested();
}

void EventStream::send(OutQueue&& message) {
    events_.send(std::move(message));
}

void EventStream::end() {
    events_.end();
    owner_.on_stream_gone(*this);
}

void EventStream::on_conn_gone() {
    events_.retain();
    owner_.on_stream_gone(*this);
}

void EventStream::on_keepalive() {
    keepalive_timer_.arm(keepalive_);
    events_.comment();
    owner_.on_stream_idle(*this);
}

}  // namespace neuron
