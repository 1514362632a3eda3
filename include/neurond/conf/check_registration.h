#ifndef NEUROND_CONF_CHECK_REGISTRATION_H
#define NEUROND_CONF_CHECK_REGISTRATION_H

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// [registration]: who is told about this node, and what.
void check_registration(const Config& config, Files& files, Diagnostics& diagnostics);

}  // namespace neuron::conf

#endif
