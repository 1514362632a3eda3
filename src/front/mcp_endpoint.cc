// Streamable HTTP: the ladder of mcp-protocol 2.2, whose earliest rung that fails decides.

#include "neurond/front/mcp_endpoint.h"

#include <set>
#include <string>
#include <utility>

#include "neurond/mcp/door_legacy.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

McpEndpoint::McpEndpoint(EventLoop& loop, HttpServer& server, Router& router,
                         SessionStore& sessions, Subscriptions& subscriptions,
                         McpSettings settings)
    : loop_(loop),
      server_(server),
      router_(router),
      sessions_(sessions),
      settings_(std::move(settings)),
      streams_(loop, server, sessions, subscriptions, settings_.keepalive),
      sweep_(loop, [this] { sweep(); }) {
    sessions_.on_end([&router](const std::string& token) { router.party_gone(token); });
    sweep_.arm(sessions_.sweep_interval());
}

McpEndpoint::~McpEndpoint() = default;

/// Nothing when there is no downstream of the name in the path.
std::optional<View> McpEndpoint::view_of(const HttpRequest& request) const {
    std::optional<View> view = read_view(request.head, request.strict_names);
    if (view && !view->space.empty() && !router_.directory().has(view->space)) {
        view.reset();
    }
    return view;
}

std::optional<HttpReply> McpEndpoint::on_head(const HttpRequest& request) {
    if (!view_of(request)) {
        return HttpReply::text(404, "404 Not Found: no downstream has this name");
    }
    if (std::optional<HttpReply> refused = refuse_mcp_head(request.head); refused) {
        return refused;
    }
    const Millis wait = router_.charge(request.identity);
    if (wait != Millis{0}) {
        return HttpReply::too_many_requests(wait);
    }
    return std::nullopt;
}

void McpEndpoint::on_request(HttpConn& conn, const HttpRequest& request) {
    if (request.head.method == "POST") {
        on_post(conn, request);
    } else if (request.head.method == "GET") {
        on_get(conn, request);
    } else {
        on_delete(conn, request);
    }
}

// --- sessions ------------------------------------------------------------------------

/// The session a request names, or null with the answer.
Session* McpEndpoint::session_of(const HttpRequest& request, HttpReply& otherwise) {
    const auto token = request.head.fields.field(kSessionField);
    if (!token) {
        otherwise = error_reply(400, JsonRpcError::kInvalidRequest,
                                "Bad Request: the Mcp-Session-Id header is required");
        return nullptr;
    }
    Session* session = sessions_.find(*token, request.identity.name, loop_.now());
    if (session == nullptr) {
        otherwise =
            error_reply(404, JsonRpcError::kSessionNotFound, "Session not found");
        return nullptr;
    }
    const auto version = request.head.fields.field(kVersionField);
    const auto revision = version ? parse_revision(*version) : std::nullopt;
    if (version && (!revision || !is_legacy(*revision))) {
        otherwise = error_reply(400, JsonRpcError::kInvalidRequest,
                                "Bad Request: unsupported MCP-Protocol-Version");
        return nullptr;
    }
    if (session->news == nullptr) {
        adopt(*session, request);
    }
    return session;
}

/// It is of an earlier reactor, or had made room for another one.
void McpEndpoint::adopt(Session& session, const HttpRequest& request) {
    const View view = view_of(request).value_or(View());
    session.news = streams_.make_news(session, request.identity, view);
    router_.own_lists().prepare(view, session.requester(request.identity));
    if (const SessionRecords::Record* known = sessions_.record_of(session); known) {
        session.log_level = known->level;
        if (known->level) {
            router_.want_level(session.token, known->level);
        }
        session.news->restore(std::set<std::string>(known->resources));
    }
}

void McpEndpoint::on_get(HttpConn& conn, const HttpRequest& request) {
    HttpReply otherwise;
    Session* session = session_of(request, otherwise);
    if (session != nullptr && draining_) {
        otherwise = HttpReply::text(503, "503 Service Unavailable: stopping");
        session = nullptr;
    }
    if (session == nullptr) {
        conn.reply(std::move(otherwise));
        return;
    }
    streams_.open(conn, *session, request.head.fields.field("Last-Event-ID"));
}

