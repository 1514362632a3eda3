#ifndef NEUROND_DAEMON_REGISTRATION_SETUP_H
#define NEUROND_DAEMON_REGISTRATION_SETUP_H

#include <cstdint>
#include <optional>
#include <string>

#include "neurond/conf/config.h"
#include "neurond/daemon/tls_setup.h"
#include "neurond/fleet/membership.h"

namespace neuron {

/// What [registration] wants; nothing where it is not there. `node_id` is the one of the
/// state directory, `port` the one that [server] listens on.
std::optional<MembershipSettings> membership_settings(const conf::Config& config,
                                                      const TlsContexts& tls,
                                                      const std::string& node_id,
                                                      uint16_t port);

}  // namespace neuron

#endif
