// A running server as the model sees it: calls go in, exactly one answer each comes out,
// whatever the server says or does.

#include "neurond/back/instance.h"

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
      health_(loop, settings.health, static_cast<HealthUser&>(*this)),
      complaints_(loop, settings.server),
      start_timer_(loop,
                   [this] { start_failed("it was not ready within start_timeout"); }),
      probe_timer_(loop, [this] { greet(discovery_.on_silence()); }),
      closed_timer_(loop,
                    [this] {
                        failure_ = "closed its output";
                        cause_ = EndCause::kCrash;
                        answer_all(failure_, "crash", CallOutcome::kCrashed);
                    }),
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
    end(EndCause::kAsked, why);
    answer_all(why, "unavailable", CallOutcome::kVoid);
    carrier_->stop();
}

/// We end it: nothing is begun any more.
void Instance::end(EndCause cause, const std::string& why) {
    state_ = State::kEnding;
    failure_ = why;
    cause_ = cause;
    start_timer_.cancel();
    probe_timer_.cancel();
    listing_.stop();
    feed_.stop();
    health_.stop();
}

void Instance::start_failed(const std::string& why) {
    if (state_ == State::kEnding) {
        return;
    }
    log_warn("supervisor", "%s: start failed: %s", settings_.server.c_str(),
             why.c_str());
    end(unauthorized_ ? EndCause::kBadConfig : EndCause::kNotReady, why);
    answer_all(why, "unavailable", CallOutcome::kCrashed);
    carrier_->stop();
}

uint64_t Instance::new_request(Pending kind, CallHandle call) {
    const uint64_t id = next_id_++;
    pending_.emplace(id, Entry{kind, call, sessions_});
    if (kind == Pending::kCall && calls_++ == 0) {
        busy_since_ = loop_.now();
    }
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
    const auto fields =
        call_headers(call, settings_.http && !is_legacy(hello_.revision));
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

void Instance::answer(CallHandle call, const Answer& answer, CallOutcome outcome) {
    owner_.on_call_done(call, outcome);
    sink_.on_answer(call, answer);
    owner_.on_instance_room();
}

void Instance::answer_all(const std::string& why, const char* type,
                          CallOutcome outcome) {
    std::unordered_map<uint64_t, Entry> pending;
    pending.swap(pending_);
    calls_ = 0;
    for (const auto& [id, entry] : pending) {
        if (entry.kind == Pending::kCall) {
            owner_.on_call_done(entry.call, outcome);
            sink_.on_answer(entry.call, Answer::failure(own_error(why, type)));
        }
    }
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

void Instance::on_updates_missed() {
    listing_.relist_all();
    for (const std::string& uri : feed_.wanted()) {
        owner_.on_resource_updated(uri);
    }
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
        health_.begin(!is_legacy(hello_.revision));
    }
    for (const std::string& problem : offer->problems) {
        log_warn("supervisor", "%s: %s", settings_.server.c_str(), problem.c_str());
    }
    owner_.on_listed(std::move(offer));
}

// --- whether it lives ----------------------------------------------------------------

uint64_t Instance::ask(HealthCheck::Question question) {
    OutQueue message;
    Outgoing about;
    about.id = new_request(Pending::kHealth, {});
    about.method = write_question(message, about.id, question, hello_.revision);
    transmit(std::move(message), about);
    return about.id;
}

void Instance::forget_question(uint64_t id) {
    Entry entry{};
    if (take_entry(id, entry)) {
        carrier_->forget(id);
        forgotten_ = id;
    }
}

/// Each call has its own deadline, which takes care of a server that hangs in one.
TimePoint Instance::patience() const {
    return calls_ == 0 ? loop_.now()
                       : std::max(heard_, busy_since_) + settings_.call_timeout;
}

void Instance::on_verdict(HealthCheck::Verdict verdict, const std::string& why) {
    if (verdict != HealthCheck::Verdict::kHung) {
        owner_.on_health(verdict == HealthCheck::Verdict::kHealthy, why);
        return;
    }
    end(EndCause::kHung, "hangs: " + why);
    answer_all(failure_, "crash", CallOutcome::kCrashed);
    carrier_->kill();
}

// --- the end -------------------------------------------------------------------------

void Instance::on_output_closed() {
    if (state_ != State::kGreeting) {
        state_ = State::kEnding;
        health_.stop();
        closed_timer_.arm(kClosedOutputGrace);
    }
}

void Instance::on_carrier_end(const Ending& ending) {
    const bool again =
        state_ == State::kGreeting && discovery_.on_end() == Discovery::Step::kRestart;
    state_ = State::kEnding;
    health_.stop();
    answer_all(ending.why, "crash", CallOutcome::kCrashed);
    owner_.on_instance_end(
        failure_.empty() ? ending : Ending{cause_, ending.status, failure_}, again);
}

}  // namespace neuron
