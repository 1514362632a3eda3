#ifndef NEUROND_MCP_SUBSCRIPTIONS_H
#define NEUROND_MCP_SUBSCRIPTIONS_H

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "neurond/loop/event_loop.h"
#include "neurond/mcp/identity.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/session_questions.h"
#include "neurond/mcp/view.h"

namespace neuron {

/// The lists of which a client can be told that they have changed.
enum class ListKind : uint8_t { kTools, kPrompts, kResources };
constexpr ListKind kListKinds[] = {ListKind::kTools, ListKind::kPrompts,
                                   ListKind::kResources};
/// A set of kinds, as bits.
using ListSet = unsigned;
constexpr ListSet set_of(ListKind kind) noexcept {
    return 1U << static_cast<unsigned>(kind);
}
constexpr ListSet kAllLists = 7U;

/// The list that is about things of this kind.
constexpr ListKind list_of(ItemKind kind) noexcept {
    return kind == ItemKind::kTool     ? ListKind::kTools
           : kind == ItemKind::kPrompt ? ListKind::kPrompts
                                       : ListKind::kResources;
}

/// What one client sees of things of each kind, in short.
using ListDigests = std::array<uint64_t, kItemKindCount>;

/// `catalog` is what that client sees (Router::catalog_for, Catalog::seen_as).
ListDigests digest_lists(const Catalog& catalog, const Policy& policy,
                         std::string_view identity);

/// What is to be told: each list and each resource once, however often it has changed.
struct News {
    ListSet lists = 0;
    std::set<std::string> resources;  ///< URIs that were updated, as this client knows them
    std::map<std::string, Question> questions{};  ///< outside any call, by our id
    std::vector<std::string> withdrawn{};         ///< ids of such, that were put
    /// Other notifications: method and params.
    std::vector<std::pair<const char*, Slice>> others{};
    bool empty() const noexcept {
        return lists == 0 && resources.empty() && questions.empty() &&
               withdrawn.empty() && others.empty();
    }
};

class Subscriptions;

/// Somebody who is told of changes: a legacy session or connection, or one
/// `subscriptions/listen`. From its beginning it is told when what it would see of a list
/// has changed. News wait here until they are taken, so that a client which does not read
/// costs no more than one that does.
class Subscriber {
  public:
    /// `hub` outlives it.
    Subscriber(Subscriptions& hub, Requester who, View view, ListSet lists);
    virtual ~Subscriber();
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;

    /// Nothing is told any more; what was subscribed to ends, and who asked outside any
    /// call is told that nobody replies.
    void leave();
    /// What the client says to a question of its news. False: it is none with this id.
    bool reply(std::string_view id_raw, const InputReply& reply);
    /// The answer to that, if it is known: there may be no such resource for this client,
    /// or its server tell of no changes. Else the server is asked, and on_subscribed() and
    /// Asker::on_answer(tag) follow, from the loop, unless the client has gone or
    /// unsubscribed meanwhile.
    /// A refusal is audited, under `request_id`.
    std::optional<Answer> subscribe(const std::string& uri, AskerHandle asker = {},
                                    uint64_t tag = 0, std::string_view request_id = {});
    void unsubscribe(const std::string& uri);
    /// It had subscribed to these before it was known here: it does so again once their
    /// servers are there, and each is news, as it may have changed meanwhile.
    void restore(const std::set<std::string>& uris);
    const std::set<std::string>& resources() const noexcept { return resources_; }

    const News& news() const noexcept { return news_; }
    News take_news() { return std::exchange(news_, {}); }
    /// It has just been shown this list from its beginning.
    void has_seen(ItemKind kind);
    /// Something may have been missed: everything is news.
    void assume_all_changed();

  private:
    friend class Subscriptions;
    /// There is something to be told. From the loop, never from inside a call.
    virtual void on_news() = 0;
    /// The server has answered; what is not `good` is subscribed to no more.
    virtual void on_subscribed(const std::string& /*uri*/, bool /*good*/) {}
    /// By which it subscribes.
    virtual const char* method() const noexcept { return "resources/subscribe"; }

