// Change notices. Servers announce changes in storms, and most changes concern only some
// clients; what goes out is decided by comparing what a client saw with what it would see.

#include "neurond/mcp/subscriptions.h"

#include <algorithm>
#include <functional>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/mcp/client_questions.h"
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
        for (const CatalogEntry& entry : catalog.entries(kind)) {
            if (viewer.sees(entry)) {
                mix(out[static_cast<size_t>(kind)], entry.item.view());
            }
        }
    }
    return out;
}

// --- one who is told -----------------------------------------------------------------

Subscriber::Subscriber(Subscriptions& hub, Requester who, View view, ListSet lists)
    : hub_(hub),
      who_(std::move(who)),
      view_(std::move(view)),
      lists_(lists),
      seen_(hub.digests_of(*this)),
      rules_(hub.rules_) {
    hub_.add(*this);
}

Subscriber::~Subscriber() {
    leave();
}

void Subscriber::leave() {
    const Slice error({}, R"({"code":-32603,"message":"The client has gone"})");
    for (const SessionQuestions::Open& each : questions_.take_all()) {
        hub_.hand_back(each, true, error);
    }
    hub_.remove(*this);
}

bool Subscriber::reply(std::string_view id_raw, bool failed, const Slice& body) {
    const auto asked = questions_.take(id_raw);
    if (asked) {
        hub_.hand_back(*asked, failed, body);
    }
    return asked.has_value();
}

bool Subscriber::subscribe(const std::string& uri) {
    return hub_.subscribe(*this, uri);
}

void Subscriber::unsubscribe(const std::string& uri) {
    hub_.unsubscribe(*this, uri);
}

void Subscriber::has_seen(ItemKind kind) {
    const auto at = static_cast<size_t>(kind);
    const Router& router = hub_.router_;
    // What it was greeted with was not yet its own.
    if (!shown_[at] && router.catalog_for(who_) != router.rules().catalog) {
        seen_[at] = hub_.digests_of(*this)[at];
    }
    shown_[at] = true;
}

void Subscriber::assume_all_changed() {
    news_.lists = lists_;
    news_.resources = resources_;
    hub_.schedule();
}

// --- all of them ---------------------------------------------------------------------

Subscriptions::Subscriptions(EventLoop& loop, const Router& router,
                             ResourceSource& source)
    : router_(router), source_(source), check_timer_(loop, [this] { check(); }) {
    router_.parties().sessions = this;
}

Subscriptions::~Subscriptions() {
    router_.parties().sessions = nullptr;
}

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
    const auto place = source_.place_of(uri, subscriber.view_, subscriber.who_);
    if (!place || subscriber.resources_.size() >= kMaxResourceSubscriptions) {
        return false;
    }
    subscriber.resources_.insert(uri);
    std::vector<Interest>& interested = interests_[*place];
    interested.push_back({&subscriber, uri});
    if (interested.size() == 1) {
        tell_source(*place);
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
            const ResourcePlace place = each->first;
            interests_.erase(each);
            tell_source(place);
        }
        return;
    }
}

void Subscriptions::tell_source(const ResourcePlace& place) {
    std::set<std::string> uris;
    for (auto each = interests_.lower_bound({place.downstream, {}, place.instance});
         each != interests_.end() && each->first.same_source(place); ++each) {
        uris.insert(each->first.uri);
    }
    source_.want_updates(place, uris);
}

/// A part of what one may read is not always for the same eyes, and rules change.
bool Subscriptions::may_know(const Subscriber& subscriber,
                             const ResourcePlace& place) const {
    return router_.rules()
        .policy
        ->decide(subscriber.who_.identity.name, PolicyKind::kResource,
                 router_.catalog_for(subscriber.who_)
                     ->exposed_uri(place.downstream, place.uri),
                 place.uri)
        .allowed;
}

