#ifndef NEUROND_CONF_CHECK_PATHS_H
#define NEUROND_CONF_CHECK_PATHS_H

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"

namespace neuron::conf {

/// Where neurond itself keeps things. A relative path would mean another place for each
/// directory the daemon and its verbs are started in, so it is an error.
void check_paths(const Config& config, Diagnostics& diagnostics);

}  // namespace neuron::conf

#endif
