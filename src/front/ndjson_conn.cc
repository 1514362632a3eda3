// A local client that speaks MCP in lines. What a message means is for the doors of mcp
// to say; here is what belongs to a connection: the handshake, the view, the calls in
// flight, and how fast the client reads.

#include "neurond/front/ndjson_conn.h"

#include <algorithm>
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

/// A small message is copied out of a block that may be much larger.
Slice to_keep(const Slice& text) {
    return text.size < kSmallBytes ? Slice::copy_of(text.view()) : text;
}

LinkLimits of_client(LinkLimits limits) {
    limits.serves = true;
    return limits;
}

}  // namespace

NdjsonConn::NdjsonConn(EventLoop& loop, std::unique_ptr<Stream> stream,
                       Identity identity, Router& router,
                       Subscriptions& subscriptions, NdjsonConnOwner& owner)
    : identity_(std::move(identity)),
      router_(router),
      owner_(owner),
      registration_(router.parties().askers, *this),
      stall_(loop, [this] { on_stall(); }),
      link_(loop, std::move(stream), of_client(owner.ndjson_settings().link),
            static_cast<LinkOwner&>(*this)),
      subscriptions_(loop, subscriptions, static_cast<LineSubscriptionsOwner&>(*this)) {
    const AskerHandle handle = registration_.handle();
    party_ = "line:" + std::to_string(handle.slot) + ":" +
             std::to_string(handle.generation);
    view_.strict = owner.ndjson_settings().strict_names;
}

NdjsonConn::~NdjsonConn() = default;

// --- input ---------------------------------------------------------------------------

void NdjsonConn::on_message(const JsonScanner& scan, const Slice& text) {
    if (scan.root() == JsonScanner::Root::kArray) {
        take_batch(text);
    } else {
        take_message(scan, text);
    }
    first_line_ = false;
}

void NdjsonConn::on_garbage(const JsonScanner& scan, std::string_view head,
                            std::string_view) {
    const JsonRpcMessage message = classify(scan, head);
    refuse({}, message.code, message.reason);
    first_line_ = false;
}

void NdjsonConn::on_oversized(std::string_view id_raw) {
    refuse(id_raw, JsonRpcError::kInvalidRequest,
           "The message is larger than limits.message_max");
    first_line_ = false;
}

bool NdjsonConn::on_input_end() {
    ending_ = true;
    subscriptions_.finish();
    withdraw_questions();
    end_if_done();
    return true;
}

void NdjsonConn::take_message(const JsonScanner& scan, const Slice& text) {
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
        case JsonRpcMessage::Kind::kError:
            take_reply(in);
            break;
        case JsonRpcMessage::Kind::kInvalid:
            if (message.answerable) {
                refuse(in.id_raw, message.code, message.reason);
            }
            break;
    }
}

/// Only 2025-03-26 has batches; the answers go out as one array.
void NdjsonConn::take_batch(const Slice& text) {
    const JsonView elements(text.view());
    if (const char* problem = batch_problem(text.view(), revision_);
        problem != nullptr) {
        refuse({}, JsonRpcError::kInvalidRequest, problem);
        return;
    }
    batch_now_ = ++last_batch_;
    batches_[batch_now_].open = 1;
    JsonScanner scan(UINT16_MAX);
    for (const JsonView element : elements.elements()) {
        scan.reset();
        scan.finish(element.raw());
        take_message(scan, text.part(element.raw()));
    }
    answered(std::exchange(batch_now_, 0));
}

