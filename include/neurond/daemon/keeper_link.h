#ifndef NEUROND_DAEMON_KEEPER_LINK_H
#define NEUROND_DAEMON_KEEPER_LINK_H

#include <memory>

#include "neurond/base/fd.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

// Between the keeper and its reactor: two descriptors at fixed numbers, and packets over a
// socketpair. The first one of the keeper's holds the listening sockets (socket_parcel.h),
// those of a reactor single bytes. Whichever end closes, the other process has gone.

constexpr int kKeeperSocketFd = 3;  ///< the socketpair
constexpr int kBundleFd = 4;        ///< the validated configuration, in a memfd

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
