// Streamable HTTP: the ladder of mcp-protocol 2.2, whose earliest rung that fails decides.

#include "neurond/front/mcp_endpoint.h"

#include <utility>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/door_legacy.h"
#include "neurond/mcp/door_modern.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"
#include "neurond/wire/sse.h"

namespace neuron {

namespace {

constexpr Millis kSweepInterval{10000};

/// A message in the form this client takes.
HttpReply message_reply(OutQueue&& message, Accepts accepts) {
    HttpReply reply;
    if (accepts.json) {
        reply.content_type = "application/json";
        reply.body = std::move(message);
    } else {
        reply.content_type = "text/event-stream";
        write_sse_message(reply.body, std::move(message));
    }
    return reply;
}

}  // namespace

/// One POST while it is read. Its answer is either `reply`, or an exchange's.
struct McpEndpoint::Post {
    HttpConn& conn;
    const HttpRequest& request;
    Accepts accepts;
    Session* session = nullptr;
    std::unique_ptr<PostExchange> exchange;
    std::optional<HttpReply> reply;
    View view;
    bool batch = false;
    bool listening = false;  ///< its answer is a stream of news
};

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
    sweep_.arm(kSweepInterval);
}

McpEndpoint::~McpEndpoint() = default;

/// Nothing when there is no downstream of the name in the path.
std::optional<View> McpEndpoint::view_of(const RequestHead& head) const {
    std::optional<View> view = read_view(head, settings_.strict_names);
    if (view && !view->space.empty() && !router_.directory().has(view->space)) {
        view.reset();
    }
    return view;
}

std::optional<HttpReply> McpEndpoint::on_head(const HttpRequest& request) {
    if (!view_of(request.head)) {
        return HttpReply::text(404, "404 Not Found: no downstream has this name");
    }
    return refuse_mcp_head(request.head);
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
    if (session->news == nullptr) {  // of an earlier reactor
        session->news = streams_.make_news(*session, request.identity,
                                           view_of(request.head).value_or(View()));
    }
    return session;
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
    sweep_.arm(kSweepInterval);
}

// --- POST ----------------------------------------------------------------------------

