// What one caller sees that others do not. Nothing is kept for a caller here: what its
// servers offer it is asked of them each time, and the lists made of that are shared.

#include "neurond/mcp/own_lists.h"

#include <algorithm>
#include <utility>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

void OwnLists::set_base(std::shared_ptr<const Catalog> base) {
    base_ = std::move(base);
    variants_.clear();
}

std::shared_ptr<const Catalog> OwnLists::of(const Requester& who) const {
    const std::vector<CatalogPart>& parts = base_->parts();
    Offers own;
    for (size_t i = 0; i < parts.size(); ++i) {
        const Answerer* server = parties_.answerers.find(parts[i].answerer);
        auto offer = server != nullptr ? server->offer_for(who) : nullptr;
        if (offer != nullptr && offer != parts[i].offer) {
            own.resize(parts.size());
            own[i] = std::move(offer);
        }
    }
    if (own.empty()) {
        return base_;
    }
    auto found = variants_.find(own);
    if (found == variants_.end()) {
        make_room();
        found = variants_.emplace(own, Variant{base_->with_offers(own)}).first;
    }
    found->second.used = ++uses_;
    return found->second.catalog;
}

/// The one that was not looked at for longest gives way; who still has it keeps it.
void OwnLists::make_room() const {
    if (variants_.size() >= kMaxOwnCatalogs) {
        variants_.erase(std::min_element(
            variants_.begin(), variants_.end(), [](const auto& a, const auto& b) {
                return a.second.used < b.second.used;
            }));
    }
}

template <typename F>
void OwnLists::for_each(const View& view, F f) const {
    for (const CatalogPart& part : base_->parts()) {
        Answerer* server = parties_.answerers.find(part.answerer);
        if (server != nullptr && (view.space.empty() || view.space == part.name)) {
            f(part, *server);
        }
    }
}

void OwnLists::prepare(const View& view, const Requester& who) const {
    for_each(view, [&who](const CatalogPart&, Answerer& server) { server.prepare(who); });
}

/// A client that can do nothing sees what all see.
bool OwnLists::ready(const View& view, const Requester& who) const {
    if (who.caps.bits == 0) {
        return true;
    }
    prepare(view, who);
    return !pending(view, who);
}

bool OwnLists::pending(const View& view, const Requester& who) const {
    bool any = false;
    for_each(view, [&](const CatalogPart&, const Answerer& server) {
        any = any || server.preparing(who);
    });
    return any;
}

bool OwnLists::may_appear(const CallRequest& request) const {
    for_each(request.view, [&request](const CatalogPart& part, Answerer& server) {
        const std::string prefix =
            request.view.strict ? strict_name(part.name, false) : part.name;
        if (!request.view.space.empty() || !part.exposure.prefixed ||
            starts_with(request.name, prefix)) {
            server.prepare(request);
        }
    });
    return pending(request.view, request);
}

void OwnLists::wait(const View& view, const Requester& who, AskerHandle asker,
                    uint64_t tag) {
    waits_.push_back({view, who, asker, tag});
    if (waits_.size() > kMaxListWaits) {
        const Wait oldest = std::move(waits_.front());
        waits_.erase(waits_.begin());
        if (Asker* late = parties_.askers.find(oldest.asker); late != nullptr) {
            late->on_lists_ready(oldest.tag);
        }
    }
}

void OwnLists::look_again() {
    std::vector<Wait> all = std::exchange(waits_, {});
    for (Wait& each : all) {
        Asker* asker = parties_.askers.find(each.asker);
        if (asker != nullptr && pending(each.view, each.who)) {
            waits_.push_back(std::move(each));
        } else if (asker != nullptr) {
            asker->on_lists_ready(each.tag);
        }
    }
}

}  // namespace neuron
