// A running server as the model sees it: calls go in, exactly one answer each comes out,
// whatever the server says or does.

#include "neurond/back/instance.h"

#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/input_shapes.h"
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
      voice_(carrier_, hello_, pending_, settings.http),
      questions_(sink, static_cast<OneSession&>(owner),
                 [this](OutQueue&& answer) { voice_.answer(std::move(answer)); }),
      listing_(loop, settings.start_timeout, static_cast<ListingOwner&>(*this)),
      feed_(loop, static_cast<UpdateFeedOwner&>(*this)),
      health_(loop, settings.health, static_cast<HealthUser&>(*this)),
      complaints_(loop, settings.server),
      held_task_(loop, Phase::kSoon, [this] { release_questions(); }),
      held_timer_(loop, [this] { questions_.give_up(state_ != State::kReady); }),
      start_timer_(loop,
                   [this] { start_failed("it was not ready within start_timeout"); }),
      probe_timer_(loop, [this] { greet(discovery_.on_silence()); }),
      pause_timer_(loop, [this] { repeat_paused(); }),
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

// --- calls ---------------------------------------------------------------------------

void Instance::send(Call& call) {
    send_call(call, {});
}

void Instance::send_call(Call& call, std::string_view more) {
    if (pending_.calls() == 0) {
        busy_since_ = loop_.now();
    }
    if (questions_.take_owed_roots()) {
        tell_roots_changed();
    }
    // The level stays until a wish changes: calls that want it tend to come again.
    tell_log_level(more_verbose(log_level_, call.request.log_level));
    voice_.call(call, more);
    if (questions_.waiting()) {
        held_task_.schedule();
    }
}

void Instance::release_questions() {
    if (const auto call = pending_.call_of(kAnyExchange, loop_.now()); call) {
        questions_.release(*call);
    }
}

void Instance::cancel(const Call& call, CancelReason reason) {
    if (state_ != State::kEnding) {
        questions_.close(call.handle);
    }
    repeats_.erase(call.handle);
    const auto entry = pending_.take(call.leg_id);
    if (!entry || state_ == State::kEnding) {
        return;
    }
    voice_.cancel(call.leg_id, reason == CancelReason::kTimeout
                                   ? "timed out"
                                   : "cancelled by the client");
    abandon(entry->party);
    owner_.on_instance_room();
}

/// What the server says before it hears of that must not be taken to mean another call.
/// (A legacy HTTP server may do so on its GET stream; there the barrier is in order only
/// as far as the server takes its requests in order.)
void Instance::abandon(const std::string& party) {
    const bool speaks = settings_.relays_questions || hello_.caps.logging;
    const bool one_pipe = !settings_.http || is_legacy(hello_.revision);
    const TimePoint now = loop_.now();
    if (speaks && one_pipe && !owner_.serves_one_party() &&
        pending_.abandoned().add(party, now, now + settings_.health.timeout)) {
        send_barrier();
    }
}

void Instance::send_barrier() {
    AbandonedCalls& abandoned = pending_.abandoned();
    if (const uint64_t unanswered = abandoned.barrier(); unanswered != 0) {
        pending_.erase(unanswered);
        carrier_->forget(unanswered);
    }
    abandoned.sent(is_legacy(hello_.revision)
                       ? voice_.request(Pending::kBarrier, "ping", write_ping)
                       : voice_.request(Pending::kBarrier, "server/discover",
                                        write_discover));
}

void Instance::on_barrier_passed() {
    const TimePoint now = loop_.now();
    if (pending_.abandoned().passed(now, now + settings_.health.timeout) &&
        state_ != State::kEnding) {
        send_barrier();
    }
}

void Instance::reply(Call& call, const InputReply& reply) {
    if (!repeats_.has(call.handle)) {
        reply_outside(reply);
        return;
    }
    if (reply.is_progress()) {
        return;  // the server does not wait
    }
    const RepeatedCalls::Step step = repeats_.add(call.handle, reply);
    if (step.kind == RepeatedCalls::Step::Kind::kRepeat) {
        send_call(call, step.text);
    } else if (step.kind == RepeatedCalls::Step::Kind::kFail) {
        answer(call.handle,
               gave_up(call.request.kind, own_error(step.text, "unavailable")),
               CallOutcome::kAnswered);
    }
}

void Instance::on_away(const Call& call, bool away) {
    pending_.set_away(call.leg_id, away);
    carrier_->set_aside(call.leg_id, away);
    if (away) {
        owner_.on_instance_room();
    }
}

/// Of all there is to say to a server that does not read, progress may be dropped.
void Instance::reply_outside(const InputReply& reply) {
    if (!reply.is_progress() || !carrier_->congested()) {
        questions_.reply(reply);
    }
}

void Instance::tell_roots_changed() {
    if (is_legacy(hello_.revision) && caps_.has(ClientCaps::kRootsListChanged)) {
        voice_.roots_changed();
    }
}

/// A level once told cannot be taken back, only made as rare as can be.
void Instance::set_log_level(std::optional<MessageLevel> level) {
    pending_.for_each_call([&](CallHandle handle) {
        const Call* call = owner_.find_call(handle);
        level = more_verbose(level, call != nullptr ? call->request.log_level
                                                    : std::nullopt);
    });
    tell_log_level(level || !log_level_ ? level : MessageLevel::kEmergency);
}

