// What the messages of a POST ask for, once it is clear whose they are and of which era.

#include "neurond/front/mcp_endpoint.h"

#include <algorithm>
#include <utility>

#include "neurond/base/text.h"
#include "neurond/mcp/door_legacy.h"
#include "neurond/mcp/door_modern.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"
#include "neurond/wire/sse.h"
#include "neurond/wire/trace_context.h"

namespace neuron {

namespace {

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
            write_discover_result(
                answer, id_raw,
                router_.viewer(post.view, requester(post, door, asked.call.caps)));
            break;
        case DoorRequest::Kind::kList:
            list(post, door, asked, id_raw);
            return;
        case DoorRequest::Kind::kListen:
            listen(post, asked, id_raw);
            return;
        case DoorRequest::Kind::kSubscribe:
        case DoorRequest::Kind::kUnsubscribe:
            subscribe(post, asked, id_raw);
            return;
        case DoorRequest::Kind::kSetLevel:
            sessions_.set_level(*post.session, asked.call.log_level);
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

/// `caps`: of a modern request, which each says.
Requester McpEndpoint::requester(const Post& post, const Door& door,
                                 ClientCaps caps) const {
    const Identity& client = post.request.identity;
    return door.modern() ? without_session(client, caps)
                         : post.session->requester(client);
}

/// What a client with a server of its own sees is not known before that has started.
void McpEndpoint::list(Post& post, const Door& door, const DoorRequest& asked,
                       std::string_view id_raw) {
    const Requester who = requester(post, door, asked.call.caps);
    if (!router_.own_lists().ready(post.view, who)) {
        exchange_of(post, door).add_list({asked.list, asked.cursor, post.view, who},
                                         id_raw);
        return;
    }
    OutQueue answer;
    door.write_list(answer, id_raw, asked, router_.viewer(post.view, who),
                    router_.rules().lists);
    if (!door.modern() && !asked.cursor) {
        post.session->news->has_seen(asked.list);
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
    const Requester who = without_session(post.request.identity, asked.call.caps);
    ListenFilter filter = asked.listen;
    filter.request_id = post.request.request_id;
    streams_.listen(post.conn, who, post.view, filter, id_raw);
}

void McpEndpoint::subscribe(Post& post, const DoorRequest& asked,
                            std::string_view id_raw) {
    Subscriber& news = *post.session->news;
    if (asked.kind == DoorRequest::Kind::kSubscribe) {
        exchange_of(post, legacy_door()).add_subscribe(news, asked.uri, id_raw);
        return;
    }
    news.unsubscribe(asked.uri);
    sessions_.set_subscribed(*post.session, asked.uri, false);
    OutQueue answer;
    write_result(answer, id_raw, Slice({}, "{}"));
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
    const Requester who = session->requester(post.request.identity);
    router_.own_lists().prepare(post.view, who);
    write_initialize_result(answer, id_raw, hello.revision,
                            router_.viewer(post.view, who));
    say(post, std::move(answer));
    post.reply->fields.emplace_back(kSessionField, session->token);
}

void McpEndpoint::call(Post& post, const Door& door, CallRequest request,
                       std::string_view id_raw) {
    static_cast<Requester&>(request) = requester(post, door, request.caps);
    if (door.modern() && !params_agree(post, request, id_raw)) {
        return;
    }
    request.revision = door.modern() ? Revision::k20260728 : post.session->revision;
    request.view = post.view;
    keep_fields(post.request.head.fields, request);
    if (!door.modern()) {
        request.log_level = post.session->log_level;
    }
    exchange_of(post, door).add_call(std::move(request), id_raw);
}

void McpEndpoint::keep_fields(const HttpFields& fields, CallRequest& request) const {
    for (const HttpField& field : fields) {
        const bool wanted = std::any_of(
            settings_.forward_headers.begin(), settings_.forward_headers.end(),
            [&field](const std::string& name) {
                return equals_ignoring_case(field.name, name);
            });
        if (wanted || is_trace_field(field.name)) {
            request.headers.emplace_back(field.name, field.value);
        }
    }
}

/// False when the POST has been refused: a header says something else than the body.
bool McpEndpoint::params_agree(Post& post, const CallRequest& request,
                               std::string_view id_raw) {
    const auto catalog = router_.catalog_for(request)->seen_as(post.view);
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
        audit_refused(post, request.method, request.name, request.text.size);
    }
    return problem.empty();
}

}  // namespace neuron