void McpEndpoint::on_delete(HttpConn& conn, const HttpRequest& request) {
    HttpReply reply;
    Session* session = session_of(request, reply);
    if (session != nullptr) {
        end_session(*session);
        reply = HttpReply();
    }
    conn.reply(std::move(reply));
}

/// Its calls are taken back, its streams end, and its id finds nothing any more.
void McpEndpoint::end_session(Session& session) {
    streams_.end_session(session);
    sessions_.end(session);
}

void McpEndpoint::sweep() {
    sessions_.expire(loop_.now());
    sweep_.arm(sessions_.sweep_interval());
}

// --- POST ----------------------------------------------------------------------------

void McpEndpoint::on_post(HttpConn& conn, const HttpRequest& request) {
    Post post{conn,
              request,
              Accepts::parse(request.head.fields),
              nullptr,
              nullptr,
              {},
              *view_of(request)};
    const JsonScanner& scan = *request.scan;
    if (scan.error() == JsonError::kNone && scan.root() == JsonScanner::Root::kArray) {
        take_batch(post);
    } else {
        const std::string_view body = request.body ? request.body->view() : "";
        take_message(post, scan, Slice(request.body, body));
    }
    finish_post(post);
}

void McpEndpoint::finish_post(Post& post) {
    if (post.exchange != nullptr) {
        streams_.add(std::move(post.exchange), post.session);
        return;
    }
    if (post.listening) {
        return;
    }
    HttpReply accepted;
    accepted.status = 202;
    post.conn.reply(post.reply ? std::move(*post.reply) : std::move(accepted));
}

/// The first message was counted with the head.
Millis McpEndpoint::charge_batch(const Post& post, JsonView elements) {
    unsigned messages = 0;
    for ([[maybe_unused]] const JsonView each : elements.elements()) {
        ++messages;
    }
    return messages > 1 ? router_.charge(post.request.identity, messages - 1)
                        : Millis{0};
}

/// Only on a session negotiated at 2025-03-26, the one revision that has batches.
void McpEndpoint::take_batch(Post& post) {
    post.batch = true;
    const JsonView elements(post.request.body->view());
    HttpReply otherwise;
    post.session = session_of(post.request, otherwise);
    if (post.session == nullptr) {
        post.reply = std::move(otherwise);
        return;
    }
    if (const char* problem = batch_problem(elements.raw(), post.session->revision);
        problem != nullptr) {
        post.reply = error_reply(400, JsonRpcError::kInvalidRequest, problem);
        return;
    }
    if (const Millis wait = charge_batch(post, elements); wait != Millis{0}) {
        post.reply = HttpReply::too_many_requests(wait);
        return;
    }
    JsonScanner scan(UINT16_MAX);
    for (const JsonView element : elements.elements()) {
        scan.reset();
        scan.finish(element.raw());
        take_message(post, scan, Slice(post.request.body, element.raw()));
    }
}

void McpEndpoint::take_message(Post& post, const JsonScanner& scan, const Slice& text) {
    const JsonRpcMessage message = classify(scan, text.view());
    const std::string_view id_raw = message.id.in(text.view());
    switch (message.kind) {
        case JsonRpcMessage::Kind::kRequest:
            take_request(post, message, scan, text);
            break;
        case JsonRpcMessage::Kind::kNotification:
            take_notification(post, message, scan, text);
            break;
        case JsonRpcMessage::Kind::kResult:
        case JsonRpcMessage::Kind::kError:
            if (find_session(post)) {  // what nobody waits for is a 202, too
                const bool failed = message.kind == JsonRpcMessage::Kind::kError;
                const Slice body = text.part(
                    (failed ? message.error : message.result).in(text.view()));
                take_reply(post, id_raw, {{}, failed, body});
            }
            break;
        case JsonRpcMessage::Kind::kInvalid:
            refuse(post, 400, message.code, message.reason,
                   message.answerable ? id_raw : std::string_view());
            if (scan.error() == JsonError::kDuplicateKey) {
                audit_refused(post, message.method, {}, text.size);
            }
            break;
    }
}

void McpEndpoint::take_reply(const Post& post, std::string_view id_raw,
                             const InputReply& reply) {
    if (!post.session->news->reply(id_raw, reply)) {
        streams_.reply(*post.session, id_raw, reply);
    }
}

