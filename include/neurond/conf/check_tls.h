#ifndef NEUROND_CONF_CHECK_TLS_H
#define NEUROND_CONF_CHECK_TLS_H

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// Which TLS keys go together, in [tls], in each [listener NAME] and [downstream NAME], and
/// in [registration]; their paths are absolute. What is in the files is the business of
/// net/tls_context.
void check_tls(const Config& config, Files& files, Diagnostics& diagnostics);

/// Whether callers of a listener with the TLS keys of this section prove who they are.
bool authenticates(const Config& config, const Section& tls);

}  // namespace neuron::conf

#endif
