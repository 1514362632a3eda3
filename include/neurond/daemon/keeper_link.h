#ifndef NEUROND_DAEMON_KEEPER_LINK_H
#define NEUROND_DAEMON_KEEPER_LINK_H

#include <memory>

#include "neurond/base/fd.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

// Between the keeper and its reactor: descriptors at fixed numbers, and single bytes over
// a socketpair. Whichever end closes, the other process has gone.

constexpr int kKeeperSocketFd = 3;     ///< the socketpair
constexpr int kBundleFd = 4;           ///< the validated configuration, in a memfd
constexpr int kControlListenerFd = 5;  ///< the control socket
constexpr int kMainListenerFd = 6;     ///< [server] bind and port
constexpr int kLocalListenerFd = 7;    ///< [server] socket; not there for `none`

/// What a reactor tells its keeper.
enum class ReactorNews : char {
    kListening = 'L',  ///< it serves the listeners
};

/// Hears from the other end.
class KeeperLinkOwner {
  public:
    virtual void on_news(ReactorNews news) = 0;
    virtual void on_other_end_gone() = 0;

  protected:
    ~KeeperLinkOwner() = default;
};

/// One end of the socketpair.
class KeeperLink final : private EventHandler {
  public:
    KeeperLink(EventLoop& loop, Fd socket, KeeperLinkOwner& owner);

    void tell(ReactorNews news);

  private:
    void on_ready(uint32_t events) override;

    KeeperLinkOwner& owner_;
    Fd socket_;
    Watch watch_;
};

}  // namespace neuron

#endif
