#ifndef NEUROND_DAEMON_DOOR_SOCKETS_H
#define NEUROND_DAEMON_DOOR_SOCKETS_H

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"
#include "neurond/daemon/door_plan.h"
#include "neurond/daemon/inherited_sockets.h"
#include "neurond/daemon/socket_file.h"

namespace neuron {

/// The listening sockets of a daemon, which outlive its reactors. Those of Unix sockets
/// take their files with them, except where a service manager made them.
class DoorSockets {
  public:
    DoorSockets() = default;
    /// `inherited`: taken instead of opening a socket, by name ("systemd:NAME") or where
    /// the address is the same.
    explicit DoorSockets(InheritedSockets inherited) : inherited_(std::move(inherited)) {}

    /// Files of Unix sockets that are opened from now on are theirs.
    void give_to(const FileOwner& owner) { owner_ = owner; }
    /// Opens what `plans` want and is not open yet; what is open under the same name and
    /// address stays as it is. On an error nothing has changed.
    Status open(const std::vector<DoorPlan>& plans);
    /// Closes what `plans` do not want. Inherited ones stay, to be taken again: who made
    /// them will not hand them over a second time.
    void keep(const std::vector<DoorPlan>& plans);
    /// Inherited ones that no plan wanted, by name.
    std::vector<std::string> unused() const { return inherited_.left(); }
    /// By name, in the order of their opening; still ours.
    std::vector<std::pair<std::string, int>> all() const;

  private:
    struct Socket {
        std::string name;
        std::string address;
        Fd plain;  ///< one of the two
        SocketFile unix;
        int lender = -1;  ///< of which `plain` is a copy, until that is closed

        int get() const noexcept { return plain ? plain.get() : unix.get(); }
    };

    Result<Socket> open_one(const DoorPlan& plan, const std::vector<int>& leaving);
    Status take_inherited(const DoorPlan& plan, const std::vector<int>& leaving,
                          Socket& out);
    Result<Socket> check_inherited(const DoorPlan& plan, Socket taken);
    Status open_into(std::deque<Socket>& fresh, const std::vector<DoorPlan>& plans);
    void release(std::deque<Socket>& sockets);
    static bool is_wanted(const Socket& open, const std::vector<DoorPlan>& plans);
    bool has(const DoorPlan& plan) const;

    InheritedSockets inherited_;
    std::optional<FileOwner> owner_;
    std::deque<Socket> sockets_;
};

}  // namespace neuron

#endif