void McpEndpoint::on_post(HttpConn& conn, const HttpRequest& request) {
    Post post{conn,
              request,
              Accepts::parse(request.head.fields),
              nullptr,
              nullptr,
              {},
              *view_of(request.head)};
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
                const Span body = failed ? message.error : message.result;
                streams_.reply(*post.session, id_raw,
                               {{}, failed, text.part(body.in(text.view()))});
            }
            break;
        case JsonRpcMessage::Kind::kInvalid:
            refuse(post, 400, message.code, message.reason,
                   message.answerable ? id_raw : std::string_view());
            break;
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
        return;
    }
    const ModernHeaders headers = modern_headers(fields);
    const EraChoice choice = choose_era(message, scan, text.view(), &headers);
    if (choice.era == EraChoice::Era::kRefused) {
        refuse(post, choice.status, choice.error.code, choice.error.message, id_raw,
               choice.data);
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

void McpEndpoint::serve(Post& post, const Door& door, DoorRequest asked,
                        std::string_view id_raw) {
    OutQueue answer;
    switch (asked.kind) {
        case DoorRequest::Kind::kInitialize:
            return;
        case DoorRequest::Kind::kPing:
            write_result(answer, id_raw, Slice({}, "{}"));
            break;
        case DoorRequest::Kind::kDiscover:
            write_discover_result(answer, id_raw,
                                  router_.viewer(post.view, post.request.identity));
            break;
        case DoorRequest::Kind::kList:
            door.write_list(answer, id_raw, asked,
                            router_.viewer(post.view, post.request.identity),
                            router_.rules().lists);
            break;
        case DoorRequest::Kind::kListen:
            listen(post, asked, id_raw);
            return;
        case DoorRequest::Kind::kSubscribe:
        case DoorRequest::Kind::kUnsubscribe:
            subscribe(post, asked, id_raw);
            return;
        case DoorRequest::Kind::kSetLevel:
            post.session->log_level = asked.call.log_level;
            router_.want_level(post.session->token, asked.call.log_level);
            write_result(answer, id_raw, Slice({}, "{}"));
            break;
        case DoorRequest::Kind::kRefused:
            if (asked.status != 200) {
                refuse(post, asked.status, asked.error.code, asked.error.message,
                       id_raw);
                return;
            }
            write_error(answer, id_raw, asked.error.code, asked.error.message);
            break;
        case DoorRequest::Kind::kCall:
            call(post, door, std::move(asked.call), id_raw);
            return;
    }
    say(post, std::move(answer));
}

void McpEndpoint::listen(Post& post, const DoorRequest& asked,
                         std::string_view id_raw) {
    if (draining_ || !post.accepts.events) {
        refuse(post, draining_ ? 200 : 406, JsonRpcError::kInternal,
               draining_ ? "neurond is stopping" : "A listen is answered by events",
               id_raw);
        return;
    }
    post.listening = true;
    streams_.listen(post.conn, post.request.identity, post.view, asked.listen, id_raw);
}

void McpEndpoint::subscribe(Post& post, const DoorRequest& asked,
                            std::string_view id_raw) {
    Subscriber& news = *post.session->news;
    OutQueue answer;
    if (asked.kind == DoorRequest::Kind::kUnsubscribe) {
        news.unsubscribe(asked.uri);
        write_result(answer, id_raw, Slice({}, "{}"));
    } else if (news.subscribe(asked.uri)) {
        write_result(answer, id_raw, Slice({}, "{}"));
    } else {
        write_error(answer, id_raw, JsonRpcError::kInvalidParams, kNotSubscribable);
    }
    say(post, std::move(answer));
}

/// An answer that is there at once.
void McpEndpoint::say(Post& post, OutQueue&& answer) {
    if (post.batch) {
        exchange_of(post, legacy_door()).add_message(std::move(answer));
    } else {
        post.reply = message_reply(std::move(answer), post.accepts);
    }
}

void McpEndpoint::initialize(Post& post, std::string_view id_raw,
                             const JsonScanner& scan, const Slice& text) {
    if (post.batch) {
        refuse(post, 400, JsonRpcError::kInvalidRequest, "initialize cannot be batched",
               id_raw);
        return;
    }
    const InitializeRequest hello = read_initialize(scan, text.view());
    OutQueue answer;
    if (!hello.error.empty()) {
        write_error(answer, id_raw, JsonRpcError::kInvalidParams, hello.error);
        say(post, std::move(answer));
        return;
    }
    Session* session = sessions_.create(hello.revision, hello.caps,
                                        post.request.identity.name, loop_.now());
    if (session == nullptr) {
        post.reply = HttpReply();
        post.reply->status = 503;
        post.reply->content_type = "application/json";
        post.reply->fields.emplace_back("Retry-After", "1");
        write_own_error(post.reply->body, id_raw,
                        {JsonRpcError::kInternal, "Too many sessions", "busy", {}, 1},
                        post.request.request_id);
        return;
    }
    session->news = streams_.make_news(*session, post.request.identity, post.view);
    write_initialize_result(answer, id_raw, hello.revision,
                            router_.viewer(post.view, post.request.identity));
    say(post, std::move(answer));
    post.reply->fields.emplace_back(kSessionField, session->token);
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
    }
}

void McpEndpoint::call(Post& post, const Door& door, CallRequest request,
                       std::string_view id_raw) {
    if (door.modern() && !params_agree(post, request, id_raw)) {
        return;
    }
    request.identity = post.request.identity;
    request.revision = door.modern() ? Revision::k20260728 : post.session->revision;
    request.view = post.view;
    keep_fields(post.request.head.fields, request);
    if (door.modern()) {
        request.party = identity_party(request.identity);
    } else {
        request.party = post.session->token;
        request.caps = post.session->caps;
        request.takes_questions = true;
        request.log_level = post.session->log_level;
    }
    exchange_of(post, door).add_call(std::move(request), id_raw);
}

void McpEndpoint::keep_fields(const HttpFields& fields, CallRequest& request) const {
    if (settings_.forward_headers.empty()) {
        return;
    }
    for (const HttpField& field : fields) {
        for (const std::string& name : settings_.forward_headers) {
            if (equals_ignoring_case(field.name, name)) {
                request.headers.emplace_back(field.name, field.value);
                break;
            }
        }
    }
}

/// False when the POST has been refused: a header says something else than the body.
bool McpEndpoint::params_agree(Post& post, const CallRequest& request,
                               std::string_view id_raw) {
    const auto catalog = router_.rules().catalog->seen_as(post.view);
    const CatalogEntry* entry =
        request.kind == CallKind::kTool ? catalog->find(request.name) : nullptr;
    if (entry == nullptr) {
        return true;  // that is told by the router
    }
    const std::string problem = param_header_problem(
        *entry, JsonView(request.arguments.in(request.text.view())),
        post.request.head.fields);
    if (!problem.empty()) {
        refuse(post, 400, JsonRpcError::kHeaderMismatch, "Header mismatch: " + problem,
               id_raw);
    }
    return problem.empty();
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

void McpEndpoint::drain() {
    draining_ = true;
    streams_.drain();
}

}  // namespace neuron
