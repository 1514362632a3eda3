#ifndef NEUROND_FRONT_LINK_SUBSCRIPTIONS_H
#define NEUROND_FRONT_LINK_SUBSCRIPTIONS_H

#include <memory>
#include <string_view>
#include <vector>

#include "neurond/front/link_peer.h"
#include "neurond/mcp/listen.h"

namespace neuron {

/// What the client of a link wants to hear of: as a legacy client, by any number of
/// `subscriptions/listen` as a modern one, or both.
class LinkSubscriptions final : private ListenOwner {
  public:
    LinkSubscriptions(EventLoop& loop, Subscriptions& hub, const LinkPeer& peer,
                      LinkVoice& voice, const char* door);
    ~LinkSubscriptions();

    /// The client has sent `initialize`.
    void begin_legacy();
    /// Null before begin_legacy().
    Subscriber* legacy() const noexcept;
    /// What waits can perhaps be told now.
    void flush_legacy();

    /// `caps`: what the client can do, by this request. False when a listen with this id
    /// is open already.
    bool listen(const ListenFilter& filter, ClientCaps caps, std::string_view id_raw);
    /// Ends the listen with this id without a word; false when there is none.
    bool cancel(std::string_view id_raw);
    /// Ends all listens in good order.
    void finish();
    /// The link has gone.
    void drop();

  private:
    class Legacy;

    void on_listen_message(Listen& listen, OutQueue&& message) override;
    bool listen_congested(const Listen& listen) const override;
    void on_listen_over(Listen& listen, const char* why) override;
    void remove(const Listen& listen);

    EventLoop& loop_;
    Subscriptions& hub_;
    const LinkPeer& peer_;
    LinkVoice& voice_;
    const char* door_;
    std::unique_ptr<Legacy> legacy_;
    std::vector<std::unique_ptr<Listen>> listens_;
};

}  // namespace neuron

#endif
