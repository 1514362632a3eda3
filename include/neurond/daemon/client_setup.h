#ifndef NEUROND_DAEMON_CLIENT_SETUP_H
#define NEUROND_DAEMON_CLIENT_SETUP_H

#include <memory>

#include "neurond/conf/config.h"
#include "neurond/mcp/clients.h"

namespace neuron {

/// The [client ID] sections, with the tokens in the files they name. What is wrong goes to
/// `diagnostics`.
std::shared_ptr<const Clients> make_clients(const conf::Config& config,
                                            conf::Files& files,
                                            conf::Diagnostics& diagnostics);

}  // namespace neuron

#endif
