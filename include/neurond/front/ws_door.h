#ifndef NEUROND_FRONT_WS_DOOR_H
#define NEUROND_FRONT_WS_DOOR_H

#include <functional>
#include <optional>

#include "neurond/front/http_server.h"
#include "neurond/front/link_clients.h"
#include "neurond/net/ws_link.h"

namespace neuron {

/// MCP over WebSocket, both eras: `GET /ws`, upgraded (RFC 6455), then one JSON-RPC
/// message a text frame. `?names=strict` as elsewhere. The connections count towards the
/// server's limit for as long as they last.
class WsDoor final : public HttpHandler {
  public:
    /// `idle_timeout`: how long a client may be silent, pings notwithstanding.
    WsDoor(EventLoop& loop, HttpServer& server, Router& router,
           Subscriptions& subscriptions, const LinkSettings& settings,
           Millis idle_timeout);
    ~WsDoor();

    /// For clients that come from now on.
    void change(const LinkSettings& settings, Millis idle_timeout);
    LinkClients& clients() noexcept { return clients_; }
    const LinkClients& clients() const noexcept { return clients_; }
    /// Takes no more, and ends each client after its last answer; then, once, `drained`.
    void drain(std::function<void()> drained);

    std::optional<HttpReply> on_head(const HttpRequest& request) override;
    bool wants_json() const noexcept override { return false; }
    void on_request(HttpConn& conn, const HttpRequest& request) override;

  private:
    void count();
    void check_drained();

    EventLoop& loop_;
    HttpServer& server_;
    WsSettings settings_;
    LinkClients clients_;
    bool draining_ = false;
    std::function<void()> drained_;
    Task drained_task_;
};

}  // namespace neuron

#endif
