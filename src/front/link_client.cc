// One client that talks over a link. What a message means is for the doors of mcp to say;
// here is what belongs to the link: the handshake, the view, and how fast it is read.

#include "neurond/front/link_client.h"

#include <utility>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/door_legacy.h"
#include "neurond/mcp/door_modern.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

constexpr std::string_view kViewMethod = "notifications/neurond/view";

}  // namespace

LinkClient::LinkClient(EventLoop& loop, const LinkMaker& make_link, Credentials shown,
                       View view, Router& router, Subscriptions& subscriptions,
                       LinkClientOwner& owner)
    : router_(router),
      owner_(owner),
      shown_(std::move(shown)),
      peer_{shown_.identity, std::move(view), {}},
      stall_(loop, [this] { on_stall(); }),
      calls_(router, peer_, static_cast<LinkVoice&>(*this),
             static_cast<LinkCallsOwner&>(*this)),
      subscriptions_(loop, subscriptions, peer_, static_cast<LinkVoice&>(*this),
                     owner.door_name()),
      link_(make_link(static_cast<LinkOwner&>(*this))) {
    peer_.party = calls_.party();
}

LinkClient::~LinkClient() = default;

// --- input ---------------------------------------------------------------------------

void LinkClient::on_message(const JsonScanner& scan, const Slice& text) {
    if (scan.root() == JsonScanner::Root::kArray) {
        take_batch(text);
    } else {
        take_message(scan, text);
    }
    first_message_ = false;
}

void LinkClient::on_garbage(const JsonScanner& scan, std::string_view head,
                            std::string_view) {
    const JsonRpcMessage message = classify(scan, head);
    const std::string request_id = owner_.new_request_id();
    refuse({}, message.code, message.reason, {}, request_id);
    first_message_ = false;
    if (scan.error() == JsonError::kDuplicateKey) {  // a way round a rule
        AuditRecord line;
        line.request_id = request_id;
        line.result = "blocked";
        line.bytes_in = head.size();
        router_.record_refusal(peer_.identity, line);
    }
}

void LinkClient::on_oversized(std::string_view id_raw) {
    refuse(id_raw, JsonRpcError::kInvalidRequest,
           "The message is larger than limits.message_max");
    first_message_ = false;
}

void LinkClient::on_shed(std::string_view id_raw) {
    refuse_busy(id_raw, "Too much is in flight", Millis{1000});
    first_message_ = false;
}

bool LinkClient::on_input_end() {
    peer_.ending = true;
    subscriptions_.finish();
    calls_.withdraw_questions();
    on_call_over();
    return true;
}

void LinkClient::take_message(const JsonScanner& scan, const Slice& text) {
    const JsonRpcMessage message = classify(scan, text.view());
    const Incoming in{message, scan, text, message.id.in(text.view())};
    switch (message.kind) {
        case JsonRpcMessage::Kind::kRequest:
            take_request(in);
            break;
        case JsonRpcMessage::Kind::kNotification:
            take_notification(in);
            break;
        case JsonRpcMessage::Kind::kResult:
            take_reply(in.id_raw, {{}, false, text.part(message.result.in(text.view()))});
            break;
        case JsonRpcMessage::Kind::kError:
            take_reply(in.id_raw, {{}, true, text.part(message.error.in(text.view()))});
            break;
        case JsonRpcMessage::Kind::kInvalid:
            if (message.answerable) {
                refuse(in.id_raw, message.code, message.reason);
            }
            break;
    }
}

/// Only 2025-03-26 has batches; the answers go out as one array.
void LinkClient::take_batch(const Slice& text) {
    const JsonView elements(text.view());
    if (const char* problem = batch_problem(text.view(), peer_.revision);
        problem != nullptr) {
        refuse({}, JsonRpcError::kInvalidRequest, problem);
        return;
    }
    calls_.begin_batch();
    JsonScanner scan(UINT16_MAX);
    for (const JsonView element : elements.elements()) {
        scan.reset();
        scan.finish(element.raw());
        take_message(scan, text.part(element.raw()));
    }
    calls_.end_batch();
}

