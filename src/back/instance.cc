// A running server as the model sees it: calls go in, exactly one answer each comes out,
// whatever the server says or does.

#include "neurond/back/instance.h"

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/leg_legacy.h"
#include "neurond/mcp/leg_modern.h"
#include "neurond/mcp/param_headers.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr Millis kProbeTimeout{3000};      ///< for server/discover on a stdio server
constexpr Millis kClosedOutputGrace{200};  ///< an exit status usually follows at once

}  // namespace

Instance::Instance(EventLoop& loop, const InstanceSettings& settings,
                   const MakeCarrier& carrier, Discovery& discovery, ClientCaps caps,
                   CallSink& sink, InstanceOwner& owner)
    : loop_(loop),
      settings_(settings),
      discovery_(discovery),
      caps_(caps),
      sink_(sink),
      owner_(owner),
      listing_(loop, settings.start_timeout, static_cast<ListingOwner&>(*this)),
      feed_(loop, static_cast<UpdateFeedOwner&>(*this)),
      complaints_(kStderrLogLinesPerSecond),
      start_timer_(loop,
                   [this] { start_failed("it was not ready within start_timeout"); }),
      probe_timer_(loop, [this] { greet(discovery_.on_silence()); }),
      closed_timer_(loop, [this] { answer_all("closed its output", "crash"); }),
      carrier_(carrier(*this)) {}

Instance::~Instance() = default;

Status Instance::start() {
    if (Status started = carrier_->start(); !started) {
        return started;
    }
    start_timer_.arm(settings_.start_timeout);
    greet(discovery_.begin());
    return Ok{};
}

void Instance::stop(const std::string& why) {
    if (state_ == State::kEnding) {
        return;
    }
    state_ = State::kEnding;
    failure_ = why;
    start_timer_.cancel();
    probe_timer_.cancel();
    listing_.stop();
    feed_.stop();
    answer_all(why, "unavailable");
    carrier_->stop();
}

void Instance::start_failed(const std::string& why) {
    log_warn("supervisor", "%s: start failed: %s", settings_.server.c_str(),
             why.c_str());
    stop(why);
}

uint64_t Instance::new_request(Pending kind, CallHandle call) {
    const uint64_t id = next_id_++;
    pending_.emplace(id, Entry{kind, call, sessions_});
    calls_ += kind == Pending::kCall ? 1 : 0;
    return id;
}

void Instance::transmit(OutQueue&& message, Outgoing about) {
    about.revision = hello_.revision;
    carrier_->send(std::move(message), about);
}

// --- calls ---------------------------------------------------------------------------

void Instance::send(Call& call) {
    call.leg_id = new_request(Pending::kCall, call.handle);
    call.stage = Call::Stage::kSent;
    call.sent = monotonic_now();
    call.server = hello_.revision;
    OutQueue message;
    leg_of(hello_.revision).write_call(message, call.leg_id, call);
    Outgoing about;
    about.id = call.leg_id;
    about.method = call.request.method;
    if (call.request.kind <= CallKind::kResource) {
        about.name = call.entry->own_name;
    }
    const auto fields = fields_of(call);
    about.fields = &fields;
    transmit(std::move(message), about);
}

void Instance::cancel(const Call& call, CancelReason reason) {
    Entry entry{};
    if (!take_entry(call.leg_id, entry) || state_ == State::kEnding) {
        return;
    }
    carrier_->forget(call.leg_id);
    OutQueue message;
    write_cancelled(
        message, call.leg_id,
        reason == CancelReason::kTimeout ? "timed out" : "cancelled by the client");
    Outgoing about;
    about.kind = Outgoing::Kind::kNotification;
    about.method = "notifications/cancelled";
    transmit(std::move(message), about);
    owner_.on_instance_room();
}

/// Forwarded header fields of the client, and what the modern revision repeats.
std::vector<std::pair<std::string, std::string>> Instance::fields_of(
    const Call& call) const {
    auto fields = call.request.headers;
    if (settings_.http && !is_legacy(hello_.revision)) {
        const JsonView arguments(call.request.arguments.in(call.request.text.view()));
        for (auto& field : param_headers(*call.entry, arguments)) {
            fields.push_back(std::move(field));
        }
    }
    return fields;
}

bool Instance::take_entry(uint64_t id, Entry& entry) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) {
        return false;
    }
    entry = found->second;
    pending_.erase(found);
    calls_ -= entry.kind == Pending::kCall ? 1 : 0;
    return true;
}

OwnError Instance::own_error(std::string message, const char* type) const {
    return {JsonRpcError::kInternal,
            "Downstream '" + settings_.server + "' " + std::move(message),
            type,
            settings_.server,
            {}};
}

void Instance::answer(CallHandle call, const Answer& answer) {
    sink_.on_answer(call, answer);
    owner_.on_instance_room();
}

void Instance::answer_all(const std::string& why, const char* type) {
    std::unordered_map<uint64_t, Entry> pending;
    pending.swap(pending_);
    calls_ = 0;
    for (const auto& [id, entry] : pending) {
        if (entry.kind == Pending::kCall) {
            sink_.on_answer(entry.call, Answer::failure(own_error(why, type)));
        }
    }
}

