#ifndef NEUROND_NET_CONNECTOR_H
#define NEUROND_NET_CONNECTOR_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/address.h"
#include "neurond/net/resolver_cache.h"

namespace neuron {

/// Where to connect to.
struct ConnectTarget {
    std::string host;  ///< a name, or an IP address without brackets
    uint16_t port = 0;
    bool loopback_only = false;  ///< refuse every other address, whatever the name says
};

/// Wants a connection. Exactly one of the two is called, from the loop.
class ConnectorOwner {
  public:
    /// Non-blocking, close-on-exec, without delay (Nagle) and with TCP keep-alive.
    virtual void on_connected(Fd socket) = 0;
    /// "connect 127.0.0.1:8080: Connection refused"
    virtual void on_connect_failed(const std::string& why) = 0;

  protected:
    ~ConnectorOwner() = default;
};

/// One attempt at a TCP connection: looks the host up, then tries its addresses in order
/// until one answers or the time is over. Destruction gives up.
class Connector final : private ResolverUser, private EventHandler {
  public:
    /// `timeout` is for everything together; each address gets its share of what is left.
    Connector(EventLoop& loop, ResolverCache& names, ConnectTarget target, Millis timeout,
              ConnectorOwner& owner);

    void start();

  private:
    void on_resolved(const Result<HostAddresses>& found) override;
    void on_ready(uint32_t events) override;
    void try_next();
    bool try_one(const Address& address);
    void attempt_failed(const std::string& why);
    void done();
    void fail(const std::string& why);

    EventLoop& loop_;
    ResolverCache& names_;
    ConnectTarget target_;
    Millis timeout_;
    ConnectorOwner& owner_;
    Registration<ResolverUser> registration_;
    std::vector<Address> addresses_;
    size_t next_ = 0;
    std::string first_failure_;  ///< of the address that should have answered
    Fd socket_;
    std::optional<Watch> watch_;
    Timer attempt_;
    Timer deadline_;
};

}  // namespace neuron

#endif
