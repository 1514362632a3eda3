// What an instance makes of what its server says: answers, notices, questions, and all
// that is none of these.

#include "neurond/back/instance.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "neurond/base/log.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/leg_legacy.h"
#include "neurond/mcp/leg_modern.h"

namespace neuron {

namespace {

constexpr Millis kRepeatPause{250};
/// Some servers do not go on before they know the roots.
constexpr Millis kHeldTime{5000};

}  // namespace

void Instance::on_message(const JsonScanner& scan, const Slice& text,
                          uint64_t exchange) {
    const JsonRpcMessage message = classify(scan, text.view());
    heard_ = loop_.now();
    health_.on_message();
    switch (message.kind) {
        case JsonRpcMessage::Kind::kResult:
        case JsonRpcMessage::Kind::kError:
            on_answer(message, text);
            break;
        case JsonRpcMessage::Kind::kNotification:
            on_notification(message, scan, text, exchange);
            break;
        case JsonRpcMessage::Kind::kRequest:
            on_request(message, text, exchange);
            break;
        case JsonRpcMessage::Kind::kInvalid:
            if (!scan.envelope().method.empty()) {
                on_bad_request(message, text);
                break;
            }
            on_bad_answer(message.id.in(text.view()),
                          "sent an invalid message: " + message.reason);
            break;
    }
}

void Instance::on_answer(const JsonRpcMessage& message, const Slice& text) {
    const std::string_view id_raw = message.id.in(text.view());
    const std::optional<uint64_t> id = read_leg_id(id_raw);
    if (id && *id == std::exchange(forgotten_, 0)) {
        return;
    }
    const auto taken = id ? pending_.take(*id) : std::nullopt;
    if (!taken) {
        complaints_.add("it sent an answer nobody waits for, id " + escape(id_raw, 64));
        return;
    }
    const Entry& entry = *taken;
    const bool is_result = message.kind == JsonRpcMessage::Kind::kResult;
    const Slice body =
        text.part((is_result ? message.result : message.error).in(text.view()));
    switch (entry.kind) {
        case Pending::kGreeting:
            greet(is_result ? discovery_.on_result(body.view())
                            : discovery_.on_error(body.view()));
            break;
        case Pending::kList:
            if (is_result) {
                listing_.on_page(*id, body);
            } else {
                listing_.on_refused(*id,
                                    "it refused a list: " + escape(body.view(), 256));
            }
            break;
        case Pending::kLevel:
            break;
        case Pending::kBarrier:
            on_barrier_passed();
            break;
        case Pending::kCall:
            on_call_answer(entry.call, is_result, body);
            break;
        case Pending::kHealth:
            health_.on_reply(*id, is_result, body.view());
            break;
        case Pending::kFeed:
            feed_.on_answer(*id, is_result ? Answer::result(body) : Answer::error(body));
            break;
    }
}

void Instance::on_call_answer(CallHandle call, bool is_result, const Slice& body) {
    if (const auto round = is_result && !is_legacy(hello_.revision)
                               ? read_input_required(body)
                               : std::nullopt;
        round) {
        on_input_required(call, *round);
        return;
    }
    if (!is_result && is_outdated(call, body.view())) {
        owner_.on_instance_room();
        return;
    }
    questions_.close(call);
    if (questions_.waiting() && !held_timer_.armed()) {
        held_timer_.arm(kHeldTime);  // this call was too short for a reply
    }
    if (!is_result && is_legacy(hello_.revision)) {
        urls_.refused(body.view(), session_of(call));
    }
    answer(call, is_result ? Answer::result(body) : Answer::error(body),
           CallOutcome::kAnswered);
}

/// The server waits for its answer, whatever is wrong with the request.
void Instance::on_bad_request(const JsonRpcMessage& message, const Slice& text) {
    complaints_.add("it sent an invalid message: " + message.reason);
    if (message.answerable && !message.id.empty() && !carrier_->overloaded()) {
        questions_.refuse(message.id.in(text.view()), message.code, message.reason);
    }
}

/// A message that breaks the rules still ends the call it was meant for.
void Instance::on_bad_answer(std::string_view id_raw, const std::string& what) {
    const auto id = read_leg_id(id_raw);
    const auto entry = id ? pending_.take(*id) : std::nullopt;
    complaints_.add("it " + what, entry ? facts_of(*entry) : RequestFacts{});
    if (entry) {
        fail_entry(*id, *entry, what);
    }
}

/// Of a call of a client's; what we ask ourselves has no id.
RequestFacts Instance::facts_of(const Entry& entry) const {
    const Call* call =
        entry.kind == Pending::kCall ? owner_.find_call(entry.call) : nullptr;
    return call == nullptr
               ? RequestFacts{}
               : RequestFacts{call->request.request_id, {},
                              call->request.method + " " + escape(call->request.name, 128),
                              {}};
}

void Instance::fail_entry(uint64_t id, const Entry& entry, const std::string& what) {
    switch (entry.kind) {
        case Pending::kLevel:
            break;
        case Pending::kBarrier:
            on_barrier_passed();
            break;
        case Pending::kCall:
            answer(entry.call, Answer::failure(own_error(what, "protocol")),
                   CallOutcome::kLost);
            break;
        case Pending::kHealth:
            health_.on_failure(id, "it " + what);
            break;
        case Pending::kGreeting:
            start_failed("it " + what);
            break;
        case Pending::kList:
            listing_.on_refused(id, "it " + what);
            break;
        case Pending::kFeed:
            feed_.on_answer(id, Answer::failure(own_error(what, "protocol")));
            break;
    }
}

void Instance::on_garbage(const JsonScanner& scan, std::string_view head,
                          std::string_view id_raw) {
    on_bad_answer(id_raw, "sent a line that is not JSON (" + scan.message() +
                              "): " + escape(mask_cut_secrets(head), 128));
}

void Instance::on_oversized(std::string_view id_raw) {
    on_bad_answer(id_raw, "sent a message over limits.message_max");
}

/// That there is no room for an answer is not the server's fault.
void Instance::on_shed(std::string_view id_raw) {
    const auto id = read_leg_id(id_raw);
    const auto entry = id ? pending_.take(*id) : std::nullopt;
    const std::string what = "sent more than limits.buffer_total leaves room for";
    if (entry && entry->kind == Pending::kCall) {
        answer(entry->call, Answer::failure(own_error(what, "busy")),
               CallOutcome::kAnswered);
    } else if (entry) {
        fail_entry(*id, *entry, what);
    }
}

void Instance::on_request_failed(uint64_t id, const RequestFailure& failure) {
    const auto taken = pending_.take(id);
    if (!taken) {
        return;
    }
    const Entry& entry = *taken;
    if (failure.kind == RequestFailure::Kind::kUnsent && unsent(entry)) {
        return;
    }
    if (entry.kind == Pending::kGreeting) {
        unauthorized_ = failure.kind == RequestFailure::Kind::kUnauthorized;
        greet(discovery_.on_status(failure.status, failure.why));
    } else if (failure.kind == RequestFailure::Kind::kSessionExpired) {
        expired(entry);
    } else if (entry.kind == Pending::kCall) {
        const bool answered = failure.kind == RequestFailure::Kind::kTooLarge;
        answer(entry.call,
               Answer::failure(
                   own_error("failed: " + failure.why, error_type(failure.kind))),
               answered ? CallOutcome::kAnswered : CallOutcome::kLost);
    } else if (entry.kind == Pending::kHealth) {
        health_.on_failure(id, failure.why);
    } else if (entry.kind == Pending::kBarrier) {
        on_barrier_passed();
    } else if (entry.kind == Pending::kList) {
        listing_.on_refused(id, failure.why);
    } else if (entry.kind == Pending::kFeed) {
        feed_.on_answer(id, Answer::failure(own_error("failed: " + failure.why,
                                                      error_type(failure.kind))));
    }
}

void Instance::on_answer_deferred(uint64_t id) {
    heard_ = loop_.now();
    if (const auto call = pending_.call(id); call) {
        sink_.on_deferred(*call);
    }
}

/// The process has ended: the next one may get the call. False when it must be answered.
bool Instance::unsent(const Entry& entry) {
    if (entry.kind == Pending::kCall) {
        if (!owner_.requeue(entry.call)) {
            return false;
        }
        owner_.on_call_done(entry.call, CallOutcome::kVoid);
    }
    return true;
}

/// What the server refused because it knows no such session, it has not executed.
void Instance::expired(const Entry& entry) {
    if (entry.kind == Pending::kCall && !owner_.requeue(entry.call)) {
        answer(entry.call,
               Answer::failure(own_error("has lost its session twice", "unavailable")),
               CallOutcome::kLost);
    } else if (entry.kind == Pending::kList && state_ == State::kListing) {
        start_failed("it has lost its session at once");
    }
    if (entry.session == pending_.session()) {
        renew();
    }
}

/// Greets again, once for all the requests that the same lost session has failed.
void Instance::renew() {
    if (state_ != State::kReady) {
        return;
    }
    log_info("supervisor", "%s: its session has expired: starting another one",
             settings_.server.c_str());
    pending_.next_session();
    log_level_.reset();
    renewing_ = true;
    listing_.stop();
    feed_.stop();
    health_.stop();
    state_ = State::kGreeting;
    start_timer_.arm(settings_.start_timeout);
    greet(discovery_.begin());
}

void Instance::on_notification(const JsonRpcMessage& message, const JsonScanner& scan,
                               const Slice& text, uint64_t exchange) {
    if (message.method == "notifications/progress") {
        on_progress(message, scan, text);
    } else if (message.method == "notifications/message") {
        on_server_message(message.params.in(text.view()), exchange);
    } else if (message.method == "notifications/cancelled") {
        questions_.on_cancelled(read_cancelled_id(scan, text.view()));
    } else if (message.method == "notifications/subscriptions/acknowledged") {
        const Acknowledged begun = read_acknowledged(scan, text.view());
        feed_.on_acknowledged(begun.listen, begun.resources);
    } else if (message.method == "notifications/resources/updated") {
        const JsonView uri(
            find(scan.params_members(), text.view(), "uri").in(text.view()));
        owner_.on_resource_updated(uri.as_string().value_or(""));
    } else if (message.method == "notifications/elicitation/complete") {
        on_url_complete(text.part(message.params.in(text.view())));
    } else if (state_ == State::kListing || state_ == State::kReady) {
        listing_.on_notification(message.method);
    }
}

/// Of callers without a session nobody waits for that: they call again.
void Instance::on_url_complete(const Slice& params) {
    owner_.on_url_complete(urls_.take(params.view()), params);
}

/// Empty: it has none.
std::string Instance::session_of(CallHandle call) const {
    const Call* found = owner_.find_call(call);
    return found != nullptr && found->request.takes_questions ? found->request.party
                                                              : std::string();
}

/// What is of no call goes to the one session that the server serves; else to nobody: it
/// may be another's.
void Instance::on_server_message(std::string_view params, uint64_t exchange) {
    const std::optional<CallHandle> call = pending_.call_of(exchange, loop_.now());
    const auto notice = read_server_message(params, settings_.server);
    if (call && notice) {
        sink_.on_notice(*call, *notice);
    } else if (!notice || !owner_.on_server_message(*notice)) {
        log_debug("back", "%s: %s", settings_.server.c_str(), escape(params, 512).c_str());
    }
}

/// A modern server has ended the call to ask: who asked passes that on, or is asked, and
/// then the call goes out again.
void Instance::on_input_required(CallHandle call, const InputRound& round) {
    repeats_.begin(call, round);
    const InputOutcome outcome = sink_.on_input(call, round);
    if (outcome != InputOutcome::kAsked) {
        repeats_.erase(call);
        owner_.on_call_done(call, CallOutcome::kAnswered);
    } else if (round.questions.empty()) {
        paused_.push_back(call);
        if (!pause_timer_.armed()) {
            pause_timer_.arm(kRepeatPause);
        }
    }
    owner_.on_instance_room();
}

/// A server that asks nothing, but to be called again, gets a moment each time; how often
/// is bounded as for questions.
void Instance::repeat_paused() {
    for (const CallHandle handle : std::exchange(paused_, {})) {
        Call* call = repeats_.has(handle) ? owner_.find_call(handle) : nullptr;
        if (call == nullptr) {
            continue;
        }
        const RepeatedCalls::Step step = repeats_.resume(handle);
        if (step.kind == RepeatedCalls::Step::Kind::kRepeat && state_ == State::kReady) {
            send_call(*call, step.text);
        } else {
            answer(handle,
                   Answer::failure(own_error("asks nothing, but to be called again",
                                             "unavailable")),
                   CallOutcome::kAnswered);
        }
    }
}

/// A modern server over HTTP wants other arguments repeated in headers than its list said,
/// and so has not executed the call (mcp-protocol 2.7): once it is sent again, by a new
/// list.
bool Instance::is_outdated(CallHandle handle, std::string_view error) {
    Call* call = owner_.find_call(handle);
    const auto code = JsonView(error).find("code").as_int64();
    if (call == nullptr || state_ != State::kReady || !settings_.http ||
        is_legacy(hello_.revision) || call->request.kind != CallKind::kTool ||
        code != static_cast<int64_t>(JsonRpcError::kHeaderMismatch) ||
        std::exchange(call->repeated, true)) {
        return false;
    }
    outdated_.push_back(handle);
    listing_.on_notification("notifications/tools/list_changed");
    return true;
}

void Instance::repeat_outdated(const Offer& offer) {
    for (const CallHandle handle : std::exchange(outdated_, {})) {
        Call* call = owner_.find_call(handle);
        if (call == nullptr) {
            continue;
        }
        const auto& tools = offer.of(ItemKind::kTool).items;
        const auto found =
            std::find_if(tools.begin(), tools.end(), [call](const OfferItem& item) {
                return item.own_name == call->entry->own_name;
            });
        if (found != tools.end()) {
            auto entry = std::make_shared<CatalogEntry>(*call->entry);
            entry->source = *found;
            call->entry = std::move(entry);
        }
        send_call(*call, {});
    }
}

void Instance::on_progress(const JsonRpcMessage& message, const JsonScanner& scan,
                           const Slice& text) {
    const auto token = read_progress(scan, text.view());
    const auto call = token ? pending_.call(token->id) : std::nullopt;
    if (!call) {
        return;
    }
    const size_t base = message.params.begin;
    sink_.on_notice(*call,
                    {text.part(message.params.in(text.view())),
                     {token->where.begin - base, token->where.end - base}});
}

/// The call about which the server asks. Where that may be any of several, those do not
/// count whose clients are away with a question: there the server waits. Else one client
/// that never comes back would keep all the others from being asked.
std::optional<CallHandle> Instance::asks_for(uint64_t exchange) const {
    const TimePoint now = loop_.now();
    const auto call = pending_.call_of(exchange, now);
    return call ? call : pending_.call_of(exchange, now, [this](CallHandle handle) {
        return owner_.is_parked(handle) && questions_.awaits_reply(handle);
    });
}

void Instance::on_request(const JsonRpcMessage& message, const Slice& text,
                          uint64_t exchange) {
    if (carrier_->overloaded()) {
        complaints_.add("it asks more than it reads; its request is dropped");
        return;
    }
    const std::optional<CallHandle> call =
        settings_.relays_questions ? asks_for(exchange) : std::nullopt;
    if (call && message.method == "elicitation/create") {
        urls_.asked(message.params.in(text.view()), session_of(*call));
    }
    questions_.on_request(message, text, call, caps_);
    if (questions_.waiting() && !held_timer_.armed()) {
        held_timer_.arm(kHeldTime);
    }
}

}  // namespace neuron
