#ifndef NEUROND_DAEMON_INHERITED_SOCKETS_H
#define NEUROND_DAEMON_INHERITED_SOCKETS_H

#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/net/address.h"

namespace neuron {

/// Listening sockets that a service manager has opened for this process, as
/// sd_listen_fds(3) describes: LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES.
class InheritedSockets {
  public:
    InheritedSockets() = default;

    /// Reads the three variables and removes them, so that no child takes the sockets for
    /// its own. They become close-on-exec and non-blocking. Empty where there are none or
    /// they are meant for another process.
    static InheritedSockets from_environment();

    /// The first one of that name; an empty Fd where there is none.
    Fd take_named(std::string_view name);
    /// The one bound to that address; as above.
    Fd take_bound(const Address& address);
    /// Whether `fd` is one of them, of that name.
    bool is_named(int fd, std::string_view name) const;
    /// … whatever its name.
    bool is_one(int fd) const;
    /// Takes back what one of these two has given, to be taken again; leaves any other
    /// descriptor where it is.
    void give_back(Fd& fd);
    /// Names of those that nobody has taken.
    std::vector<std::string> left() const;

  private:
    struct Socket {
        std::string name;
        Fd fd;
        int number;  ///< of `fd`, also while somebody else has it
    };

    std::vector<Socket> sockets_;
};

}  // namespace neuron

#endif
