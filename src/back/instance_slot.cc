// One instance after another in the same place. Callers see a server that is there, that
// will be there in a moment, or one clear reason why it is not.

#include "neurond/back/instance_slot.h"

#include <algorithm>

#include "neurond/base/log.h"
#include "neurond/base/secrets.h"
#include "neurond/mcp/session_questions.h"

namespace neuron {

namespace {

std::string place_of(const DownstreamSettings& settings) {
    return settings.transport == Transport::kStdio
               ? settings.command.path
               : settings.http.url.scheme + "://" + authority_of(settings.http.url) +
                     settings.http.url.path_and_query;
}

}  // namespace

InstanceSlot::InstanceSlot(SlotContext& context, SlotOwner& owner, unsigned number,
                           ClientCaps caps, std::string session)
    : context_(context),
      owner_(owner),
      number_(number),
      label_(context.settings.name + (number == 0 ? "" : "#" + std::to_string(number))),
      caps_(caps),
      session_(std::move(session)),
      discovery_(context.discovery),
      life_(context.settings.upkeep.life),
      last_used_(context.loop.now()),
      retry_(context.loop, [this] { launch(); }) {}

InstanceSlot::~InstanceSlot() = default;

/// Every change of state is logged with its reason; ends are logged by upkeep.
void InstanceSlot::tell(const std::string& why) const {
    log_info("supervisor", "%s: %s (%s)", label_.c_str(), to_string(state()),
             why.c_str());
}

void InstanceSlot::start() {
    if (state() != LifeState::kConfigured || life_.alive()) {
        return;
    }
    if (!context_.settings.enabled) {
        life_.disable("enabled = no");
        tell(life_.reason());
        owner_.on_slot_down(*this);
        return;
    }
    launch();
}

/// While the circuit is open there is one start in all, after the cool-down.
bool InstanceSlot::admitted() {
    constexpr Millis kLookAgain{100};  // somebody else's probe is under way
    Breaker& breaker = context_.upkeep.breaker();
    switch (breaker.admit(context_.loop.now())) {
        case Breaker::Admission::kYes:
            return true;
        case Breaker::Admission::kProbe:
            probing_ = true;
            return true;
        case Breaker::Admission::kNo:
            break;
    }
    retry_.arm(std::max(breaker.retry_after(context_.loop.now()), kLookAgain));
    return false;
}

void InstanceSlot::want_updates(const std::set<std::string>& uris) {
    wanted_ = uris;
    if (instance_) {
        instance_->want_updates(wanted_);
    } else if (!wanted_.empty() && offer_ && state() == LifeState::kConfigured) {
        launch();  // it rests, and could not tell
    }
}

void InstanceSlot::launch() {
    if (!life_.alive() && !admitted()) {
        return;
    }
    asleep_ = false;
    last_used_ = context_.loop.now();
    life_.start(context_.loop.now());
    tell(place_of(context_.settings));
    instance_ = std::make_unique<Instance>(
        context_.loop, context_.instance,
        [this](CarrierOwner& owner) { return context_.carrier(owner, tail_); },
        discovery_, caps_, static_cast<CallSink&>(context_.router),
        static_cast<InstanceOwner&>(*this));
    instance_->want_updates(wanted_);
    if (Status started = instance_->start(); !started) {
        instance_.reset();
        finish(Upkeep::not_started(started.error()));
    }
}

void InstanceSlot::launch_anew() {
    restarting_ = false;
    life_.reset();
    launch();
}

void InstanceSlot::on_listed(std::shared_ptr<const Offer> offer) {
    offer_ = context_.offers.share(std::move(offer));
    last_used_ = context_.loop.now();
    if (state() == LifeState::kStarting) {
        life_.listed(context_.loop.now());
        tell(std::to_string(offer_->tools().size()) + " tools, " +
             std::to_string(uptime().count()) + " ms");
        last_error_.clear();
        context_.discovery = discovery_;
        if (std::exchange(probing_, false)) {
            owner_.on_probe_passed();
        }
        for (const std::string& uri : wanted_) {
            if (served_) {  // by another, and nobody could tell in between
                owner_.on_slot_updated(*this, uri);
            }
        }
        served_ = true;
    }
    update_log_level();
    owner_.on_slot_listed(*this);
    owner_.on_slot_room();
}

void InstanceSlot::on_health(bool well, const std::string& why) {
    const LifeState before = state();
    well ? life_.ping_answered() : life_.ping_failed(why);
    if (state() != before) {
        tell(well ? "it answers again" : why);
    }
    if (!well) {
        owner_.on_ping_missed();
    }
}

void InstanceSlot::on_instance_end(const Ending& ending, bool again) {
    context_.loop.retire(std::move(instance_));
    if (asleep_ && is_serving(state())) {
        rested();
        return;
    }
    asleep_ = false;
    offer_ = nullptr;
    if (again && state() == LifeState::kStarting) {
        log_info("supervisor", "%s: ended when probed; starting it as a legacy server",
                 label_.c_str());
        retry_.arm(Millis{0});
        return;
    }
    if (restarting_) {
        context_.upkeep.ended(life_, {EndCause::kAsked, ending.status, ending.why},
                              context_.loop.now());
        launch_anew();
        return;
    }
    finish(ending);
}

void InstanceSlot::begin_asleep(std::shared_ptr<const Offer> offer) {
    offer_ = std::move(offer);
    asleep_ = true;
    tell("it is started by the first call");
}

void InstanceSlot::rest(const std::string& why) {
    if (is_serving(state()) && instance_ && !restarting_ && !asleep_) {
        log_info("supervisor", "%s: is stopped (%s)", label_.c_str(), why.c_str());
        asleep_ = true;
        instance_->stop("is being stopped");
    }
}

/// Calls may have come while it was ending.
void InstanceSlot::rested() {
    life_.rested(context_.loop.now());
    tell(life_.reason());
    if (!queue_.empty() || !wanted_.empty()) {
        launch();
    }
}

/// This life is over, or was none; the lifecycle says what comes next.
void InstanceSlot::finish(const Ending& ending) {
    const TimePoint now = context_.loop.now();
    const bool asked = state() == LifeState::kStopped || state() == LifeState::kDisabled;
    if (std::exchange(probing_, false) && asked) {
        context_.upkeep.breaker().on_probe_dropped(now);
    }
    if (state() == LifeState::kStopped) {
        owner_.on_slot_stopped(*this);
        return;
    }
    const bool served = is_serving(state());
    const NextStep next = context_.upkeep.ended(life_, ending, now);
    last_error_ = asked ? std::string() : mask_secrets(ending.why);
    if (next.what == NextStep::What::kStart) {
        retry_.arm(next.delay);
    }
    // Calls it was not given wait for the next one, if that comes soon.
    if (!served || state() != LifeState::kRestarting) {
        fail_queue(unavailable());
    }
    owner_.on_slot_down(*this);
}

void InstanceSlot::stop(const std::string& why) {
    if (state() == LifeState::kStopped) {
        return;
    }
    retry_.cancel();
    restarting_ = asleep_ = false;
    life_.stop();
    tell(why);
    fail_queue(unavailable());
    if (instance_) {
        instance_->stop("is being stopped");
    } else {
        owner_.on_slot_stopped(*this);
    }
}

void InstanceSlot::disable() {
    if (state() == LifeState::kStopped || state() == LifeState::kDisabled) {
        return;
    }
    retry_.cancel();
    restarting_ = asleep_ = false;
    life_.disable("an operator asked");
    tell(life_.reason());
    last_error_.clear();
    fail_queue(unavailable());
    if (instance_) {
        instance_->stop("is disabled");
    } else {
        owner_.on_slot_down(*this);
    }
}

void InstanceSlot::restart() {
    if (state() == LifeState::kStopped) {
        return;
    }
    retry_.cancel();
    if (!instance_) {
        launch_anew();
        return;
    }
    restarting_ = true;
    life_.begin_restart("an operator asked");
    tell(life_.reason());
    instance_->stop("is being restarted");
}

void InstanceSlot::on_circuit_opened(const std::string& why) {
    const LifeState before = state();
    life_.circuit_opened(why);
    if (state() != before) {
        tell(why);
        fail_queue(unavailable());
    }
}

void InstanceSlot::on_circuit_closed() {
    if (state() != LifeState::kOpen) {
        return;
    }
    if (life_.alive()) {
        life_.circuit_closed();
        tell("the circuit is closed");
        owner_.on_slot_room();
    } else {
        retry_.arm(Millis{0});
    }
}

Millis InstanceSlot::next_start() const noexcept {
    if (!retry_.armed()) {
        return Millis{0};
    }
    return std::max(Millis{0}, std::chrono::ceil<Millis>(retry_.deadline() -
                                                         context_.loop.now()));
}

void InstanceSlot::kill() {
    if (instance_) {
        instance_->kill();
    }
}

const ServerHello* InstanceSlot::hello() const noexcept {
    return offer_ != nullptr && instance_ && state() != LifeState::kStarting
               ? &instance_->hello()
               : nullptr;
}

OwnError InstanceSlot::unavailable() const {
    const std::string& name = context_.settings.name;
    const std::string begin = "Downstream '" + name + "' is not available: ";
    if (const Breaker& breaker = context_.upkeep.breaker();
        breaker.state() != Breaker::State::kClosed) {
        const int seconds = whole_seconds(breaker.retry_after(context_.loop.now()));
        return {JsonRpcError::kInternal,
                begin + "circuit open, retry in " + std::to_string(seconds) + " s",
                "circuit_open", name, seconds};
    }
    const std::string& why = last_error_.empty() ? life_.reason() : last_error_;
    return {JsonRpcError::kInternal,
            begin + to_string(state()) + (why.empty() ? "" : ": " + why),
            "unavailable",
            name,
            {}};
}

// --- calls ---------------------------------------------------------------------------

bool InstanceSlot::takes_calls() const noexcept {
    return state() == LifeState::kStarting || asleep_ || restarting_ ||
           (is_serving(state()) && answers());
}

bool InstanceSlot::can_send() const {
    return instance_ && instance_->ready() && !instance_->congested() &&
           owner_.may_send();
}

void InstanceSlot::take(Call& call) {
    last_used_ = context_.loop.now();
    call.instance = number_;
    if (sends_now()) {
        instance_->send(call);
    } else {
        queue_.push_back(call.handle);
        if (asleep_ && !instance_) {
            launch();
        }
    }
}

void InstanceSlot::on_instance_room() {
    last_used_ = context_.loop.now();
    owner_.on_slot_room();
}

void InstanceSlot::cancel(Call& call, CancelReason reason) {
    if (call.stage == Call::Stage::kSent) {
        if (instance_) {
            instance_->cancel(call, reason);
        }
        return;
    }
    const auto found = std::find(queue_.begin(), queue_.end(), call.handle);
    if (found != queue_.end()) {
        queue_.erase(found);
    }
}

void InstanceSlot::reply(Call& call, const InputReply& reply) {
    if (instance_) {
        instance_->reply(call, reply);
    }
}

void InstanceSlot::on_away(Call& call, bool away) {
    if (instance_) {
        instance_->on_away(call, away);
    }
}

// --- questions of no call --------------------------------------------------------------

bool InstanceSlot::ask_session(const Question& question) {
    SessionClients* sessions = context_.router.parties().sessions;
    return !session_.empty() && sessions != nullptr &&
           sessions->ask_outside({session_, context_.self, number_, question});
}

std::optional<Question> InstanceSlot::reclaim_from_session(const std::string& key) {
    SessionClients* sessions = context_.router.parties().sessions;
    return sessions != nullptr
               ? sessions->reclaim_outside(session_, context_.self, number_, key)
               : std::nullopt;
}

void InstanceSlot::withdraw_from_session(const std::string& key) {
    if (SessionClients* sessions = context_.router.parties().sessions;
        sessions != nullptr) {
        sessions->withdraw_outside(session_, context_.self, number_, key);
    }
}

void InstanceSlot::tell_session(const std::string& party, const char* method,
                                const Slice& params) {
    SessionClients* sessions = context_.router.parties().sessions;
    if (sessions != nullptr && !party.empty()) {
        sessions->tell(party, method, params);
    }
}

void InstanceSlot::on_url_complete(const std::string& party, const Slice& params) {
    tell_session(party.empty() ? session_ : party, "notifications/elicitation/complete",
                 params);
}

bool InstanceSlot::on_server_message(const Notice& notice) {
    if (wants(context_.router.wanted_level(session_), notice.level)) {
        tell_session(session_, "notifications/message", notice.params);
    }
    return !session_.empty();
}

void InstanceSlot::reply_outside(const InputReply& reply) {
    if (instance_) {
        instance_->reply_outside(reply);
    }
}

void InstanceSlot::tell_roots_changed() {
    if (instance_ && instance_->ready()) {
        instance_->tell_roots_changed();
    }
}

void InstanceSlot::update_log_level() {
    if (instance_ && instance_->ready()) {
        instance_->set_log_level(context_.router.wanted_level());
    }
}

bool InstanceSlot::requeue(CallHandle handle) {
    Call* call = context_.router.find_call(handle);
    if (call == nullptr) {
        return true;  // nobody waits for it any more
    }
    if (std::exchange(call->repeated, true)) {
        return false;
    }
    call->stage = Call::Stage::kQueued;
    queue_.push_front(handle);
    return true;
}

void InstanceSlot::pump() {
    while (!queue_.empty() && can_send()) {
        Call* call = context_.router.find_call(queue_.front());
        queue_.pop_front();
        if (call != nullptr) {
            instance_->send(*call);
        }
    }
}

void InstanceSlot::fail_queue(const OwnError& error) {
    for (const CallHandle call : queue_) {
        context_.refusals.fail(call, error);
    }
    queue_.clear();
}

}  // namespace neuron
