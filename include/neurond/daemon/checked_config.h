#ifndef NEUROND_DAEMON_CHECKED_CONFIG_H
#define NEUROND_DAEMON_CHECKED_CONFIG_H

#include <memory>

#include "neurond/base/fd.h"
#include "neurond/conf/bundle.h"
#include "neurond/conf/config.h"
#include "neurond/daemon/tls_setup.h"
#include "neurond/mcp/clients.h"

namespace neuron {

/// A configuration, and what was made of the files it names.
struct CheckedConfig {
    std::shared_ptr<const conf::Config> config;  ///< null if anything is wrong
    conf::Diagnostics diagnostics;               ///< warnings may stand beside a config
    TlsContexts tls;
    std::shared_ptr<const Clients> clients;
};

/// Loads a configuration, has every module check what it means, and reads the files it
/// names, all through `files`: what a keeper has recorded gives its reactor the same.
CheckedConfig load_checked(const conf::LoadOptions& options, conf::Files& files,
                           Dates dates);

/// What a keeper has recorded, from the memory that it hands over.
Result<conf::Bundle> read_bundle(const Fd& fd);

}  // namespace neuron

#endif
