#ifndef NEUROND_MCP_SUBSCRIPTIONS_H
#define NEUROND_MCP_SUBSCRIPTIONS_H

#include <array>
#include <cstdint>
#include <map>
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

/// What one client sees of each list, in short.
using ListDigests = std::array<uint64_t, 3>;

/// `catalog` is the view's own (Catalog::seen_as).
ListDigests digest_lists(const Catalog& catalog, const Policy& policy,
                         std::string_view identity);

/// What is to be told: each list and each resource once, however often it has changed.
struct News {
    ListSet lists = 0;
    std::set<std::string> resources;  ///< URIs that were updated, as this client knows them
    bool empty() const noexcept { return lists == 0 && resources.empty(); }
};

class Subscriptions;

/// Somebody who is told of changes: a legacy session or connection, or one
/// `subscriptions/listen`. From its beginning it is told when what it would see of a list
/// has changed. News wait here until they are taken, so that a client which does not read
/// costs no more than one that does.
class Subscriber {
  public:
    /// `hub` outlives it.
    Subscriber(Subscriptions& hub, Identity identity, View view, ListSet lists);
    virtual ~Subscriber();
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;

    /// Nothing is told any more; what was subscribed to ends.
    void leave();
    /// False when there is no such resource for this client, or its server tells of no
    /// changes.
    bool subscribe(const std::string& uri);
    void unsubscribe(const std::string& uri);
    const std::set<std::string>& resources() const noexcept { return resources_; }

    const News& news() const noexcept { return news_; }
    News take_news() { return std::exchange(news_, {}); }
    /// Something may have been missed: everything is news.
    void assume_all_changed();

  private:
    friend class Subscriptions;
    /// There is something to be told. From the loop, never from inside a call.
    virtual void on_news() = 0;

    Subscriptions& hub_;
    Identity identity_;
    View view_;
    ListSet lists_;
    ListDigests seen_;
    std::set<std::string> resources_;
    News news_;
};

/// A resource as its server knows it.
struct ResourcePlace {
    std::string downstream;
    std::string uri;
    bool operator<(const ResourcePlace& other) const {
        return std::tie(downstream, uri) < std::tie(other.downstream, other.uri);
    }
};

/// Finds whose a resource is, and asks for its updates.
class ResourceSource {
  public:
    /// Nothing when this client may not read it, or its server has no subscriptions.
    virtual std::optional<ResourcePlace> place_of(const std::string& uri,
                                                  const View& view,
                                                  const Identity& identity) const = 0;
    /// The resources of one server of which somebody wants to hear.
    virtual void want_updates(const std::string& downstream,
                              const std::set<std::string>& uris) = 0;

  protected:
    ~ResourceSource() = default;
};

/// What clients are told comes this much later, so that a burst is one notice.
constexpr Millis kNewsDelay{100};

/// Who wants to hear of what. One subscription at a server serves any number of clients;
/// changes are looked at once in kNewsDelay, however many there are, and only what a
/// client would see is told.
class Subscriptions {
  public:
    /// `router` has the rules of the moment.
    Subscriptions(EventLoop& loop, const Router& router, ResourceSource& source);
    ~Subscriptions();

    /// The catalog or the policy may have changed.
    void rules_changed();
    /// A server says that this resource has changed, or one below it.
    void resource_updated(const std::string& downstream, const std::string& uri);
    size_t size() const noexcept { return subscribers_.size(); }

  private:
    friend class Subscriber;
    struct Interest {
        Subscriber* who;
        std::string uri;  ///< as that client calls it
    };

    void add(Subscriber& subscriber);
    void remove(Subscriber& subscriber);
    bool subscribe(Subscriber& subscriber, const std::string& uri);
    void unsubscribe(Subscriber& subscriber, const std::string& uri);
    bool may_know(const Subscriber& subscriber, const std::string& downstream,
                  const std::string& uri) const;
    void tell_source(const std::string& downstream);
    ListDigests digests_of(const Subscriber& subscriber);
    void check();
    void schedule();

    const Router& router_;
    ResourceSource& source_;
    std::set<Subscriber*> subscribers_;
    std::map<ResourcePlace, std::vector<Interest>> interests_;
    std::map<std::pair<std::string, View>, ListDigests> digests_;  ///< of these rules
    bool rules_changed_ = false;
    Timer check_timer_;
};

}  // namespace neuron

#endif
