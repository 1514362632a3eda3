// What a downstream does for callers who have an instance of their own: which one that is,
// what it lists, and which resources it tells of.

#include "neurond/back/downstream.h"
#include "neurond/base/limits.h"

namespace neuron {

InstanceKey Downstream::key_of(const Requester& who) const {
    return InstanceKey::of(settings_, instances_.base().hello(), who.party,
                           who.identity, relayable(who.caps));
}

InstanceSlot* Downstream::obtain(const InstanceKey& key) {
    InstanceSlot* slot = instances_.find(key.text);
    if (slot != nullptr) {
        return slot;
    }
    slot = instances_.obtain(key);
    const auto own = own_.find(key.text);
    if (slot != nullptr && own != own_.end()) {
        slot->want_updates(own->second.wanted);
    }
    if (!idle_timer_.armed()) {
        idle_timer_.arm(settings_.instance_idle);
    }
    return slot;
}

void Downstream::own_listed(const InstanceSlot& slot) {
    const std::string key = instances_.key_of(slot);
    if (!key.empty()) {
        if (own_.size() >= kMaxOwnOffers && own_.count(key) == 0) {
            own_.erase(own_.begin());
        }
        own_[key].offer = slot.offer();
    }
    owner_.on_own_offer_changed();
}

void Downstream::forget_own_offers() {
    for (auto& [key, own] : own_) {
        own.offer = nullptr;
    }
    owner_.on_own_offer_changed();
}

std::shared_ptr<const Offer> Downstream::offer_for(const Requester& who) const {
    if (own_.empty()) {
        return nullptr;
    }
    const auto own = own_.find(key_of(who).text);
    return own != own_.end() ? own->second.offer : nullptr;
}

/// Not what is started by calls only, nor what could not be started.
void Downstream::prepare(const Requester& who) {
    const InstanceKey key = key_of(who);
    const bool era_matters = settings_.share != Share::kSession;
    const bool given_up = state() == LifeState::kFailed ||
                          state() == LifeState::kDisabled ||
                          state() == LifeState::kStopped;
    if (!key.text.empty() && !(era_matters && instances_.base().hello() == nullptr) &&
        !given_up && !stopping_ && !settings_.on_demand &&
        upkeep_.breaker().state() == Breaker::State::kClosed &&
        instances_.has_room_for(key.text)) {
        obtain(key);
    }
}

/// Without capabilities an instance of one's own lists what the one for all lists.
bool Downstream::preparing(const Requester& who) const {
    if (instances_.size() == 1) {
        return false;
    }
    const InstanceKey key = key_of(who);
    if (key.text.empty() || (key.caps.bits == 0 && offer() != nullptr)) {
        return false;
    }
    const InstanceSlot* slot = instances_.find(key.text);
    return slot != nullptr && slot->state() == LifeState::kStarting;
}

/// The one for all is told of no client's roots.
void Downstream::on_roots_changed(const Requester& who) {
    const InstanceKey key = key_of(who);
    InstanceSlot* slot = key.text.empty() ? nullptr : instances_.find(key.text);
    if (slot != nullptr) {
        slot->tell_roots_changed();
    }
}

// --- updates of resources ------------------------------------------------------------

std::optional<std::string> Downstream::update_source(const Requester& who) {
    if (settings_.share != Share::kSession) {
        return std::string();
    }
    const InstanceKey key = key_of(who);
    return obtain(key) != nullptr ? std::optional(key.text) : std::nullopt;
}

void Downstream::want_updates(const std::string& instance,
                              const std::set<std::string>& uris) {
    if (instance.empty()) {
        instances_.base().want_updates(uris);
        return;
    }
    if (!uris.empty() || own_.count(instance) != 0) {
        own_[instance].wanted = uris;
    }
    if (InstanceSlot* slot = instances_.find(instance); slot != nullptr) {
        slot->want_updates(uris);
    }
}

void Downstream::inherit(const Downstream& before) {
    want_updates({}, before.instances_.base().wanted_updates());
    for (const auto& [key, own] : before.own_) {
        if (!own.wanted.empty()) {
            own_[key].wanted = own.wanted;
        }
    }
}

ResourcePlace Downstream::place_of(const InstanceSlot& slot,
                                   const std::string& uri) const {
    const bool apart = settings_.share == Share::kSession;
    return {settings_.name, uri, apart ? instances_.key_of(slot) : std::string()};
}

void Downstream::on_slot_updated(InstanceSlot& slot, const std::string& uri) {
    owner_.on_resource_updated(place_of(slot, uri));
}

void Downstream::on_slot_subscribed(InstanceSlot& slot, const std::string& uri,
                                    const Answer& answer) {
    owner_.on_subscribed(place_of(slot, uri), answer);
}

}  // namespace neuron
