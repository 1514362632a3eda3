#ifndef NEUROND_CONF_CHECK_TLS_H
#define NEUROND_CONF_CHECK_TLS_H

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// Which TLS keys go together, in [tls] and in each [downstream NAME]; their paths are
/// absolute. What is in the files is net/tls_context's business.
void check_tls(const Config& config, Files& files, Diagnostics& diagnostics);

/// [server] bind: an address, and one that others can reach only where callers prove who
/// they are (DESIGN 1.4), unless allow_insecure says otherwise.
void check_bind(const Config& config, Files& files, Diagnostics& diagnostics);

}  // namespace neuron::conf

#endif
