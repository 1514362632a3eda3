#ifndef NEUROND_DAEMON_SERVICE_MANAGER_H
#define NEUROND_DAEMON_SERVICE_MANAGER_H

#include <string>
#include <string_view>

#include "neurond/base/clock.h"

namespace neuron {

/// What a service manager is told about this process, as sd_notify(3) describes. Does
/// nothing where there is none. Nothing is waited for: a manager that does not read loses
/// the message.
class ServiceManager {
  public:
    ServiceManager() = default;

    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them, so that
    /// children cannot speak for us.
    static ServiceManager from_environment();

    bool present() const noexcept { return !socket_.empty(); }
    /// How often alive() is to be called; 0: nobody waits for it.
    Millis watchdog() const noexcept { return watchdog_; }

    /// It serves. `status`: one line for people.
    void ready(std::string_view status) const;
    void reloading() const;
    void stopping() const;
    void alive() const { send("WATCHDOG=1"); }

  private:
    void send(std::string_view message) const;

    std::string socket_;  ///< a path, or an abstract name behind "@"
    Millis watchdog_{0};
};

}  // namespace neuron

#endif
