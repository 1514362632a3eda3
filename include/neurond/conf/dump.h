#ifndef NEUROND_CONF_DUMP_H
#define NEUROND_CONF_DUMP_H

#include <string>

#include "neurond/conf/config.h"

namespace neuron::conf {

/// The effective configuration in its own grammar: every key of every section, each with
/// its origin behind "#=", secrets masked. Canonical and a fixed point: loading a dump
/// and dumping that gives the same bytes.
std::string dump(const Config& config);

}  // namespace neuron::conf

#endif
