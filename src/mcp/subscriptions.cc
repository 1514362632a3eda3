// Change notices. Servers announce changes in storms, and most changes concern only some
// clients; what goes out is decided by comparing what a client saw with what it would see.

#include "neurond/mcp/subscriptions.h"

#include <algorithm>
#include <functional>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/mcp/list_pages.h"

namespace neuron {

namespace {

/// Whether `uri` is `parent` or lies below it.
bool is_at_or_below(std::string_view uri, std::string_view parent) {
    if (!starts_with(uri, parent)) {
        return false;
    }
    return uri.size() == parent.size() || ends_with(parent, "/") ||
           std::string_view("/?#").find(uri[parent.size()]) != std::string_view::npos;
}

void mix(uint64_t& digest, std::string_view bytes) {
    digest = (digest ^ std::hash<std::string_view>()(bytes)) * 0x9e3779b97f4a7c15U;
}

}  // namespace

ListDigests digest_lists(const Catalog& catalog, const Policy& policy,
                         std::string_view identity) {
    ListDigests out{};
    const Identity client{std::string(identity), {}};
    const Viewer viewer{catalog, policy, client};
    for (const ItemKind kind : kItemKinds) {
        const ListKind list = kind == ItemKind::kTool     ? ListKind::kTools
                              : kind == ItemKind::kPrompt ? ListKind::kPrompts
                                                          : ListKind::kResources;
        for (const CatalogEntry& entry : catalog.entries(kind)) {
            if (viewer.sees(entry)) {
                mix(out[static_cast<size_t>(list)], entry.item.view());
            }
        }
    }
    return out;
}

// --- one who is told -----------------------------------------------------------------

Subscriber::Subscriber(Subscriptions& hub, Identity identity, View view, ListSet lists)
    : hub_(hub),
      identity_(std::move(identity)),
      view_(std::move(view)),
      lists_(lists),
      seen_(hub.digests_of(*this)) {
    hub_.add(*this);
}

Subscriber::~Subscriber() {
    leave();
}

void Subscriber::leave() {
    hub_.remove(*this);
}

bool Subscriber::subscribe(const std::string& uri) {
    return hub_.subscribe(*this, uri);
}

void Subscriber::unsubscribe(const std::string& uri) {
    hub_.unsubscribe(*this, uri);
}

void Subscriber::assume_all_changed() {
    news_.lists = lists_;
    news_.resources = resources_;
    hub_.schedule();
}

// --- all of them ---------------------------------------------------------------------

Subscriptions::Subscriptions(EventLoop& loop, const Router& router,
                             ResourceSource& source)
    : router_(router), source_(source), check_timer_(loop, [this] { check(); }) {}

Subscriptions::~Subscriptions() = default;

void Subscriptions::add(Subscriber& subscriber) {
    subscribers_.insert(&subscriber);
}

void Subscriptions::remove(Subscriber& subscriber) {
    while (!subscriber.resources_.empty()) {
        unsubscribe(subscriber, std::string(*subscriber.resources_.begin()));
    }
    subscribers_.erase(&subscriber);
}

bool Subscriptions::subscribe(Subscriber& subscriber, const std::string& uri) {
    if (subscriber.resources_.count(uri) != 0) {
        return true;
    }
    const auto place = source_.place_of(uri, subscriber.view_, subscriber.identity_);
    if (!place || subscriber.resources_.size() >= kMaxResourceSubscriptions) {
        return false;
    }
    subscriber.resources_.insert(uri);
    std::vector<Interest>& interested = interests_[*place];
    interested.push_back({&subscriber, uri});
    if (interested.size() == 1) {
        tell_source(place->downstream);
    }
    return true;
}

void Subscriptions::unsubscribe(Subscriber& subscriber, const std::string& uri) {
    if (subscriber.resources_.erase(uri) == 0) {
        return;
    }
    subscriber.news_.resources.erase(uri);
    for (auto each = interests_.begin(); each != interests_.end(); ++each) {
        std::vector<Interest>& interested = each->second;
        const auto gone = std::remove_if(
            interested.begin(), interested.end(), [&](const Interest& interest) {
                return interest.who == &subscriber && interest.uri == uri;
            });
        if (gone == interested.end()) {
            continue;
        }
        interested.erase(gone, interested.end());
        if (interested.empty()) {
            const std::string downstream = each->first.downstream;
            interests_.erase(each);
            tell_source(downstream);
        }
        return;
    }
}

void Subscriptions::tell_source(const std::string& downstream) {
    std::set<std::string> uris;
    for (auto each = interests_.lower_bound({downstream, {}});
         each != interests_.end() && each->first.downstream == downstream; ++each) {
        uris.insert(each->first.uri);
    }
    source_.want_updates(downstream, uris);
}

/// A part of what one may read is not always for the same eyes, and rules change.
bool Subscriptions::may_know(const Subscriber& subscriber, const std::string& downstream,
                             const std::string& uri) const {
    const Rules& rules = router_.rules();
    return rules.policy
        ->decide(subscriber.identity_.name, PolicyKind::kResource,
                 rules.catalog->exposed_uri(downstream, uri), uri)
        .allowed;
}

void Subscriptions::resource_updated(const std::string& downstream,
                                     const std::string& uri) {
    for (auto each = interests_.lower_bound({downstream, {}});
         each != interests_.end() && each->first.downstream == downstream; ++each) {
        if (!is_at_or_below(uri, each->first.uri)) {
            continue;
        }
        for (const Interest& interest : each->second) {
            if (!may_know(*interest.who, downstream, uri)) {
                continue;
            }
            std::set<std::string>& updated = interest.who->news_.resources;
            // What has another name here, or very many parts, is told of as a whole.
            const bool by_itself = interest.uri == each->first.uri &&
                                   updated.size() < kMaxResourceSubscriptions;
            updated.insert(by_itself ? uri : interest.uri);
            schedule();
        }
    }
}

void Subscriptions::rules_changed() {
    digests_.clear();
    rules_changed_ = true;
    schedule();
}

void Subscriptions::schedule() {
    if (!check_timer_.armed()) {  // one who never stops must not put it off
        check_timer_.arm(kNewsDelay);
    }
}

/// The same for all clients of one identity and view.
ListDigests Subscriptions::digests_of(const Subscriber& subscriber) {
    const auto [known, first] =
        digests_.try_emplace({subscriber.identity_.name, subscriber.view_});
    if (first) {
        const Rules& rules = router_.rules();
        known->second = digest_lists(*rules.catalog->seen_as(subscriber.view_),
                                     *rules.policy, subscriber.identity_.name);
    }
    return known->second;
}

void Subscriptions::check() {
    const bool compare = std::exchange(rules_changed_, false);
    const std::vector<Subscriber*> all(subscribers_.begin(), subscribers_.end());
    for (Subscriber* each : all) {
        if (subscribers_.count(each) == 0) {
            continue;  // it ended with another one
        }
        if (compare) {
            const ListDigests now = digests_of(*each);
            for (const ListKind kind : kListKinds) {
                const auto at = static_cast<size_t>(kind);
                const bool changed = now[at] != each->seen_[at];
                each->news_.lists |= changed ? each->lists_ & set_of(kind) : 0U;
            }
            each->seen_ = now;
        }
        if (!each->news_.empty()) {
            each->on_news();
        }
    }
    if (subscribers_.empty()) {
        digests_.clear();
    }
}

}  // namespace neuron
