// What changes, for those who watch. States are compared at the end of each turn instead of
// being told by everything that may change one: whoever makes changes need not know that
// somebody watches.

#include "neurond/daemon/events_page.h"

#include <utility>

#include "neurond/base/encode.h"
#include "neurond/base/limits.h"
#include "neurond/front/event_writer.h"
#include "neurond/front/page.h"
#include "neurond/protocol.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/sse.h"

namespace neuron {

namespace {

constexpr Millis kAliveInterval{15000};

/// The members that every event has; the object is left open.
JsonWriter event(const char* kind) {
    JsonWriter w;
    w.begin_object().key("event").string(kind);
    w.key("time").string(to_rfc3339(wall_now()));
    return w;
}

}  // namespace

/// One stream, over a connection.
class EventsPage::Listener final : public HttpWaiter {
  public:
    Listener(EventsPage& page, HttpConn& conn) : page_(page), conn_(conn.handle()) {
        conn.set_waiter(this);
        conn.start_stream(200, "text/event-stream", event_stream_fields());
    }

    void send(OutQueue&& bytes) {
        HttpConn* conn = page_.server_.find(conn_);
        if (conn != nullptr && conn->congested()) {
            conn->close("does not read its events");
        } else if (conn != nullptr) {
            conn->stream(std::move(bytes));
        }
    }
    void end() {
        if (HttpConn* conn = page_.server_.find(conn_); conn != nullptr) {
            conn->set_waiter(nullptr);
            conn->end_stream();
        }
        page_.leave(*this);
    }

    void on_conn_gone() override { page_.leave(*this); }
    void on_caller_gone() override { end(); }

  private:
    EventsPage& page_;
    Handle<HttpConn> conn_;
};

EventsPage::EventsPage(EventLoop& loop, HttpServer& server, DaemonView& view)
    : loop_(loop),
      server_(server),
      view_(view),
      alive_timer_(loop, [this] { keep_alive(); }) {
    server.add_route(kAdminEvents, kServeAdmin, *this);
}

EventsPage::~EventsPage() = default;

std::optional<HttpReply> EventsPage::on_head(const HttpRequest& request) {
    if (auto refused = refuse_method(request.head.method, "GET")) {
        return refused;
    }
    if (listeners_.size() >= kMaxEventListeners) {
        return HttpReply::json(503, R"({"error":"too many follow the events"})");
    }
    return std::nullopt;
}

void EventsPage::on_request(HttpConn& conn, const HttpRequest&) {
    look();  // what has changed is told to the others as a change
    Listener& fresh = listeners_.add(std::make_unique<Listener>(*this, conn));
    only_ = &fresh;
    daemon_.clear();
    servers_.clear();
    tools_ = SIZE_MAX;
    look();
    only_ = nullptr;
    if (!alive_timer_.armed()) {
        alive_timer_.arm(kAliveInterval);
    }
}

void EventsPage::on_turn() {
    if (!listeners_.empty()) {
        look();
        if (draining_) {
            count_down();
        }
    }
}

void EventsPage::drain() {
    draining_ = true;
    look();
    count_down();
}

/// Who follows hears how many calls are still waited for; with the last, the streams end.
void EventsPage::count_down() {
    const size_t calls = view_.router().in_flight();
    if (std::exchange(calls_, calls) != calls) {
        JsonWriter w = event("drain");
        tell(w.key("calls_in_flight").unsigned_integer(calls).end_object().take());
    }
    if (calls == 0) {
        alive_timer_.cancel();
        listeners_.for_each([](Listener& listener) { listener.end(); });
    }
}

void EventsPage::look() {
    if (daemon_ != view_.state()) {
        daemon_ = view_.state();
        JsonWriter w = event("daemon");
        tell(w.key("state").string(daemon_).end_object().take());
    }
    std::map<std::string, Seen> now;
    for (const auto& each : view_.supervisor().downstreams()) {
        now[each->name()] = {to_string(each->state()), each->reason()};
    }
    for (const auto& [name, seen] : now) {
        const auto before = servers_.find(name);
        if (before == servers_.end() || before->second.state != seen.state) {
            tell_server(name, seen);
        }
    }
    for (const auto& [name, seen] : servers_) {
        if (now.count(name) == 0) {
            tell_server(name, {"removed", ""});
        }
    }
    servers_ = std::move(now);
    const size_t tools = view_.router().rules().catalog->entries().size();
    if (std::exchange(tools_, tools) != tools) {
        JsonWriter w = event("catalog");
        tell(w.key("tools").unsigned_integer(tools).end_object().take());
    }
}

void EventsPage::tell_server(const std::string& name, const Seen& now) {
    JsonWriter w = event("server");
    w.key("name").string(name).key("state").string(now.state);
    w.key("reason").string(now.reason);
    tell(w.end_object().take());
}

void EventsPage::tell(std::string json) {
    const auto send = [&json](Listener& listener) {
        OutQueue bytes;
        write_sse_event(bytes, {}, json);
        listener.send(std::move(bytes));
    };
    if (only_ != nullptr) {
        send(*only_);
    } else {
        listeners_.for_each(send);
    }
}

void EventsPage::leave(Listener& listener) {
    loop_.retire(listeners_.release(listener));
}

/// So that a listener can tell a daemon with nothing to say from one that hangs.
void EventsPage::keep_alive() {
    listeners_.for_each([](Listener& listener) {
        OutQueue comment;
        write_sse_comment(comment);
        listener.send(std::move(comment));
    });
    if (!listeners_.empty()) {
        alive_timer_.arm(kAliveInterval);
    }
}

}  // namespace neuron