void Instance::tell_log_level(std::optional<MessageLevel> level) {
    if (!hello_.caps.logging || !is_legacy(hello_.revision) || level == log_level_) {
        return;
    }
    log_level_ = level;
    voice_.request(Pending::kLevel, "logging/setLevel",
                   [level](OutQueue& out, uint64_t id) {
                       write_set_level(out, id, *level);
                   });
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
    std::vector<CallHandle> calls = pending_.take_calls();
    const std::vector<CallHandle> asked = repeats_.take_all();
    calls.insert(calls.end(), asked.begin(), asked.end());
    calls.insert(calls.end(), outdated_.begin(), outdated_.end());
    outdated_.clear();
    questions_.clear();
    for (const CallHandle call : calls) {
        owner_.on_call_done(call, outcome);
        sink_.on_answer(call, Answer::failure(own_error(why, type)));
    }
}

// --- greeting and list ---------------------------------------------------------------

void Instance::greet(Discovery::Step step) {
    if (state_ != State::kGreeting) {
        return;
    }
    probe_timer_.cancel();
    switch (step) {
        case Discovery::Step::kDiscover:
            hello_.revision = Revision::k20260728;
            greeting_ =
                voice_.request(Pending::kGreeting, "server/discover", write_discover);
            if (!settings_.http) {
                probe_timer_.arm(kProbeTimeout);
            }
            break;
        case Discovery::Step::kInitialize:
            hello_.revision = Revision::k20251125;
            pending_.erase(greeting_);  // a late answer to the probe is none to this
            voice_.request(
                Pending::kGreeting, "initialize",
                [this](OutQueue& out, uint64_t id) { write_initialize(out, id, caps_); });
            break;
        case Discovery::Step::kReady:
            greeted();
            break;
        case Discovery::Step::kRestart:  // only ever said at the end of the process
            break;
        case Discovery::Step::kFailed:
            start_failed(discovery_.why());
            break;
    }
}

void Instance::greeted() {
    hello_ = discovery_.hello();
    if (is_legacy(hello_.revision)) {
        voice_.initialized();
    }
    state_ = State::kListing;
    listing_.begin(hello_);
}

uint64_t Instance::ask_for_page(ItemKind kind,
                                const std::optional<std::string>& cursor) {
    return voice_.request(Pending::kList, words_of(kind).method,
                          [&](OutQueue& out, uint64_t id) {
                              leg_of(hello_.revision).write_list(out, id, kind, cursor);
                          });
}

uint64_t Instance::send_subscribe(const std::string& uri, bool subscribe) {
    const char* const method = subscribe ? "resources/subscribe" : "resources/unsubscribe";
    return voice_.request(Pending::kFeed, method, [&](OutQueue& out, uint64_t id) {
        write_request(out, std::to_string(id), method,
                      "{\"uri\":" + json_quote(uri) + "}");
    });
}

uint64_t Instance::send_listen(const std::set<std::string>& uris) {
    return voice_.request(
        Pending::kFeed, "subscriptions/listen",
        [&uris](OutQueue& out, uint64_t id) { write_listen(out, id, uris); });
}

/// A server that announces no changes is not asked for its lists for nothing.
void Instance::on_notices_missed() {
    if (hello_.caps.list_changed || !feed_.wanted().empty()) {
        on_updates_missed();
    }
}

void Instance::on_updates_missed() {
    listing_.relist_all();
    for (const std::string& uri : feed_.wanted()) {
        owner_.on_resource_updated(uri);
    }
}

/// Over HTTP the end of the exchange says it; a notification is not even sent.
void Instance::end_listen(uint64_t id) {
    voice_.cancel(id, "another listen has taken its place");
}

void Instance::on_list_complete(std::shared_ptr<Offer> offer) {
    bool renewed = false;
    if (state_ == State::kListing) {
        state_ = State::kReady;
        renewed = std::exchange(renewing_, false);
        start_timer_.cancel();
        feed_.begin(hello_);
        health_.begin(!is_legacy(hello_.revision));
    }
    if (settings_.http && !is_legacy(hello_.revision)) {
        drop_faulty_tools(*offer);
    }
    for (const std::string& problem : offer->problems) {
        log_warn("supervisor", "%s: %s", settings_.server.c_str(), problem.c_str());
    }
    const std::shared_ptr<const Offer> listed = offer;
    owner_.on_listed(std::move(offer));
    repeat_outdated(*listed);
    for (const std::string& uri : feed_.wanted()) {
        if (renewed) {  // the session that could tell of it was lost
            owner_.on_resource_updated(uri);
        }
    }
}

// --- whether it lives ----------------------------------------------------------------

uint64_t Instance::ask(HealthCheck::Question question) {
    return voice_.request(question, [&](OutQueue& out, uint64_t id) {
        return write_question(out, id, question, hello_.revision);
    });
}

void Instance::forget_question(uint64_t id) {
    if (pending_.take(id)) {
        carrier_->forget(id);
        forgotten_ = id;
    }
}

/// Each call has its own deadline, which takes care of a server that hangs in one.
TimePoint Instance::patience() const {
    return pending_.calls() == 0 ? loop_.now()
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
