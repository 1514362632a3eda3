// Old clients open a stream first and are told where to post.

#include "neurond/front/sse_door.h"

#include <memory>
#include <utility>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/text.h"
#include "neurond/front/mcp_head.h"
#include "neurond/front/page.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

constexpr std::string_view kStreamPath = "/sse";
constexpr std::string_view kPostPath = "/messages";
constexpr std::string_view kIdKey = "sessionId=";
constexpr size_t kIdBytes = 24;

std::string_view session_id(const RequestHead& head) {
    for (const std::string_view pair : split(head.query, '&')) {
        if (starts_with(pair, kIdKey)) {
            return pair.substr(kIdKey.size());
        }
    }
    return {};
}

}  // namespace

SseDoor::SseDoor(EventLoop& loop, HttpServer& server, Router& router,
                 Subscriptions& subscriptions, const LinkSettings& settings,
                 Millis keepalive)
    : loop_(loop),
      server_(server),
      keepalive_(keepalive),
      clients_(loop, "sse", router, subscriptions, settings, [] {}) {}

SseDoor::~SseDoor() = default;

void SseDoor::change(const LinkSettings& settings, Millis keepalive) {
    clients_.change(settings);
    keepalive_ = keepalive;
}

SseLink* SseDoor::find(const HttpRequest& request) const {
    const auto found = open_.find(std::string(session_id(request.head)));
    const bool own =
        found != open_.end() && found->second.identity == request.identity.name;
    return own ? found->second.link : nullptr;
}

std::optional<HttpReply> SseDoor::on_head(const HttpRequest& request) {
    const bool stream = request.head.path == kStreamPath;
    if (auto refused = refuse_method(request.head.method, stream ? "GET" : "POST");
        refused) {
        return refused;
    }
    if (auto refused = refuse_mcp_head(request.head); refused) {
        return refused;
    }
    if (stream && draining_) {
        return HttpReply::text(503, "503 Service Unavailable: stopping");
    }
    if (!stream && find(request) == nullptr) {
        return error_reply(404, JsonRpcError::kSessionNotFound, "Session not found");
    }
    return std::nullopt;
}

void SseDoor::on_request(HttpConn& conn, const HttpRequest& request) {
    if (request.head.path == kStreamPath) {
        open(conn, request);
    } else {
        conn.reply(take(request));
    }
}

void SseDoor::open(HttpConn& conn, const HttpRequest& request) {
    const std::string id = base64url_encode(random_bytes(kIdBytes));
    const std::string endpoint =
        std::string(kPostPath) + "?" + std::string(kIdKey) + id;
    const View view{{}, asks_strict(request.head, request.strict_names)};
    Credentials shown{conn.peer(), shown_token(request.head.fields), request.identity};
    clients_.add(std::move(shown), view, [&](LinkOwner& owner) {
        auto link = std::make_unique<SseLink>(
            loop_, server_, conn, endpoint, keepalive_, [this, id] { open_.erase(id); },
            owner);
        open_[id] = {link.get(), request.identity.name};
        return link;
    });
}

/// What the message brings comes on the stream, errors too.
HttpReply SseDoor::take(const HttpRequest& request) {
    SseLink* link = find(request);
    if (link == nullptr) {
        return error_reply(404, JsonRpcError::kSessionNotFound, "Session not found");
    }
    if (!link->takes()) {
        HttpReply reply =
            HttpReply::text(503, "503 Service Unavailable: the stream is not read");
        reply.fields.emplace_back("Retry-After", "1");
        return reply;
    }
    if (request.scan->error() != JsonError::kNone || !request.body) {
        const JsonRpcMessage message = classify(*request.scan, {});
        return error_reply(400, message.code, message.reason);
    }
    clients_.under(request.request_id, [&] {
        link->take(*request.scan, Slice(request.body, request.body->view()));
    });
    return HttpReply::text(202, "Accepted");
}

void SseDoor::drain() {
    draining_ = true;
    clients_.drain();
}

}  // namespace neuron
