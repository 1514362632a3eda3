// The configured thing behind a namespace. It outlives its processes: callers see one
// server, whichever of its instances answers them.

#include "neurond/back/downstream.h"

#include "neurond/back/disabled_list.h"
#include "neurond/back/http_carrier.h"
#include "neurond/back/offer_files.h"
#include "neurond/back/sse_carrier.h"
#include "neurond/base/glob.h"

namespace neuron {

namespace {

/// The old transport is of an old revision, and answers nothing it does not know.
Discovery discovery_for(const DownstreamSettings& settings) {
    return settings.transport == Transport::kSse
               ? Discovery(Protocol::kLegacy, true)
               : Discovery(settings.protocol, settings.transport == Transport::kHttp);
}

CarrierMaker carrier_maker(EventLoop& loop, Children& children, ResolverCache& names,
                           const DownstreamSettings& settings) {
    return [&](CarrierOwner& owner, StderrTail& tail) -> std::unique_ptr<Carrier> {
        switch (settings.transport) {
            case Transport::kStdio:
                break;
            case Transport::kHttp:
                return std::make_unique<HttpCarrier>(loop, names, settings.http, owner);
            case Transport::kSse:
                return std::make_unique<SseCarrier>(loop, names, settings.http, owner);
        }
        return std::make_unique<StdioProcess>(loop, children, tail, settings.command,
                                              owner);
    };
}

}  // namespace

Downstream::Downstream(EventLoop& loop, Children& children, ResolverCache& names,
                       Router& router, DownstreamSettings settings,
                       DownstreamOwner& owner)
    : loop_(loop),
      router_(router),
      settings_(std::move(settings)),
      owner_(owner),
      upkeep_(settings_.upkeep, owner),
      circuit_(upkeep_.breaker()),
      registration_(router.parties().answerers, *this),
      refusals_(loop, static_cast<CallSink&>(router)),
      instances_({loop,
                  router,
                  refusals_,
                  settings_,
                  {settings_.name, settings_.start_timeout,
                   settings_.transport != Transport::kStdio, settings_.upkeep.health,
                   settings_.transport != Transport::kStdio ||
                       settings_.share == Share::kSession,
                   settings_.call_timeout},
                  carrier_maker(loop, children, names, settings_),
                  discovery_for(settings_),
                  upkeep_,
                  offers_,
                  registration_.handle()},
                 static_cast<SlotOwner&>(*this)),
      idle_timer_(loop, [this] { end_idle(); }),
      pump_task_(loop, Phase::kSoon, [this] { instances_.pump(); }),
      tidy_task_(loop, Phase::kSoon, [this] { tidy(); }) {}

Downstream::~Downstream() = default;

void Downstream::start() {
    if (settings_.disabled != nullptr &&
        settings_.disabled->has(name(), settings_.form)) {
        instances_.base().disable();
        return;
    }
    std::shared_ptr<const Offer> known =
        settings_.on_demand && settings_.enabled && settings_.offers != nullptr
            ? settings_.offers->load(name())
            : nullptr;
    if (known == nullptr) {
        instances_.base().start();
        return;
    }
    instances_.base().begin_asleep(std::move(known));
    resolve_first_start();
    owner_.on_offer_changed();
}

void Downstream::start_afresh() {
    instances_.base().start();
}

void Downstream::stop() {
    stopping_ = true;
    instances_.stop("stopping");
}

/// The base instance stands for all: those of somebody in particular are ended, and made
/// again when they are wanted.
void Downstream::obey(ServerOrder order) {
    if (order == ServerOrder::kEnable && state() != LifeState::kDisabled) {
        return;
    }
    if (settings_.disabled != nullptr) {
        settings_.disabled->set(name(), settings_.form, order == ServerOrder::kDisable);
    }
    upkeep_.breaker().close();
    instances_.end_all(order == ServerOrder::kDisable ? "is disabled"
                                                      : "is being restarted");
    forget_own_offers();
    if (order == ServerOrder::kDisable) {
        instances_.base().disable();
    } else {
        instances_.base().restart();
    }
}

std::string Downstream::era() const {
    const ServerHello* hello = instances_.base().hello();
    return hello == nullptr               ? ""
           : is_legacy(hello->revision) ? "legacy"
                                          : "modern";
}

std::string Downstream::revision() const {
    const ServerHello* hello = instances_.base().hello();
    return hello != nullptr ? std::string(to_string(hello->revision)) : std::string();
}

// --- its instances -------------------------------------------------------------------

void Downstream::on_slot_listed(InstanceSlot& slot) {
    end_idle();
    if (slot.number() != 0) {
        own_listed(slot);
    } else {
        last_offer_ = slot.offer();
        resolve_first_start();
        owner_.on_offer_changed();
        if (settings_.on_demand && settings_.offers != nullptr) {
            settings_.offers->save(name(), *slot.offer());
        }
    }
}

void Downstream::on_slot_down(InstanceSlot& slot) {
    if (slot.state() == LifeState::kOpen) {
        on_circuit(Circuit::Change::kOpened, slot.life().reason());
    }
    if (slot.number() == 0) {
        owner_.on_offer_changed();
        resolve_first_start();
    } else {
        owner_.on_own_offer_changed();
    }
}

void Downstream::on_slot_stopped(InstanceSlot&) {
    owner_.on_own_offer_changed();
    tidy_task_.schedule();
}

void Downstream::on_slot_room() {
    if (queued() > 0) {
        pump_task_.schedule();
    }
}

/// How long the base instance may be idle; nothing: for ever. Where everybody has an
/// instance of their own it is only there to learn the list.
std::optional<Millis> Downstream::base_idle() const {
    if (settings_.share == Share::kSession) {
        return settings_.instance_idle;
    }
    return settings_.idle_stop.count() > 0 ? std::optional(settings_.idle_stop)
                                           : std::nullopt;
}

void Downstream::end_idle() {
    const TimePoint now = loop_.now();
    std::optional<TimePoint> next = instances_.end_idle(now, settings_.instance_idle);
    InstanceSlot& base = instances_.base();
    const std::optional<Millis> most = base_idle();
    if (most && is_serving(base.state())) {
        const TimePoint due = (base.idle() ? base.last_used() : now) + *most;
        if (due <= now) {
            base.rest("idle");
        } else if (!next || due < *next) {
            next = due;
        }
    }
    if (next && !stopping_) {
        idle_timer_.arm(std::chrono::ceil<Millis>(*next - now));
    }
}

/// Slots cannot be destroyed while they are still speaking.
void Downstream::tidy() {
    for (const std::string& party : std::exchange(gone_, {})) {
        const std::string key = InstanceKey::of_party(party);
        instances_.end(key, "its session has ended");
        own_.erase(key);
    }
    instances_.sweep();
    if (stopping_ && instances_.all_stopped()) {
        stopping_ = false;
        owner_.on_downstream_stopped(*this);
    }
}

void Downstream::resolve_first_start() {
    if (!std::exchange(resolved_, true)) {
        owner_.on_first_start_resolved();
    }
}

// --- calls ---------------------------------------------------------------------------

OwnError Downstream::busy(const std::string& why) const {
    return {JsonRpcError::kInternal, "Downstream '" + name() + "' is busy: " + why,
            "busy", name(), 1};
}

void Downstream::take(Call& call) {
    const InstanceKey key = key_of(call.request);
    const InstanceSlot& base = instances_.base();
    const bool given_up =
        base.state() == LifeState::kFailed || base.state() == LifeState::kDisabled;
    const bool closed = upkeep_.breaker().state() == Breaker::State::kClosed;
    if (closed ? given_up && instances_.find(key.text) == nullptr
               : !may_probe(call, key)) {
        refusals_.fail(call.handle, base.unavailable());
        return;
    }
    if (!call.request.state.empty() && base.offer() != nullptr &&
        is_legacy(base.offer()->revision)) {
        refusals_.fail(call.handle, {JsonRpcError::kInvalidParams,
                                     "requestState is not one that is valid here",
                                     {}, {}, {}});
        return;  // such servers make none, and ours would have been known
    }
    InstanceSlot* slot = obtain(key);
    if (slot == nullptr) {
        refusals_.fail(call.handle,
                       busy("all of its max_instances have work; try again later"));
    } else if (closed ? !slot->takes_calls()
                      : !slot->takes_calls() && !slot->answers()) {
        refusals_.fail(call.handle, slot->unavailable());
    } else if (queued() >= settings_.queue) {
        refusals_.fail(call.handle, busy("its queue is full"));
    } else {
        slot->take(call);
    }
}

/// Later: it is said while a session is being taken apart.
void Downstream::forget_party(const std::string& party) {
    if (settings_.share == Share::kSession) {
        gone_.push_back(party);
        tidy_task_.schedule();
    }
}

/// While the circuit is open one call is let through after the cool-down, to a server that
/// is there, or to one that is started for it.
bool Downstream::may_probe(const Call& call, const InstanceKey& key) {
    const InstanceSlot* slot = instances_.find(key.text);
    if (slot != nullptr) {
        return slot->answers() && circuit_.admit(call.handle, loop_.now());
    }
    return upkeep_.breaker().state() == Breaker::State::kOpen &&
           upkeep_.breaker().retry_after(loop_.now()) == Millis{0};
}

void Downstream::cancel(Call& call, CancelReason reason) {
    const bool sent = call.stage == Call::Stage::kSent;
    const bool timed_out = reason == CancelReason::kTimeout && sent;
    const TimePoint when = sent ? call.sent : loop_.now();
    instances_.for_each([&](InstanceSlot& slot) {
        if (slot.number() == call.instance) {
            slot.cancel(call, reason);
        }
    });
    on_circuit(circuit_.on_outcome(call.handle,
                                   timed_out ? CallOutcome::kTimeout
                                             : CallOutcome::kVoid,
                                   when, loop_.now()),
               "calls time out");
}

// --- the circuit ---------------------------------------------------------------------

void Downstream::on_call_done(CallHandle handle, CallOutcome outcome) {
    const Call* call = router_.find_call(handle);
    const TimePoint sent = call != nullptr ? call->sent : loop_.now();
    on_circuit(circuit_.on_outcome(handle, outcome, sent, loop_.now()),
               "calls fail");
}

void Downstream::on_ping_missed() {
    on_circuit(circuit_.on_ping_missed(loop_.now()), "health checks fail");
}

void Downstream::on_probe_passed() {
    upkeep_.breaker().on_probe_answered();
    on_circuit(Circuit::Change::kClosed, {});
}

void Downstream::on_circuit(Circuit::Change change, const std::string& why) {
    switch (change) {
        case Circuit::Change::kNone:
            break;
        case Circuit::Change::kOpened:
            instances_.for_each(
                [&](InstanceSlot& slot) { slot.on_circuit_opened(why); });
            break;
        case Circuit::Change::kClosed:
            instances_.for_each([](InstanceSlot& slot) { slot.on_circuit_closed(); });
            break;
    }
}

void Downstream::on_away(Call& call, bool away) {
    instances_.for_each([&](InstanceSlot& slot) {
        if (slot.number() == call.instance) {
            slot.on_away(call, away);
        }
    });
}

void Downstream::reply(Call& call, const InputReply& reply) {
    instances_.for_each([&](InstanceSlot& slot) {
        if (slot.number() == call.instance) {
            slot.reply(call, reply);
        }
    });
}

void Downstream::reply_outside(unsigned instance, const InputReply& reply) {
    instances_.for_each([&](InstanceSlot& slot) {
        if (slot.number() == instance) {
            slot.reply_outside(reply);
        }
    });
}

void Downstream::on_wanted_level() {
    instances_.for_each([](InstanceSlot& slot) { slot.update_log_level(); });
}

Millis Downstream::call_timeout(const std::string& own_name) const {
    for (const auto& [glob, timeout] : settings_.timeouts) {
        if (glob_matches(glob, own_name)) {
            return timeout;
        }
    }
    return settings_.call_timeout;
}

}  // namespace neuron