/// False when the POST has been refused.
bool McpEndpoint::find_session(Post& post) {
    if (post.session == nullptr) {
        HttpReply otherwise;
        post.session = session_of(post.request, otherwise);
        if (post.session == nullptr) {
            post.reply = std::move(otherwise);
        }
    }
    return post.session != nullptr;
}

void McpEndpoint::take_request(Post& post, const JsonRpcMessage& message,
                               const JsonScanner& scan, const Slice& text) {
    const std::string_view id_raw = message.id.in(text.view());
    const HttpFields& fields = post.request.head.fields;
    if (const std::string_view twice = repeated_mcp_field(fields); !twice.empty()) {
        refuse(post, 400, JsonRpcError::kHeaderMismatch,
               "Header mismatch: " + std::string(twice) + " stands more than once",
               id_raw);
        audit_refused(post, message.method, named_target(message, scan, text.view()),
                      text.size);
        return;
    }
    const ModernHeaders headers = modern_headers(fields);
    const EraChoice choice = choose_era(message, scan, text.view(), &headers);
    if (choice.era == EraChoice::Era::kRefused) {
        refuse(post, choice.status, choice.error.code, choice.error.message, id_raw,
               choice.data);
        if (choice.error.code == JsonRpcError::kHeaderMismatch) {
            audit_refused(post, message.method,
                          named_target(message, scan, text.view()), text.size);
        }
        return;
    }
    const bool modern = choice.era == EraChoice::Era::kModern;
    const Door& door = modern ? modern_door() : legacy_door();
    DoorRequest asked = door.read_request(message, scan, text);
    if (asked.kind == DoorRequest::Kind::kInitialize) {
        initialize(post, id_raw, scan, text);
    } else if (modern || find_session(post)) {
        serve(post, door, std::move(asked), id_raw);
    }
}

void McpEndpoint::take_notification(Post& post, const JsonRpcMessage& message,
                                    const JsonScanner& scan, const Slice& text) {
    const ModernHeaders headers = modern_headers(post.request.head.fields);
    const EraChoice choice = choose_era(message, scan, text.view(), &headers);
    if (choice.era == EraChoice::Era::kModern || !find_session(post)) {
        return;  // over HTTP a modern client has nothing to notify of: 202
    }
    if (message.method == "notifications/cancelled") {
        const std::string_view id_raw = read_cancelled_id(scan, text.view());
        if (post.exchange == nullptr || !post.exchange->cancel(id_raw)) {
            streams_.cancel(*post.session, id_raw);
        }
    } else if (message.method == "notifications/roots/list_changed") {
        router_.on_roots_changed(post.session->requester(post.request.identity));
    } else if (message.method == "notifications/progress") {
        if (const auto told = read_reply_progress(message, scan, text); told) {
            take_reply(post, told->id_raw, told->reply);
        }
    }
}

PostExchange& McpEndpoint::exchange_of(Post& post, const Door& door) {
    if (post.exchange == nullptr) {
        const Handle<Session> session =
            post.session != nullptr ? post.session->handle : Handle<Session>();
        post.exchange = std::make_unique<PostExchange>(
            loop_, server_, sessions_, router_, streams_.owner(), post.conn, door,
            session, post.accepts, settings_.keepalive);
        if (post.batch) {
            post.exchange->expect_batch();
        }
    }
    return *post.exchange;
}

void McpEndpoint::refuse(Post& post, int status, JsonRpcError code,
                         std::string_view message, std::string_view id_raw,
                         std::string_view data) {
    if (post.batch) {
        OutQueue error;
        write_error(error, id_raw, code, message, data);
        exchange_of(post, legacy_door()).add_message(std::move(error));
    } else {
        post.reply = error_reply(status, code, message, id_raw, data);
    }
}

/// What means one thing to us and another to a server is a way round a rule.
void McpEndpoint::audit_refused(const Post& post, std::string_view method,
                                std::string_view target, size_t bytes_in) {
    AuditRecord line;
    line.request_id = post.request.request_id;
    line.method = method;
    line.tool = target;
    line.result = "blocked";
    line.bytes_in = bytes_in;
    router_.record_refusal(post.request.identity, line);
}

void McpEndpoint::drain() {
    draining_ = true;
    streams_.drain();
}

}  // namespace neuron