void NdjsonConn::take_request(const Incoming& in) {
    if (!view_error_.empty()) {
        refuse(in.id_raw, JsonRpcError::kInvalidParams, view_error_);
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
    if (!modern && !revision_ && !before_handshake) {
        refuse(in.id_raw, JsonRpcError::kInvalidRequest,
               "Invalid request: initialize has to come first");
        return;
    }
    serve(in, door, std::move(asked));
}

void NdjsonConn::serve(const Incoming& in, const Door& door, DoorRequest asked) {
    OutQueue answer;
    switch (asked.kind) {
        case DoorRequest::Kind::kInitialize:
            initialize(in);
            return;
        case DoorRequest::Kind::kCall:
            call(in, door, std::move(asked.call));
            return;
        case DoorRequest::Kind::kRefused:
            refuse(in.id_raw, asked.error.code, asked.error.message);
            return;
        case DoorRequest::Kind::kListen:
            if (!subscriptions_.listen(identity_, view_, asked.listen, in.id_raw)) {
                refuse(in.id_raw, JsonRpcError::kInvalidRequest,
                       "A listen with this id is open already");
            }
            return;
        case DoorRequest::Kind::kSubscribe:
        case DoorRequest::Kind::kUnsubscribe:
            subscribe(in, asked);
            return;
        case DoorRequest::Kind::kSetLevel:
            log_level_ = asked.call.log_level;
            router_.want_level(party_, log_level_);
            write_result(answer, in.id_raw, Slice({}, "{}"));
            break;
        case DoorRequest::Kind::kPing:
            write_result(answer, in.id_raw, Slice({}, "{}"));
            break;
        case DoorRequest::Kind::kDiscover:
            write_discover_result(answer, in.id_raw, router_.viewer(view_, identity_));
            break;
        case DoorRequest::Kind::kList:
            door.write_list(answer, in.id_raw, asked, router_.viewer(view_, identity_),
                            router_.rules().lists);
            break;
    }
    say(std::move(answer), batch_now_);
}

void NdjsonConn::initialize(const Incoming& in) {
    if (batch_now_ != 0) {
        refuse(in.id_raw, JsonRpcError::kInvalidRequest,
               "initialize cannot be batched");
        return;
    }
    const InitializeRequest hello = read_initialize(in.scan, in.text.view());
    if (!hello.error.empty()) {
        refuse(in.id_raw, JsonRpcError::kInvalidParams, hello.error);
        return;
    }
    revision_ = hello.revision;
    caps_ = hello.caps;
    initialized_ = false;
    subscriptions_.begin_legacy(identity_, view_);
    OutQueue answer;
    write_initialize_result(answer, in.id_raw, hello.revision,
                            router_.viewer(view_, identity_));
    say(std::move(answer), 0);
}

void NdjsonConn::subscribe(const Incoming& in, const DoorRequest& asked) {
    Subscriber& news = *subscriptions_.legacy();
    OutQueue answer;
    if (asked.kind == DoorRequest::Kind::kUnsubscribe) {
        news.unsubscribe(asked.uri);
    } else if (!news.subscribe(asked.uri)) {
        refuse(in.id_raw, JsonRpcError::kInvalidParams, kNotSubscribable);
        return;
    }
    write_result(answer, in.id_raw, Slice({}, "{}"));
    say(std::move(answer), batch_now_);
}

void NdjsonConn::call(const Incoming& in, const Door& door, CallRequest request) {
    const uint64_t tag = ++last_tag_;
    Item& item = items_[tag];
    item.id_raw = in.id_raw;
    item.token_raw = request.progress_token.in(request.text.view());
    item.request_id = owner_.new_request_id();
    item.door = &door;
    item.batch = batch_now_;
    if (batch_now_ != 0) {
        ++batches_[batch_now_].open;
    }
    request.text = to_keep(request.text);
    request.view = view_;
    request.revision = door.modern() ? Revision::k20260728 : *revision_;
    request.identity = identity_;
    if (door.modern()) {
        request.party = identity_party(identity_);
    } else {
        request.party = party_;
        request.caps = caps_;
        request.takes_questions = true;
        request.log_level = log_level_;
    }
    request.request_id = item.request_id;
    request.asker = registration_.handle();
    request.tag = tag;
    item.call = router_.submit(std::move(request));
}

void NdjsonConn::take_notification(const Incoming& in) {
    const std::string& method = in.message.method;
    if (method == "notifications/initialized") {
        initialized_ = revision_.has_value();
        subscriptions_.flush_legacy();
    } else if (method == "notifications/cancelled") {
        const std::string_view id_raw = read_cancelled_id(in.scan, in.text.view());
        if (!subscriptions_.cancel(id_raw)) {
            cancel(id_raw);
        }
    } else if (method == kViewMethod && first_line_) {
        take_view(in);
    }
}

void NdjsonConn::take_view(const Incoming& in) {
    const JsonView params(in.message.params.in(in.text.view()));
    const JsonView names = params.find("names");
    const JsonView space = params.find("namespace");
    if (names.is_string("strict") || names.is_string("plain")) {
        view_.strict = names.is_string("strict");
    } else if (names.exists()) {
        view_error_ = "names is neither plain nor strict";
    }
    if (space.exists()) {
        view_.space = space.as_string().value_or("");
        if (!router_.directory().has(view_.space)) {
            view_error_ = "no downstream is called '" + escape(view_.space, 64) + "'";
        }
    }
}

/// The asker of a call that is taken back gets no answer, in a batch neither.
void NdjsonConn::cancel(std::string_view id_raw) {
    const auto found = std::find_if(
        items_.begin(), items_.end(),
        [&](const auto& each) { return same_id(each.second.id_raw, id_raw); });
    if (found == items_.end()) {
        return;
    }
    const CallHandle call = found->second.call;
    const uint64_t batch = found->second.batch;
    for (const ClientQuestions::Open& each : questions_.take_all(found->first)) {
        send_question_cancelled(each.id_raw);
    }
    items_.erase(found);
    router_.cancel(call);
    answered(batch);
    end_if_done();
}

// --- output --------------------------------------------------------------------------

void NdjsonConn::refuse(std::string_view id_raw, JsonRpcError code,
                        std::string_view message, std::string_view data) {
    OutQueue error;
    write_error(error, id_raw, code, message, data);
    say(std::move(error), batch_now_);
}

void NdjsonConn::on_notice(uint64_t tag, const Notice& notice) {
    const auto item = items_.find(tag);
    if (item == items_.end() || link_.congested()) {
        return;  // of all there is to say, progress may be dropped first
    }
    OutQueue message;
    write_notice(message, notice, item->second.token_raw);
    send(std::move(message));
}

/// A modern client is asked by an answer, a legacy one by requests. One that does not
/// read is not asked more.
InputOutcome NdjsonConn::on_input(uint64_t tag, const InputRound& round) {
    const auto item = items_.find(tag);
    if (item == items_.end() || link_.congested() || ending_) {
        return InputOutcome::kRefused;
    }
    if (item->second.door->modern()) {
        return pass_on(tag, round);
    }
    const CallHandle call = item->second.call;
    const std::vector<InputReply> refused =
        questions_.ask(tag, round, caps_, *revision_, asked_,
                       [this](OutQueue&& message) { send(std::move(message)); });
    for (const InputReply& each : refused) {
        router_.reply(call, each);
    }
    return InputOutcome::kAsked;
}

InputOutcome NdjsonConn::pass_on(uint64_t tag, const InputRound& round) {
    if (round.result.empty()) {
        return InputOutcome::kRefused;
    }
    answer_item(tag, Answer::result(round.result));
    return InputOutcome::kPassedOn;
}

void NdjsonConn::on_input_withdrawn(uint64_t tag, const std::string& key) {
    if (const auto asked = questions_.take(tag, key); asked) {
        send_question_cancelled(asked->id_raw);
    }
}

void NdjsonConn::send_question_cancelled(const std::string& id_raw) {
    OutQueue message;
    write_question_cancelled(message, id_raw);
    send(std::move(message));
}

/// Who says no more cannot reply either.
void NdjsonConn::withdraw_questions() {
    const Slice error({}, R"({"code":-32603,"message":"The client has gone"})");
    for (const ClientQuestions::Open& each : questions_.take_all()) {
        if (const auto item = items_.find(each.tag); item != items_.end()) {
            router_.reply(item->second.call, {each.key, true, error});
        }
    }
}

/// What nobody waits for is ignored.
void NdjsonConn::take_reply(const Incoming& in) {
    const auto asked = questions_.take(in.id_raw);
    const auto item = asked ? items_.find(asked->tag) : items_.end();
    if (item == items_.end()) {
        return;
    }
    const bool failed = in.message.kind == JsonRpcMessage::Kind::kError;
    const Span body = failed ? in.message.error : in.message.result;
    router_.reply(item->second.call,
                  {asked->key, failed, in.text.part(body.in(in.text.view()))});
}

void NdjsonConn::on_answer(uint64_t tag, const Answer& answer) {
    answer_item(tag, answer);
}

void NdjsonConn::answer_item(uint64_t tag, const Answer& answer) {
    const auto item = items_.find(tag);
    if (item == items_.end()) {
        return;
    }
    OutQueue message;
    item->second.door->write_answer(message, item->second.id_raw, answer,
                                    item->second.request_id);
    const uint64_t batch = item->second.batch;
    items_.erase(item);
    say(std::move(message), batch);
    answered(batch);
    end_if_done();
}

void NdjsonConn::say(OutQueue&& message, uint64_t batch) {
    if (batch == 0) {
        send(std::move(message));
        return;
    }
    OutQueue& answers = batches_[batch].answers;
    answers.write(answers.empty() ? "[" : ",");
    answers.append(std::move(message));
}

/// One request of the batch less to wait for.
void NdjsonConn::answered(uint64_t batch) {
    if (batch == 0 || --batches_[batch].open > 0) {
        return;
    }
    OutQueue answers = std::move(batches_[batch].answers);
    batches_.erase(batch);
    if (!answers.empty()) {
        answers.write("]");
        send(std::move(answers));
    }
}

void NdjsonConn::send(OutQueue&& message) {
    link_.send(std::move(message));
    if (link_.congested() && !stall_.armed()) {
        link_.pause_input();
        written_before_ = link_.written();
        stall_.arm(owner_.ndjson_settings().stall_timeout);
    }
}

void NdjsonConn::on_output_room() {
    stall_.cancel();
    if (!draining_) {
        link_.resume_input();
    }
    subscriptions_.flush_legacy();
}

/// A client may be slow, but not stop reading.
void NdjsonConn::on_stall() {
    if (link_.written() == written_before_) {
        log_warn("ndjson", "%s: dropped: the client does not read",
                 identity_.peer.c_str());
        link_.close("the client does not read");
        return;
    }
    written_before_ = link_.written();
    stall_.arm(owner_.ndjson_settings().stall_timeout);
}

// --- the end -------------------------------------------------------------------------

void NdjsonConn::drain() {
    draining_ = true;
    ending_ = true;
    withdraw_questions();
    link_.pause_input();
    subscriptions_.finish();
    end_if_done();
}

void NdjsonConn::end_if_done() {
    if (ending_ && items_.empty() && batch_now_ == 0) {
        link_.finish(draining_ ? "draining" : "closed by the client");
    }
}

void NdjsonConn::on_link_closed(const std::string& reason) {
    stall_.cancel();
    subscriptions_.drop();
    for (const auto& [tag, item] : std::exchange(items_, {})) {
        router_.cancel(item.call);
    }
    router_.party_gone(party_);
    owner_.on_ndjson_closed(*this, reason);
}

}  // namespace neuron
