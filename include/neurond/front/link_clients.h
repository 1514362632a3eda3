#ifndef NEUROND_FRONT_LINK_CLIENTS_H
#define NEUROND_FRONT_LINK_CLIENTS_H

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "neurond/base/owned_set.h"
#include "neurond/front/http_server.h"
#include "neurond/front/link_client.h"
#include "neurond/front/request_ids.h"

namespace neuron {

/// What all doors to links have in common.
struct LinkSettings {
    LinkLimits link;
    Millis stall_timeout{30000};  ///< for a client that does not read
    bool strict_names = false;    ///< `names = strict`, unless the client says otherwise
};

/// The clients that came through one door and talk over links.
class LinkClients final : private LinkClientOwner {
  public:
    /// `door` names it in the log; static. `changed` is called after each coming and going.
    LinkClients(EventLoop& loop, const char* door, Router& router,
                Subscriptions& subscriptions, const LinkSettings& settings,
                std::function<void()> changed);
    ~LinkClients();

    /// For clients that come from now on.
    void change(const LinkSettings& settings) noexcept { settings_ = settings; }
    /// What `hand_on` hands a client's link has come under this id (X-Request-Id).
    void under(const std::string& request_id, const std::function<void()>& hand_on);
    void add(Credentials shown, View view, const LinkMaker& make_link);
    /// Ends those that `server` would not let in as the same any more, each after its last
    /// answer.
    void judge_again(const HttpServer& server);
    const char* door() const noexcept { return door_; }
    size_t size() const noexcept { return clients_.size(); }
    bool empty() const noexcept { return clients_.empty(); }
    /// Legacy clients that have shaken hands, by revision, added to `counts`.
    void count(std::map<Revision, size_t>& counts) const;
    /// How many those are.
    size_t sessions() const;
    /// Each ends after its last answer.
    void drain();

  private:
    const char* door_name() const noexcept override { return door_; }
    Millis stall_timeout() const noexcept override { return settings_.stall_timeout; }
    std::string new_request_id() override {
        return given_id_.empty() ? request_ids_.next() : given_id_;
    }
    void on_link_client_closed(LinkClient& client, const std::string& reason) override;

    EventLoop& loop_;
    const char* door_;
    Router& router_;
    Subscriptions& subscriptions_;
    LinkSettings settings_;
    std::function<void()> changed_;
    RequestIds request_ids_;
    std::string given_id_;  ///< of what is being handed on; empty: it has none
    OwnedSet<LinkClient> clients_;
};

}  // namespace neuron

#endif
