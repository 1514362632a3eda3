// From an HTTP request to a WebSocket client. Who calls, from where, and whether it may,
// has been decided by the server, as for every request.

#include "neurond/front/ws_door.h"

#include <utility>

#include "neurond/front/mcp_head.h"
#include "neurond/front/page.h"
#include "neurond/wire/ws_handshake.h"

namespace neuron {

WsDoor::WsDoor(EventLoop& loop, HttpServer& server, Router& router,
               Subscriptions& subscriptions, const LinkSettings& settings,
               Millis idle_timeout)
    : loop_(loop),
      server_(server),
      clients_(loop, "ws", router, subscriptions, settings, [this] { count(); }),
      drained_task_(loop, Phase::kSoon, [this] { check_drained(); }) {
    change(settings, idle_timeout);
}

void WsDoor::change(const LinkSettings& settings, Millis idle_timeout) {
    clients_.change(settings);
    settings_.limits = settings.link;
    settings_.dead_after = idle_timeout;
    settings_.ping_interval = idle_timeout / 3;
}

WsDoor::~WsDoor() = default;

std::optional<HttpReply> WsDoor::on_head(const HttpRequest& request) {
    if (auto refused = refuse_method(request.head.method, "GET"); refused) {
        return refused;
    }
    if (draining_) {
        return HttpReply::text(503, "503 Service Unavailable: stopping");
    }
    WsHandshake shaken = read_ws_handshake(request.head);
    if (shaken.status == 101) {
        return std::nullopt;
    }
    HttpReply reply = HttpReply::text(
        shaken.status, std::to_string(shaken.status) + ": " + shaken.why);
    reply.fields = std::move(shaken.fields);
    return reply;
}

void WsDoor::on_request(HttpConn& conn, const HttpRequest& request) {
    Credentials shown{conn.peer(), shown_token(request.head.fields), request.identity};
    View view{{}, asks_strict(request.head, request.strict_names)};
    HttpUpgrade upgrade = conn.upgrade(read_ws_handshake(request.head).fields);
    clients_.add(std::move(shown), std::move(view), [&](LinkOwner& owner) {
        return std::make_unique<WsLink>(loop_, std::move(upgrade.stream), settings_,
                                        std::move(upgrade.unsent), upgrade.early, owner);
    });
}

/// After each coming and going.
void WsDoor::count() {
    server_.set_guests(this, clients_.size());
    if (draining_) {
        drained_task_.schedule();
    }
}

void WsDoor::drain(std::function<void()> drained) {
    draining_ = true;
    drained_ = std::move(drained);
    clients_.drain();
    drained_task_.schedule();
}

void WsDoor::check_drained() {
    if (clients_.empty() && drained_) {
        std::exchange(drained_, nullptr)();
    }
}

}  // namespace neuron
