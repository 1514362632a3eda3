#ifndef NEUROND_DAEMON_KEEPER_LINK_H
#define NEUROND_DAEMON_KEEPER_LINK_H

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"
#include "neurond/daemon/socket_parcel.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

// Between the keeper and its reactor: three descriptors at fixed numbers, and packets over
// a socketpair. Those of the keeper are parcels of descriptors (socket_parcel.h), those of
// a reactor single bytes. Whichever end closes, the other process has gone.
//
// The first parcel holds the listening sockets. A reload is the reactor's affair; the
// keeper reads the files for it, and opens sockets, because it may do what the reactor may
// not:
//
//     reactor ──kLoad──> keeper ──good, sockets──> reactor ──kAdopted──> keeper
//                               ──bad───────────>

constexpr int kKeeperSocketFd = 3;  ///< the socketpair
constexpr int kBundleFd = 4;        ///< the validated configuration, in a memfd
constexpr int kFirstBundleFd = 5;   ///< the one the keeper started with, likewise

/// What a reactor tells its keeper.
enum class ReactorWord : char {
    kListening = 'L',  ///< it serves the listeners
    kLoad = 'R',       ///< read and check the configuration as it is now, open its sockets
    kTry = 'T',        ///< the same, but open nothing
    kAdopted = 'A',    ///< it runs what was good, and so shall its successors
    kSettled = 'S',    ///< what began with kLoad is over, well or not
    kAlive = 'P',      ///< its loop turns (kAliveOption)
};

// The first descriptor of the parcel that answers kLoad or kTry.
constexpr const char* kGoodParcel = "good";  ///< a bundle; the new sockets come behind it
constexpr const char* kBadParcel = "bad";    ///< a text: what is wrong

/// Hears from the other end.
class KeeperLinkOwner {
  public:
    virtual void on_word(ReactorWord) {}
    virtual void on_parcel(std::vector<NamedFd>) {}
    virtual void on_other_end_gone() = 0;

  protected:
    ~KeeperLinkOwner() = default;
};

/// One end of the socketpair.
class KeeperLink final : private EventHandler {
  public:
    enum class End { kKeeper, kReactor };

    KeeperLink(EventLoop& loop, End end, Fd socket, KeeperLinkOwner& owner);

    /// Of the reactor's end.
    void tell(ReactorWord word);
    /// Of the keeper's; the descriptors stay ours, too.
    Status send(const std::vector<std::pair<std::string, int>>& parcel);

  private:
    void on_ready(uint32_t events) override;
    void take_word();
    void take_parcel();
    void gone();

    End end_;
    KeeperLinkOwner& owner_;
    Fd socket_;
    Watch watch_;
};

/// Two ends, non-blocking and close-on-exec.
Status make_keeper_sockets(Fd& ours, Fd& theirs);

}  // namespace neuron

#endif
