// Who gets an instance of their own, and how many there may be.

#include "neurond/back/instance_set.h"

#include <algorithm>

namespace neuron {

InstanceKey InstanceKey::of(const DownstreamSettings& settings, const ServerHello* hello,
                            const std::string& party, const Identity& identity,
                            ClientCaps caps) {
    if (settings.share == Share::kSession) {
        // A session has declared the same for all its calls, a caller without one has not.
        const bool session = party != identity_party(identity);
        return {of_party(party) + (session ? "" : " caps " + std::to_string(caps.bits)),
                caps, session ? party : std::string()};
    }
    // Over stdio nothing in a question says whom it is for, and a modern server is told
    // with each request: both serve everybody alike.
    const bool pooled = settings.transport != Transport::kStdio &&
                        (hello == nullptr || is_legacy(hello->revision));
    if (!pooled || caps.bits == 0) {
        return {};
    }
    return {"caps " + std::to_string(caps.bits) + " " + identity.name, caps};
}

InstanceSet::InstanceSet(SlotContext context, SlotOwner& owner)
    : context_(std::move(context)),
      owner_(owner),
      base_(std::make_unique<InstanceSlot>(context_, owner_, 0, ClientCaps())) {}

InstanceSlot* InstanceSet::find(const std::string& key) const {
    if (key.empty()) {
        return base_.get();
    }
    const auto found = slots_.find(key);
    return found == slots_.end() ? nullptr : found->second.get();
}

InstanceSlot* InstanceSet::obtain(const InstanceKey& key) {
    if (InstanceSlot* known = find(key.text); known != nullptr) {
        return known;
    }
    if (!make_room()) {
        return nullptr;
    }
    auto& slot = slots_[key.text];
    slot = std::make_unique<InstanceSlot>(context_, owner_, ++made_, key.caps, key.session);
    slot->start();
    return slot.get();
}

bool InstanceSet::has_room_for(const std::string& key) const {
    const size_t most = context_.settings.max_instances;
    return find(key) != nullptr || (slots_.size() < most && ending_.size() < most);
}

std::string InstanceSet::key_of(const InstanceSlot& slot) const {
    const auto found =
        std::find_if(slots_.begin(), slots_.end(),
                     [&slot](const auto& each) { return each.second.get() == &slot; });
    return found == slots_.end() ? std::string() : found->first;
}

/// The one that has been idle longest gives way. Those on their way out are bounded too:
/// who comes and goes quickly must not leave many dying processes behind.
bool InstanceSet::make_room() {
    const size_t most = context_.settings.max_instances;
    if (ending_.size() >= most) {
        return false;
    }
    if (slots_.size() < most) {
        return true;
    }
    auto idlest = slots_.end();
    for (auto each = slots_.begin(); each != slots_.end(); ++each) {
        if (each->second->idle() &&
            (idlest == slots_.end() ||
             each->second->last_used() < idlest->second->last_used())) {
            idlest = each;
        }
    }
    if (idlest == slots_.end()) {
        return false;
    }
    end_slot(idlest, "makes room for another");
    return true;
}

void InstanceSet::end_slot(
    std::map<std::string, std::unique_ptr<InstanceSlot>>::iterator which,
    const std::string& why) {
    ending_.push_back(std::move(which->second));
    slots_.erase(which);
    ending_.back()->stop(why);
}

void InstanceSet::end(const std::string& key, const std::string& why) {
    const auto found = slots_.find(key);
    if (found != slots_.end()) {
        end_slot(found, why);
    }
}

std::optional<TimePoint> InstanceSet::end_idle(TimePoint now, Millis idle) {
    std::optional<TimePoint> next;
    for (auto each = slots_.begin(); each != slots_.end();) {
        const auto which = each++;
        const InstanceSlot& slot = *which->second;
        const TimePoint due = (slot.idle() ? slot.last_used() : now) + idle;
        if (due <= now) {
            end_slot(which, "idle");
        } else if (!next || due < *next) {
            next = due;
        }
    }
    return next;
}

void InstanceSet::end_all(const std::string& why) {
    while (!slots_.empty()) {
        end_slot(slots_.begin(), why);
    }
}

void InstanceSet::stop(const std::string& why) {
    end_all(why);
    base_->stop(why);
}

void InstanceSet::kill() {
    for_each([](InstanceSlot& slot) { slot.kill(); });
}

void InstanceSet::sweep() {
    ending_.erase(std::remove_if(ending_.begin(), ending_.end(),
                                 [](const auto& slot) { return slot->ended(); }),
                  ending_.end());
}

bool InstanceSet::all_stopped() const {
    return slots_.empty() && base_->ended() &&
           std::all_of(ending_.begin(), ending_.end(),
                       [](const auto& slot) { return slot->ended(); });
}

size_t InstanceSet::in_flight() const {
    size_t sum = 0;
    for_each([&sum](const InstanceSlot& slot) { sum += slot.in_flight(); });
    return sum;
}

size_t InstanceSet::away() const {
    size_t sum = 0;
    for_each([&sum](const InstanceSlot& slot) { sum += slot.away(); });
    return sum;
}

size_t InstanceSet::queued() const {
    size_t sum = 0;
    for_each([&sum](const InstanceSlot& slot) { sum += slot.queued(); });
    return sum;
}

void InstanceSet::pump() {
    std::vector<InstanceSlot*> waiting;
    for_each([&waiting](InstanceSlot& slot) {
        if (slot.queued() > 0) {
            waiting.push_back(&slot);
        }
    });
    if (waiting.empty()) {
        return;
    }
    const size_t first = first_++ % waiting.size();
    std::rotate(waiting.begin(), waiting.begin() + static_cast<ptrdiff_t>(first),
                waiting.end());
    for (InstanceSlot* slot : waiting) {
        slot->pump();
    }
}

}  // namespace neuron