void LinkClient::take_request(const Incoming& in) {
    if (!view_error_.empty()) {
        refuse(in.id_raw, JsonRpcError::kInvalidParams, view_error_);
        return;
    }
    if (const Millis wait = router_.charge(peer_.identity); wait != Millis{0}) {
        refuse_busy(in.id_raw, "Too many requests", wait);
        return;
    }
    const EraChoice choice = choose_era(in.message, in.scan, in.text.view(), nullptr);
    if (choice.era == EraChoice::Era::kRefused) {
        refuse(in.id_raw, choice.error.code, choice.error.message, choice.data);
        return;
    }
    const bool modern = choice.era == EraChoice::Era::kModern;
    const Door& door = modern ? modern_door() : legacy_door();
    DoorRequest asked = door.read_request(in.message, in.scan, in.text);
    const bool before_handshake = asked.kind == DoorRequest::Kind::kInitialize ||
                                  asked.kind == DoorRequest::Kind::kPing;
    if (!modern && !peer_.revision && !before_handshake) {
        refuse(in.id_raw, JsonRpcError::kInvalidRequest,
               "Invalid request: initialize has to come first");
        return;
    }
    serve(in, door, std::move(asked));
}

void LinkClient::serve(const Incoming& in, const Door& door, DoorRequest asked) {
    OutQueue answer;
    switch (asked.kind) {
        case DoorRequest::Kind::kInitialize:
            initialize(in);
            return;
        case DoorRequest::Kind::kCall:
            calls_.call(in.id_raw, door, std::move(asked.call),
                        owner_.new_request_id());
            return;
        case DoorRequest::Kind::kRefused:
            refuse(in.id_raw, asked.error.code, asked.error.message);
            return;
        case DoorRequest::Kind::kListen:
            listen(in, asked);
            return;
        case DoorRequest::Kind::kSubscribe:
        case DoorRequest::Kind::kUnsubscribe:
            subscribe(in, asked);
            return;
        case DoorRequest::Kind::kSetLevel:
            peer_.log_level = asked.call.log_level;
            router_.want_level(peer_.party, peer_.log_level);
            write_result(answer, in.id_raw, Slice({}, "{}"));
            break;
        case DoorRequest::Kind::kPing:
            write_result(answer, in.id_raw, Slice({}, "{}"));
            break;
        case DoorRequest::Kind::kDiscover:
            write_discover_result(
                answer, in.id_raw,
                router_.viewer(peer_.view, peer_.requester(door, asked.call.caps)));
            break;
        case DoorRequest::Kind::kList:
            calls_.list(in.id_raw, door, std::move(asked));
            return;
    }
    calls_.say(std::move(answer));
}

void LinkClient::initialize(const Incoming& in) {
    if (calls_.in_batch()) {
        refuse(in.id_raw, JsonRpcError::kInvalidRequest,
               "initialize cannot be batched");
        return;
    }
    const InitializeRequest hello = read_initialize(in.scan, in.text.view());
    if (!hello.error.empty()) {
        refuse(in.id_raw, JsonRpcError::kInvalidParams, hello.error);
        return;
    }
    peer_.revision = hello.revision;
    peer_.caps = hello.caps;
    peer_.initialized = false;
    subscriptions_.begin_legacy();
    const Requester who = peer_.in_session();
    router_.own_lists().prepare(peer_.view, who);
    OutQueue answer;
    write_initialize_result(answer, in.id_raw, hello.revision,
                            router_.viewer(peer_.view, who));
    calls_.say(std::move(answer));
}

void LinkClient::listen(const Incoming& in, const DoorRequest& asked) {
    ListenFilter filter = asked.listen;
    filter.request_id = owner_.new_request_id();
    if (!subscriptions_.listen(filter, asked.call.caps, in.id_raw)) {
        refuse(in.id_raw, JsonRpcError::kInvalidRequest,
               "A listen with this id is open already");
    }
}

void LinkClient::subscribe(const Incoming& in, const DoorRequest& asked) {
    Subscriber& news = *subscriptions_.legacy();
    if (asked.kind == DoorRequest::Kind::kSubscribe) {
        calls_.subscribe(in.id_raw, legacy_door(), news, asked.uri,
                         owner_.new_request_id());
        return;
    }
    news.unsubscribe(asked.uri);
    OutQueue answer;
    write_result(answer, in.id_raw, Slice({}, "{}"));
    calls_.say(std::move(answer));
}

