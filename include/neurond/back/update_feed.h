#ifndef NEUROND_BACK_UPDATE_FEED_H
#define NEUROND_BACK_UPDATE_FEED_H

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "neurond/loop/event_loop.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/leg.h"

namespace neuron {

/// Speaks for a feed: an instance.
class UpdateFeedOwner {
  public:
    /// Sends `resources/subscribe`, or `unsubscribe`; its id.
    virtual uint64_t send_subscribe(const std::string& uri, bool subscribe) = 0;
    /// Sends `subscriptions/listen` for all lists and these resources; its id.
    virtual uint64_t send_listen(const std::set<std::string>& uris) = 0;
    /// Takes a listen back.
    virtual void end_listen(uint64_t id) = 0;
    /// For a while nobody was told of changes: whatever is known may be old.
    virtual void on_updates_missed() = 0;
    /// What the server says to a resource that is wanted: it will tell of it, or not.
    virtual void on_subscribed(const std::string& uri, const Answer& answer) = 0;

  protected:
    ~UpdateFeedOwner() = default;
};

/// Keeps one server telling what neurond wants to hear of, however many clients want it:
/// a legacy server by a subscription for each resource, a modern one by a single
/// `subscriptions/listen`. A listen is changed by opening the next one first, so that
/// nothing is missed in between; one that ends by itself is opened again after a pause.
class UpdateFeed {
  public:
    UpdateFeed(EventLoop& loop, UpdateFeedOwner& owner);

    /// The server has been greeted and knows of no subscription.
    void begin(const ServerHello& hello);
    /// The resources that somebody wants to hear of, whatever the server is doing.
    void want(std::set<std::string> uris);
    const std::set<std::string>& wanted() const noexcept { return wanted_; }
    /// A listen is in force, for what of these resources it asked for.
    void on_acknowledged(uint64_t listen, const std::set<std::string>& resources);
    /// The answer to a request of its: a listen has ended then, and after an error of the
    /// server's there is no use in another.
    void on_answer(uint64_t id, const Answer& answer);
    /// The server is gone, or must be greeted again.
    void stop();

  private:
    void sync();
    void sync_legacy();
    void sync_modern();
    void on_over(uint64_t listen, bool refused);
    bool on_subscribe_answer(uint64_t id, const Answer& answer);
    std::set<std::string> to_ask() const;
    void refuse(const std::set<std::string>& uris);
    bool may_listen() const;

    UpdateFeedOwner& owner_;
    bool running_ = false;
    bool refused_ = false;
    ServerHello hello_;
    std::set<std::string> wanted_;
    std::set<std::string> told_;     ///< what the server has been asked for
    std::map<uint64_t, std::string> asked_;  ///< of those, subscribing to which is open
    std::set<std::string> declined_;  ///< wanted, but the server does not tell of them
    std::set<std::string> opening_;  ///< what the next listen asks for
    uint64_t listen_ = 0;            ///< in force; 0 = none
    uint64_t next_listen_ = 0;       ///< not acknowledged yet; 0 = none
    bool lost_ = false;              ///< nobody listened for a while
    Millis pause_;
    Timer again_;
};

}  // namespace neuron

#endif
