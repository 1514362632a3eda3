#ifndef NEUROND_NET_LISTENER_H
#define NEUROND_NET_LISTENER_H

#include "neurond/base/fd.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/address.h"

namespace neuron {

class Listener;

/// Gets the accepted connections of its listeners.
class ListenerOwner {
  public:
    /// Whether one more connection of this listener can be served; asked before each
    /// accept.
    virtual bool may_accept(const Listener& listener) const = 0;
    /// `socket` is non-blocking and close-on-exec.
    virtual void on_accept(Listener& listener, Fd socket) = 0;

  protected:
    ~ListenerOwner() = default;
};

/// Accepts at most kAcceptBudget connections a turn. Without descriptors, or when the
/// owner can serve no more, it stops accepting until there is room again: waiting
/// clients stay in the kernel's queue.
class Listener final : private EventHandler {
  public:
    Listener(EventLoop& loop, Fd socket, ListenerOwner& owner);

    const Address& address() const noexcept { return address_; }
    /// Call when a connection has ended: the owner may have room again.
    void resume();

  private:
    void on_ready(uint32_t events) override;
    bool accept_one();
    void pause(Millis delay);

    ListenerOwner& owner_;
    Fd socket_;
    Address address_;
    Watch watch_;
    Timer retry_;
};

}  // namespace neuron

#endif