void LinkClient::take_notification(const Incoming& in) {
    const std::string& method = in.message.method;
    if (method == "notifications/initialized") {
        peer_.initialized = peer_.revision.has_value();
        subscriptions_.flush_legacy();
    } else if (method == "notifications/cancelled") {
        const std::string_view id_raw = read_cancelled_id(in.scan, in.text.view());
        if (!subscriptions_.cancel(id_raw)) {
            calls_.cancel(id_raw);
        }
    } else if (method == "notifications/roots/list_changed" && peer_.revision) {
        router_.on_roots_changed(peer_.in_session());
    } else if (method == "notifications/progress") {
        if (const auto told = read_reply_progress(in.message, in.scan, in.text); told) {
            take_reply(told->id_raw, told->reply);
        }
    } else if (method == kViewMethod && first_message_) {
        take_view(in);
    }
}

void LinkClient::take_reply(std::string_view id_raw, const InputReply& reply) {
    Subscriber* session = subscriptions_.legacy();
    if (session == nullptr || !session->reply(id_raw, reply)) {
        calls_.reply(id_raw, reply);
    }
}

void LinkClient::take_view(const Incoming& in) {
    const JsonView params(in.message.params.in(in.text.view()));
    const JsonView names = params.find("names");
    const JsonView space = params.find("namespace");
    if (names.is_string("strict") || names.is_string("plain")) {
        peer_.view.strict = names.is_string("strict");
    } else if (names.exists()) {
        view_error_ = "names is neither plain nor strict";
    }
    if (space.exists()) {
        peer_.view.space = space.as_string().value_or("");
        if (!router_.directory().has(peer_.view.space)) {
            view_error_ = "no downstream is called '" + escape(peer_.view.space, 64) + "'";
        }
    }
}

// --- output --------------------------------------------------------------------------

void LinkClient::refuse(std::string_view id_raw, JsonRpcError code,
                        std::string_view message, std::string_view data,
                        std::string_view request_id) {
    OutQueue error;
    if (!data.empty()) {
        write_error(error, id_raw, code, message, data);
    } else {
        write_own_error(
            error, id_raw, {code, std::string(message), {}, {}, {}},
            request_id.empty() ? owner_.new_request_id() : std::string(request_id));
    }
    calls_.say(std::move(error));
}

void LinkClient::refuse_busy(std::string_view id_raw, const char* message,
                             Millis wait) {
    OutQueue error;
    write_own_error(error, id_raw,
                    {JsonRpcError::kInternal, message, "busy", {}, whole_seconds(wait)},
                    owner_.new_request_id());
    calls_.say(std::move(error));
}

void LinkClient::say(OutQueue&& message) {
    link_->send(std::move(message));
    if (link_->congested() && !stall_.armed()) {
        link_->pause_input();
        written_before_ = link_->written();
        stall_.arm(owner_.stall_timeout());
    }
}

void LinkClient::on_output_room() {
    stall_.cancel();
    if (!draining_) {
        link_->resume_input();
    }
    subscriptions_.flush_legacy();
}

/// A client may be slow, but not stop reading.
void LinkClient::on_stall() {
    const uint64_t taken = link_->written() - written_before_;
    if (taken == 0 || (taken < kReadBudgetBytes && Block::scarce())) {
        log_warn(owner_.door_name(), "%s: dropped: the client does not read",
                 peer_.identity.peer.c_str());
        link_->close("the client does not read");
        return;
    }
    written_before_ = link_->written();
    stall_.arm(owner_.stall_timeout());
}

// --- the end -------------------------------------------------------------------------

void LinkClient::drain() {
    draining_ = true;
    peer_.ending = true;
    calls_.withdraw_questions();
    link_->pause_input();
    subscriptions_.finish();
    on_call_over();
}

void LinkClient::on_call_over() {
    if (peer_.ending && calls_.idle()) {
        link_->finish(draining_ ? "draining" : "closed by the client");
    }
}

/// Whatever its calls would bring, nobody would read it.
void LinkClient::on_output_broken() {
    peer_.ending = true;
    subscriptions_.drop();
    calls_.drop();
}

void LinkClient::on_link_closed(const std::string& reason) {
    stall_.cancel();
    subscriptions_.drop();
    calls_.drop();
    router_.party_gone(peer_.party);
    owner_.on_link_client_closed(*this, reason);
}

}  // namespace neuron
