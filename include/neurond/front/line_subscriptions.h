#ifndef NEUROND_FRONT_LINE_SUBSCRIPTIONS_H
#define NEUROND_FRONT_LINE_SUBSCRIPTIONS_H

#include <memory>
#include <string_view>
#include <vector>

#include "neurond/mcp/listen.h"

namespace neuron {

/// The connection whose client is told.
class LineSubscriptionsOwner {
  public:
    virtual void say_news(OutQueue&& message) = 0;
    virtual bool news_congested() const = 0;
    /// A legacy client may be told only when it has shaken hands and still listens.
    virtual bool may_tell_legacy() const = 0;

  protected:
    ~LineSubscriptionsOwner() = default;
};

/// What one connection of lines wants to hear of: as a legacy client, by any number of
/// `subscriptions/listen` as a modern one, or both.
class LineSubscriptions final : private ListenOwner {
  public:
    LineSubscriptions(EventLoop& loop, Subscriptions& hub,
                      LineSubscriptionsOwner& owner);
    ~LineSubscriptions();

    /// The client has sent `initialize`.
    void begin_legacy(const Identity& identity, const View& view);
    /// Null before begin_legacy().
    Subscriber* legacy() const noexcept;
    /// What waits can perhaps be told now.
    void flush_legacy();

    /// False when a listen with this id is open already.
    bool listen(const Identity& identity, const View& view, const ListenFilter& filter,
                std::string_view id_raw);
    /// Ends the listen with this id without a word; false when there is none.
    bool cancel(std::string_view id_raw);
    /// Ends all listens in good order.
    void finish();
    /// The connection has gone.
    void drop();

  private:
    class Legacy;

    void on_listen_message(Listen& listen, OutQueue&& message) override;
    bool listen_congested(const Listen& listen) const override;
    void on_listen_over(Listen& listen, const char* why) override;
    void remove(const Listen& listen);

    EventLoop& loop_;
    Subscriptions& hub_;
    LineSubscriptionsOwner& owner_;
    std::unique_ptr<Legacy> legacy_;
    std::vector<std::unique_ptr<Listen>> listens_;
};

}  // namespace neuron

#endif
