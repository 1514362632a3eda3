#ifndef NEUROND_FLEET_REGISTRAR_H
#define NEUROND_FLEET_REGISTRAR_H

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "neurond/fleet/membership.h"

namespace neuron {

/// Where this node is registered, across changes of the configuration.
class Registrar {
  public:
    Registrar(EventLoop& loop, ResolverCache& names);
    ~Registrar();

    /// From now on there; nothing: nowhere. Leaves where it was, if that is elsewhere.
    void use(std::optional<MembershipSettings> settings);
    /// The node serves: register. Again: nothing.
    void begin();
    /// The node stops serving: deregister. `done` comes within a few seconds, perhaps at
    /// once.
    void leave(std::function<void()> done);

    /// For people; empty when it is to be registered nowhere.
    std::string describe() const;

  private:
    void part();
    void on_left(const Membership* who);

    EventLoop& loop_;
    ResolverCache& names_;
    bool begun_ = false;
    std::unique_ptr<Membership> current_;
    std::vector<std::unique_ptr<Membership>> leaving_;
    std::function<void()> left_;
};

}  // namespace neuron

#endif