// --- what the server says ------------------------------------------------------------

void Instance::on_message(const JsonScanner& scan, const Slice& text) {
    const JsonRpcMessage message = classify(scan, text.view());
    switch (message.kind) {
        case JsonRpcMessage::Kind::kResult:
        case JsonRpcMessage::Kind::kError:
            on_answer(message, text);
            break;
        case JsonRpcMessage::Kind::kNotification:
            on_notification(message, scan, text);
            break;
        case JsonRpcMessage::Kind::kRequest:
            on_request(message, text.view());
            break;
        case JsonRpcMessage::Kind::kInvalid:
            // With a method it is a request of the server's own, whose ids are not ours.
            on_bad_answer(scan.envelope().method.empty() ? message.id.in(text.view())
                                                         : std::string_view(),
                          "sent an invalid message: " + message.reason);
            break;
    }
}

void Instance::on_answer(const JsonRpcMessage& message, const Slice& text) {
    const std::string_view id_raw = message.id.in(text.view());
    const std::optional<uint64_t> id = read_leg_id(id_raw);
    Entry entry{};
    if (!id || !take_entry(*id, entry)) {
        complain("it sent an answer nobody waits for, id " + escape(id_raw, 64));
        return;
    }
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
        case Pending::kCall:
            answer(entry.call, is_result ? Answer::result(body) : Answer::error(body));
            break;
        case Pending::kFeed:
            feed_.on_over(*id, !is_result);
            break;
    }
}

/// What is wrong with a server goes to the log, at a rate it cannot set.
void Instance::complain(const std::string& what) {
    if (!complaints_.allow(loop_.now())) {
        return;
    }
    const uint64_t withheld = complaints_.take_withheld();
    const std::string more =
        withheld == 0 ? "" : " (and " + std::to_string(withheld) + " lines like this)";
    log_warn("supervisor", "%s: %s%s", settings_.server.c_str(), what.c_str(),
             more.c_str());
}

/// A message that breaks the rules still ends the call it was meant for.
void Instance::on_bad_answer(std::string_view id_raw, const std::string& what) {
    complain("it " + what);
    const std::optional<uint64_t> id = read_leg_id(id_raw);
    Entry entry{};
    if (id && take_entry(*id, entry)) {
        fail_entry(*id, entry, what);
    }
}

void Instance::fail_entry(uint64_t id, const Entry& entry, const std::string& what) {
    switch (entry.kind) {
        case Pending::kCall:
            answer(entry.call, Answer::failure(own_error(what, "protocol")));
            break;
        case Pending::kGreeting:
            start_failed("it " + what);
            break;
        case Pending::kList:
            listing_.on_refused(id, "it " + what);
            break;
        case Pending::kFeed:
            feed_.on_over(id, false);
            break;
    }
}

void Instance::on_garbage(const JsonScanner& scan, std::string_view head,
                          std::string_view id_raw) {
    on_bad_answer(id_raw, "sent a line that is not JSON (" + scan.message() +
                              "): " + escape(head, 128));
}

void Instance::on_oversized(std::string_view id_raw) {
    on_bad_answer(id_raw, "sent a message over limits.message_max");
}

void Instance::on_request_failed(uint64_t id, const RequestFailure& failure) {
    Entry entry{};
    if (!take_entry(id, entry)) {
        return;
    }
    if (entry.kind == Pending::kGreeting) {
        greet(discovery_.on_status(failure.status, failure.why));
    } else if (failure.kind == RequestFailure::Kind::kSessionExpired) {
        expired(entry);
    } else if (entry.kind == Pending::kCall) {
        answer(entry.call, Answer::failure(own_error("failed: " + failure.why,
                                                     error_type(failure.kind))));
    } else if (entry.kind == Pending::kList) {
        listing_.on_refused(id, failure.why);
    } else {
        feed_.on_over(id, false);
    }
}

