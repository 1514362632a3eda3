#ifndef NEUROND_CONF_CHECK_CLIENT_H
#define NEUROND_CONF_CHECK_CLIENT_H

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// The rules of a [client ID] section: an ID that no other kind of identity can be, and at
/// least one way to prove being it.
void check_client(const Section& section, Files& files, Diagnostics& diagnostics);

/// Whether some client proves who it is by a token.
bool has_tokens(const Config& config);

/// Whether some client may use the admin API.
bool has_admin(const Config& config);

}  // namespace neuron::conf

#endif