    Subscriptions& hub_;
    Requester who_;
    View view_;
    ListSet lists_;
    ListDigests seen_;
    std::array<bool, kItemKindCount> shown_{};  ///< has_seen()
    uint64_t rules_;  ///< Subscriptions::rules_ that `seen_` stands for
    std::set<std::string> resources_;
    std::set<std::string> awaited_;  ///< restore(): not there yet
    SessionQuestions questions_;
    News news_;
};

/// A resource as its server knows it.
struct ResourcePlace {
    std::string downstream;
    std::string uri;
    std::string instance{};  ///< of that downstream, which tells; empty = the one for all
    bool operator<(const ResourcePlace& other) const {
        return std::tie(downstream, instance, uri) <
               std::tie(other.downstream, other.instance, other.uri);
    }
    bool same_source(const ResourcePlace& other) const {
        return downstream == other.downstream && instance == other.instance;
    }
};

/// Finds whose a resource is, and asks for its updates.
class ResourceSource {
  public:
    /// Nothing when this client may not read it, or its server has no subscriptions.
    virtual std::optional<ResourcePlace> place_of(const std::string& uri,
                                                  const View& view,
                                                  const Requester& who) const = 0;
    /// The resources at the source of `place` of which somebody wants to hear.
    virtual void want_updates(const ResourcePlace& place,
                              const std::set<std::string>& uris) = 0;

  protected:
    ~ResourceSource() = default;
};

/// What clients are told comes this much later, so that a burst is one notice.
constexpr Millis kNewsDelay{100};
/// How long a client waits for a server to answer its subscription.
constexpr Millis kSubscribeTime{10000};
/// Notifications of no call that wait for a session; more are dropped.
constexpr size_t kMaxOtherNews = 64;

/// Who wants to hear of what. One subscription at a server serves any number of clients;
/// changes are looked at once in kNewsDelay, however many there are, and only what a
/// client would see is told.
class Subscriptions final : public SessionClients {
  public:
    /// `router` has the rules of the moment.
    Subscriptions(EventLoop& loop, Router& router, ResourceSource& source);
    ~Subscriptions();

    /// The catalog or the policy may have changed.
    void rules_changed();
    /// What some clients see that others do not may have: a server of their own has come
    /// up. Who has not been shown a list yet need not be told that it is another.
    void own_lists_changed();
    /// A server says that this resource has changed, or one below it.
    void resource_updated(const ResourcePlace& place);
    /// A server has answered what ResourceSource::want_updates() asked of it.
    void on_subscribed(const ResourcePlace& place, const Answer& answer);
    size_t size() const noexcept { return subscribers_.size(); }

    bool ask_outside(SessionQuestion question) override;
    std::optional<Question> reclaim_outside(const std::string& party,
                                            AnswererHandle server, unsigned instance,
                                            const std::string& key) override;
    void withdraw_outside(const std::string& party, AnswererHandle server,
                          unsigned instance, const std::string& key) override;
    void tell(const std::string& party, const char* method,
              const Slice& params) override;

  private:
    friend class Subscriber;
    struct Interest {
        Subscriber* who;
        std::string uri;  ///< as that client calls it
    };
    /// One whose `resources/subscribe` has not been answered.
    struct Waiter {
        Interest interest;
        AskerHandle asker;
        uint64_t tag;
        TimePoint until;
        bool restored = false;  ///< nobody asks for it now
    };
    struct Watched {
        std::vector<Interest> interested;
        std::vector<Waiter> waiters;
        bool granted = false;            ///< its server says that it tells of it
        std::optional<Answer> declined;  ///< … or what it says instead
    };

    void add(Subscriber& subscriber);
    void remove(Subscriber& subscriber);
    std::optional<Answer> subscribe(Subscriber& subscriber, const std::string& uri,
                                    AskerHandle asker, uint64_t tag,
                                    std::string_view request_id);
    void audit_refused(const Subscriber& subscriber, const std::string& uri,
                       std::string_view request_id);
    void restore(Subscriber& subscriber);
    void conclude(const std::vector<Waiter>& waiters, const Answer& answer);
    void give_up();
    std::vector<Waiter> unsubscribe(Subscriber& subscriber, const std::string& uri);
    bool may_know(const Subscriber& subscriber, const ResourcePlace& place) const;
    void tell_source(const ResourcePlace& place);
    ListDigests digests_of(const Subscriber& subscriber);
    Subscriber* session(const std::string& party) const;
    void hand_back(const SessionQuestions::Open& open, InputReply reply);
    void check();
    void schedule();

    EventLoop& loop_;
    Router& router_;
    ResourceSource& source_;
    std::set<Subscriber*> subscribers_;
    std::map<ResourcePlace, Watched> watched_;
    /// Of these rules, by identity and what it is shown.
    std::map<std::pair<std::string, std::shared_ptr<const Catalog>>, ListDigests> digests_;
    uint64_t rules_ = 0;  ///< how often they have changed
    bool rules_changed_ = false;
    bool own_lists_changed_ = false;
    Timer check_timer_;
    Timer give_up_timer_;
};

}  // namespace neuron

#endif
