#ifndef NEUROND_FRONT_SSE_DOOR_H
#define NEUROND_FRONT_SSE_DOOR_H

#include <optional>
#include <string>
#include <unordered_map>

#include "neurond/front/http_server.h"
#include "neurond/front/link_clients.h"
#include "neurond/front/sse_link.h"

namespace neuron {

/// The HTTP+SSE transport of 2024-11-05 (mcp-protocol 2.6): `GET /sse` opens a session and
/// its stream, `POST /messages?sessionId=ID` says something in it. The id cannot be guessed
/// and is of use to the identity that opened it only. The session ends with its stream.
class SseDoor final : public HttpHandler {
  public:
    SseDoor(EventLoop& loop, HttpServer& server, Router& router,
            Subscriptions& subscriptions, const LinkSettings& settings,
            Millis keepalive);
    ~SseDoor();

    /// For clients that come from now on.
    void change(const LinkSettings& settings, Millis keepalive);
    LinkClients& clients() noexcept { return clients_; }
    const LinkClients& clients() const noexcept { return clients_; }
    /// Takes no more, and ends each stream after its last answer.
    void drain();

    std::optional<HttpReply> on_head(const HttpRequest& request) override;
    bool wants_json() const noexcept override { return true; }
    void on_request(HttpConn& conn, const HttpRequest& request) override;

  private:
    struct Open {
        SseLink* link;
        std::string identity;
    };

    void open(HttpConn& conn, const HttpRequest& request);
    HttpReply take(const HttpRequest& request);
    SseLink* find(const HttpRequest& request) const;

    EventLoop& loop_;
    HttpServer& server_;
    Millis keepalive_;
    bool draining_ = false;
    std::unordered_map<std::string, Open> open_;  ///< by session id; outlives the links
    LinkClients clients_;
};

}  // namespace neuron

#endif
