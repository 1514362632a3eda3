// Change notices. Servers announce changes in storms, and most changes concern only some
// clients; what goes out is decided by comparing what a client saw with what it would see.

#include "neurond/mcp/subscriptions.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/mcp/client_questions.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/list_pages.h"
#include "neurond/mcp/resource_place.h"

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
        hub_.hand_back(each, {{}, true, error});
    }
    hub_.remove(*this);
}

bool Subscriber::reply(std::string_view id_raw, const InputReply& reply) {
    const auto asked = questions_.of(id_raw, reply);
    if (asked) {
        hub_.hand_back(*asked, reply);
    }
    return asked.has_value();
}

std::optional<Answer> Subscriber::subscribe(const std::string& uri, AskerHandle asker,
                                            uint64_t tag,
                                            std::string_view request_id) {
    awaited_.erase(uri);
    return hub_.subscribe(*this, uri, asker, tag, request_id);
}

void Subscriber::unsubscribe(const std::string& uri) {
    awaited_.erase(uri);
    hub_.conclude(hub_.unsubscribe(*this, uri), Answer::result(Slice({}, "{}")));
}

void Subscriber::restore(const std::set<std::string>& uris) {
    awaited_ = uris;
    hub_.restore(*this);
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

Subscriptions::Subscriptions(EventLoop& loop, Router& router, ResourceSource& source)
    : loop_(loop),
      router_(router),
      source_(source),
      check_timer_(loop, [this] { check(); }),
      give_up_timer_(loop, [this] { give_up(); }) {
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

std::optional<Answer> Subscriptions::subscribe(Subscriber& subscriber,
                                               const std::string& uri,
                                               AskerHandle asker, uint64_t tag,
                                               std::string_view request_id) {
    const auto place = source_.place_of(uri, subscriber.view_, subscriber.who_);
    bool known = subscriber.resources_.count(uri) != 0;
    if (!place || (!known && subscriber.resources_.size() >= kMaxResourceSubscriptions)) {
        OwnError refused;
        refused.code = JsonRpcError::kInvalidParams;
        refused.message = kNotSubscribable;
        audit_refused(subscriber, uri, request_id);
        return Answer::failure(refused);
    }
    const auto is_same = [&](const Interest& each) {
        return each.who == &subscriber && each.uri == uri;
    };
    auto found = watched_.find(*place);
    if (known && (found == watched_.end() ||
                  std::none_of(found->second.interested.begin(),
                               found->second.interested.end(), is_same))) {
        unsubscribe(subscriber, uri);  // it is another server's now
        known = false;
    }
    Watched& watched = watched_[*place];
    if (watched.declined) {
        return watched.declined;
    }
    const bool first = watched.interested.empty();
    if (!known) {
        subscriber.resources_.insert(uri);
        watched.interested.push_back({&subscriber, uri});
    }
    if (watched.granted) {
        return Answer::result(Slice({}, "{}"));
    }
    const TimePoint until = loop_.now() + kSubscribeTime;
    watched.waiters.push_back({{&subscriber, uri}, asker, tag, until});
    if (!give_up_timer_.armed()) {
        give_up_timer_.arm(kSubscribeTime);
    }
    if (first) {
        tell_source(*place);
    }
    return std::nullopt;
}

void Subscriptions::restore(Subscriber& subscriber) {
    for (const std::string& uri : std::exchange(subscriber.awaited_, {})) {
        const auto place = source_.place_of(uri, subscriber.view_, subscriber.who_);
        if (!place) {
            subscriber.awaited_.insert(uri);
            continue;
        }
        subscribe(subscriber, uri, {}, 0, {});
        if (const auto found = watched_.find(*place); found != watched_.end()) {
            for (Waiter& each : found->second.waiters) {
                each.restored = each.restored || (each.interest.who == &subscriber &&
                                                  each.interest.uri == uri);
            }
        }
        if (subscriber.resources_.count(uri) != 0) {
            subscriber.news_.resources.insert(uri);
            schedule();
        }
    }
}

/// As the router does it for what is read.
void Subscriptions::audit_refused(const Subscriber& subscriber, const std::string& uri,
                                  std::string_view request_id) {
    const Requester& who = subscriber.who_;
    const auto entry = find_resource(router_, uri, subscriber.view_, who);
    PolicyDecision decision;
    if (entry != nullptr) {
        decision = decide(*router_.rules().policy, who.identity, *entry);
    }
    AuditRecord line;
    line.request_id = request_id;
    line.method = subscriber.method();
    line.tool = entry != nullptr ? std::string_view(entry->full_name) : uri;
    line.downstream = entry != nullptr ? entry->downstream : std::string_view();
    line.rule = decision.rule;
    line.result = entry != nullptr && !decision.allowed ? "blocked" : "error";
    router_.record_refusal(who.identity, line);
}

void Subscriptions::on_subscribed(const ResourcePlace& place, const Answer& answer) {
    const auto found = watched_.find(place);
    if (found == watched_.end()) {
        return;
    }
    Watched& watched = found->second;
    watched.granted = answer.kind == Answer::Kind::kResult;
    watched.declined.reset();
    if (!watched.granted) {
        watched.declined = answer;
        watched.declined->body = Slice::copy_of(answer.body.view());
    }
    conclude(std::exchange(watched.waiters, {}), answer);
}

/// One subscription less is wanted of the server for each that it has refused.
void Subscriptions::conclude(const std::vector<Waiter>& waiters, const Answer& answer) {
    const bool good = answer.kind == Answer::Kind::kResult;
    std::vector<Waiter> all = waiters;
    for (const Waiter& each : waiters) {
        if (!good) {  // it may have asked again meanwhile
            const auto more = unsubscribe(*each.interest.who, each.interest.uri);
            all.insert(all.end(), more.begin(), more.end());
        }
    }
    for (const Waiter& each : all) {
        if (subscribers_.count(each.interest.who) != 0) {
            if (each.restored && answer.kind == Answer::Kind::kOwnError) {
                each.interest.who->awaited_.insert(each.interest.uri);
            } else {
                each.interest.who->on_subscribed(each.interest.uri, good);
            }
        }
        if (Asker* asker = router_.parties().askers.find(each.asker); asker != nullptr) {
            asker->on_answer(each.tag, answer);
        }
    }
}

void Subscriptions::give_up() {
    const TimePoint now = loop_.now();
    std::vector<Waiter> late;
    std::optional<TimePoint> next;
    for (auto& [place, watched] : watched_) {
        std::vector<Waiter> rest;
        for (Waiter& each : watched.waiters) {
            if (each.until > now) {
                next = next ? std::min(*next, each.until) : each.until;
            }
            (each.until > now ? rest : late).push_back(std::move(each));
        }
        watched.waiters = std::move(rest);
    }
    if (next) {
        give_up_timer_.arm(std::chrono::ceil<Millis>(*next - now));
    }
    OwnError why;
    why.message = "Its server has not answered in time";
    why.type = "timeout";
    conclude(late, Answer::failure(why));
}

/// Those that still wait for it to be answered.
std::vector<Subscriptions::Waiter> Subscriptions::unsubscribe(Subscriber& subscriber,
                                                              const std::string& uri) {
    std::vector<Waiter> waiting;
    if (subscriber.resources_.erase(uri) == 0) {
        return waiting;
    }
    subscriber.news_.resources.erase(uri);
    const auto is_other = [&](const Interest& interest) {
        return interest.who != &subscriber || interest.uri != uri;
    };
    for (auto each = watched_.begin(); each != watched_.end(); ++each) {
        std::vector<Interest>& interested = each->second.interested;
        std::vector<Waiter>& waiters = each->second.waiters;
        const auto gone = std::stable_partition(interested.begin(), interested.end(),
                                                is_other);
        if (gone == interested.end()) {
            continue;
        }
        interested.erase(gone, interested.end());
        const auto first = std::stable_partition(
            waiters.begin(), waiters.end(),
            [&](const Waiter& waiter) { return is_other(waiter.interest); });
        std::move(first, waiters.end(), std::back_inserter(waiting));
        waiters.erase(first, waiters.end());
        if (interested.empty()) {
            const ResourcePlace place = each->first;
            watched_.erase(each);
            tell_source(place);
        }
        break;
    }
    return waiting;
}

void Subscriptions::tell_source(const ResourcePlace& place) {
    std::set<std::string> uris;
    for (auto each = watched_.lower_bound({place.downstream, {}, place.instance});
         each != watched_.end() && each->first.same_source(place); ++each) {
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
    for (auto each = watched_.lower_bound({place.downstream, {}, place.instance});
         each != watched_.end() && each->first.same_source(place); ++each) {
        if (!is_at_or_below(uri, each->first.uri)) {
            continue;
        }
        for (const Interest& interest : each->second.interested) {
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
            restore(*each);
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

void Subscriptions::tell(const std::string& party, const char* method,
                         const Slice& params) {
    Subscriber* client = session(party);
    if (client != nullptr && client->news_.others.size() < kMaxOtherNews) {
        client->news_.others.emplace_back(method, Slice::copy_of(params.view()));
        schedule();
    }
}

void Subscriptions::hand_back(const SessionQuestions::Open& open, InputReply reply) {
    reply.key = open.key;
    Answerer* server = router_.parties().answerers.find(open.server);
    if (server != nullptr) {
        server->reply_outside(open.instance, reply);
    }
}

}  // namespace neuron