void Subscriptions::resource_updated(const ResourcePlace& place) {
    const std::string& uri = place.uri;
    for (auto each = interests_.lower_bound({place.downstream, {}, place.instance});
         each != interests_.end() && each->first.same_source(place); ++each) {
        if (!is_at_or_below(uri, each->first.uri)) {
            continue;
        }
        for (const Interest& interest : each->second) {
            if (!may_know(*interest.who, place)) {
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
    ++rules_;
    schedule();
}

void Subscriptions::own_lists_changed() {
    own_lists_changed_ = true;
    schedule();
}

void Subscriptions::schedule() {
    if (!check_timer_.armed()) {  // one who never stops must not put it off
        check_timer_.arm(kNewsDelay);
    }
}

/// The same for all clients of one identity that are shown the same.
ListDigests Subscriptions::digests_of(const Subscriber& subscriber) {
    const Requester& who = subscriber.who_;
    const auto seen = router_.catalog_for(who)->seen_as(subscriber.view_);
    const auto [known, first] = digests_.try_emplace({who.identity.name, seen});
    if (first) {
        known->second =
            digest_lists(*seen, *router_.rules().policy, who.identity.name);
    }
    return known->second;
}

void Subscriptions::check() {
    const bool for_all = std::exchange(rules_changed_, false);
    const bool compare = std::exchange(own_lists_changed_, false) || for_all;
    const std::vector<Subscriber*> all(subscribers_.begin(), subscribers_.end());
    for (Subscriber* each : all) {
        if (subscribers_.count(each) == 0) {
            continue;  // it ended with another one
        }
        if (compare) {
            const ListDigests now = digests_of(*each);
            const bool new_rules = std::exchange(each->rules_, rules_) != rules_;
            for (const ItemKind kind : kItemKinds) {
                const auto at = static_cast<size_t>(kind);
                const bool changed =
                    now[at] != each->seen_[at] && (new_rules || each->shown_[at]);
                each->news_.lists |= changed ? each->lists_ & set_of(list_of(kind)) : 0U;
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

// --- questions outside any call --------------------------------------------------------

Subscriber* Subscriptions::session(const std::string& party) const {
    const auto found = std::find_if(
        subscribers_.begin(), subscribers_.end(), [&party](const Subscriber* each) {
            return each->who_.takes_questions && each->who_.party == party;
        });
    return found == subscribers_.end() ? nullptr : *found;
}

bool Subscriptions::ask_outside(SessionQuestion question) {
    Subscriber* client = session(question.party);
    if (client == nullptr ||
        refuse_question(question.question, client->who_.caps, client->who_.revision)) {
        return false;
    }
    const std::string id = client->questions_.add(question);
    if (!id.empty()) {
        question.question.params = Slice::copy_of(question.question.params.view());
        client->news_.questions.emplace(id, std::move(question.question));
        schedule();
    }
    return !id.empty();
}

std::optional<Question> Subscriptions::reclaim_outside(const std::string& party,
                                                       AnswererHandle server,
                                                       unsigned instance,
                                                       const std::string& key) {
    Subscriber* client = session(party);
    if (client == nullptr) {
        return std::nullopt;
    }
    auto waiting =
        client->news_.questions.extract(client->questions_.id_of(server, instance, key));
    if (waiting.empty()) {
        return std::nullopt;
    }
    client->questions_.take(waiting.key());
    return std::move(waiting.mapped());
}

void Subscriptions::withdraw_outside(const std::string& party, AnswererHandle server,
                                     unsigned instance, const std::string& key) {
    Subscriber* client = session(party);
    const auto gone = client != nullptr ? client->questions_.take(client->questions_.id_of(
                                              server, instance, key))
                                        : std::nullopt;
    if (gone && client->news_.questions.erase(gone->id_raw) == 0) {
        client->news_.withdrawn.push_back(gone->id_raw);
        schedule();
    }
}

void Subscriptions::hand_back(const SessionQuestions::Open& open, bool failed,
                              const Slice& body) {
    Answerer* server = router_.parties().answerers.find(open.server);
    if (server != nullptr) {
        server->reply_outside(open.instance, {open.key, failed, body});
    }
}

}  // namespace neuron