/// What the server refused because it knows no such session, it has not executed.
void Instance::expired(const Entry& entry) {
    if (entry.kind == Pending::kCall && !owner_.requeue(entry.call)) {
        answer(entry.call,
               Answer::failure(own_error("has lost its session twice", "unavailable")));
    } else if (entry.kind == Pending::kList && state_ == State::kListing) {
        start_failed("it has lost its session at once");
    }
    if (entry.session == sessions_) {
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
    ++sessions_;
    renewing_ = true;
    listing_.stop();
    feed_.stop();
    state_ = State::kGreeting;
    start_timer_.arm(settings_.start_timeout);
    greet(discovery_.begin());
}

void Instance::on_notification(const JsonRpcMessage& message, const JsonScanner& scan,
                               const Slice& text) {
    if (message.method != "notifications/progress") {
        if (state_ == State::kListing || state_ == State::kReady) {
            listing_.on_notification(message.method);
        }
        if (message.method == "notifications/subscriptions/acknowledged") {
            feed_.on_acknowledged(read_acknowledged(scan, text.view()).value_or(0));
        }
        return;  // of all others nothing links them to a call
    }
    const auto token = read_progress(scan, text.view());
    const auto found = token ? pending_.find(token->id) : pending_.end();
    if (found == pending_.end() || found->second.kind != Pending::kCall) {
        return;
    }
    const size_t base = message.params.begin;
    sink_.on_notice(found->second.call,
                    {text.part(message.params.in(text.view())),
                     {token->where.begin - base, token->where.end - base}});
}

/// No client's capability was promised to a shared server: only pings are answered.
void Instance::on_request(const JsonRpcMessage& message, std::string_view text) {
    if (congested()) {
        complain("it asks more than it reads; its request is dropped");
        return;
    }
    OutQueue reply;
    const std::string_view id_raw = message.id.in(text);
    if (message.method == "ping") {
        write_result(reply, id_raw, Slice({}, "{}"));
    } else {
        write_error(reply, id_raw, JsonRpcError::kMethodNotFound,
                    "neurond declared no capability for this request");
    }
    Outgoing about;
    about.kind = Outgoing::Kind::kAnswer;
    transmit(std::move(reply), about);
}

// --- greeting and list ---------------------------------------------------------------

void Instance::greet(Discovery::Step step) {
    if (state_ != State::kGreeting) {
        return;
    }
    probe_timer_.cancel();
    OutQueue message;
    Outgoing about;
    switch (step) {
        case Discovery::Step::kDiscover:
            hello_.revision = Revision::k20260728;
            about.id = new_request(Pending::kGreeting, {});
            about.method = "server/discover";
            write_discover(message, about.id);
            if (!settings_.http) {
                probe_timer_.arm(kProbeTimeout);
            }
            break;
        case Discovery::Step::kInitialize:
            hello_.revision = Revision::k20251125;
            about.id = new_request(Pending::kGreeting, {});
            about.method = "initialize";
            write_initialize(message, about.id, caps_);
            break;
        case Discovery::Step::kReady:
            greeted();
            return;
        case Discovery::Step::kRestart:  // only ever said at the end of the process
            return;
        case Discovery::Step::kFailed:
            start_failed(discovery_.why());
            return;
    }
    transmit(std::move(message), about);
}

void Instance::greeted() {
    hello_ = discovery_.hello();
    if (is_legacy(hello_.revision)) {
        OutQueue message;
        write_initialized(message);
        Outgoing about;
        about.kind = Outgoing::Kind::kNotification;
        about.method = "notifications/initialized";
        transmit(std::move(message), about);
    }
    state_ = State::kListing;
    listing_.begin(hello_);
}

uint64_t Instance::ask_for_page(ItemKind kind,
                                const std::optional<std::string>& cursor) {
    OutQueue message;
    Outgoing about;
    about.id = new_request(Pending::kList, {});
    about.method = words_of(kind).method;
    leg_of(hello_.revision).write_list(message, about.id, kind, cursor);
    transmit(std::move(message), about);
    return about.id;
}

void Instance::send_subscribe(const std::string& uri, bool subscribe) {
    OutQueue message;
    Outgoing about;
    about.id = new_request(Pending::kFeed, {});
    about.method = subscribe ? "resources/subscribe" : "resources/unsubscribe";
    write_request(message, std::to_string(about.id), about.method,
                  "{\"uri\":" + json_quote(uri) + "}");
    transmit(std::move(message), about);
}

uint64_t Instance::send_listen(const std::set<std::string>& uris) {
    OutQueue message;
    Outgoing about;
    about.id = new_request(Pending::kFeed, {});
    about.method = "subscriptions/listen";
    write_listen(message, about.id, uris);
    transmit(std::move(message), about);
    return about.id;
}

/// Over HTTP the end of the exchange says it; a notification is not even sent.
void Instance::end_listen(uint64_t id) {
    pending_.erase(id);
    carrier_->forget(id);
    OutQueue message;
    write_cancelled(message, id, "another listen has taken its place");
    Outgoing about;
    about.kind = Outgoing::Kind::kNotification;
    about.method = "notifications/cancelled";
    transmit(std::move(message), about);
}

void Instance::on_list_complete(std::shared_ptr<Offer> offer) {
    if (state_ == State::kListing) {
        state_ = State::kReady;
        renewing_ = false;
        start_timer_.cancel();
        feed_.begin(hello_);
    }
    for (const std::string& problem : offer->problems) {
        log_warn("supervisor", "%s: %s", settings_.server.c_str(), problem.c_str());
    }
    owner_.on_listed(std::move(offer));
}

// --- the end -------------------------------------------------------------------------

void Instance::on_output_closed() {
    if (state_ != State::kGreeting) {
        state_ = State::kEnding;
        closed_timer_.arm(kClosedOutputGrace);
    }
}

void Instance::on_carrier_end(const std::string& why) {
    const bool again =
        state_ == State::kGreeting && discovery_.on_end() == Discovery::Step::kRestart;
    state_ = State::kEnding;
    answer_all(why, "crash");
    owner_.on_instance_end(failure_.empty() ? why : failure_, again);
}

}  // namespace neuron
