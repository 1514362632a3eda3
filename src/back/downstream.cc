// The configured thing behind a namespace. It outlives its processes: callers see one
// server, whichever of its instances answers them.

#include "neurond/back/downstream.h"

#include "neurond/back/http_carrier.h"
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
    : settings_(std::move(settings)),
      owner_(owner),
      registration_(router.parties().answerers, *this),
      refusals_(loop, static_cast<CallSink&>(router)),
      instances_({loop,
                  router,
                  refusals_,
                  settings_,
                  {settings_.name, settings_.start_timeout,
                   settings_.transport != Transport::kStdio},
                  carrier_maker(loop, children, names, settings_),
                  discovery_for(settings_)},
                 static_cast<SlotOwner&>(*this)),
      pump_task_(loop, Phase::kSoon, [this] { instances_.pump(); }),
      tidy_task_(loop, Phase::kSoon, [this] { tidy(); }) {}

Downstream::~Downstream() = default;

void Downstream::start() {
    instances_.base().start();
}

void Downstream::stop() {
    stopping_ = true;
    instances_.stop("stopping");
}

std::string Downstream::revision() const {
    const ServerHello* hello = instances_.base().hello();
    return hello != nullptr ? std::string(to_string(hello->revision)) : std::string();
}

// --- its instances -------------------------------------------------------------------

void Downstream::on_slot_listed(InstanceSlot& slot) {
    if (slot.number() == 0) {
        resolve_first_start();
        owner_.on_offer_changed();
    }
}

void Downstream::on_slot_down(InstanceSlot& slot) {
    restarts_ += slot.state() == DownstreamState::kRestarting ? 1U : 0U;
    if (slot.number() == 0) {
        owner_.on_offer_changed();
        resolve_first_start();
    }
}

void Downstream::on_slot_stopped(InstanceSlot&) {
    tidy_task_.schedule();
}

void Downstream::on_slot_room() {
    if (queued() > 0) {
        pump_task_.schedule();
    }
}

/// Slots cannot be destroyed while they are still speaking.
void Downstream::tidy() {
    instances_.sweep();
    if (stopping_ && instances_.all_stopped()) {
        stopping_ = false;
        owner_.on_downstream_stopped();
    }
}

void Downstream::resolve_first_start() {
    if (!std::exchange(resolved_, true)) {
        owner_.on_first_start_resolved();
    }
}

// --- calls ---------------------------------------------------------------------------

InstanceKey Downstream::key_of(const CallRequest& request) const {
    return InstanceKey::of(settings_, instances_.base().hello(), request.party,
                           request.identity, relayable(request.caps));
}

OwnError Downstream::busy(const std::string& why) const {
    return {JsonRpcError::kInternal, "Downstream '" + name() + "' is busy: " + why,
            "busy", name(), 1};
}

void Downstream::take(Call& call) {
    InstanceSlot* slot = instances_.obtain(key_of(call.request));
    if (slot == nullptr) {
        refusals_.fail(call.handle,
                       busy("all of its max_instances have work; try again later"));
    } else if (!slot->takes_calls()) {
        refusals_.fail(call.handle, slot->unavailable());
    } else if (!slot->sends_now() && queued() >= settings_.queue) {
        refusals_.fail(call.handle, busy("its queue is full"));
    } else {
        slot->take(call);
    }
}

void Downstream::cancel(Call& call, CancelReason reason) {
    instances_.for_each([&](InstanceSlot& slot) {
        if (slot.number() == call.instance) {
            slot.cancel(call, reason);
        }
    });
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
