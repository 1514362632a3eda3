#ifndef NEUROND_CONF_DUMP_H
#define NEUROND_CONF_DUMP_H

#include <string>
#include <vector>

#include "neurond/conf/config.h"

namespace neuron::conf {

/// The effective configuration in its own grammar: every key of every section, each with
/// its origin behind "#=", secrets masked. Canonical and a fixed point: loading a dump
/// and dumping that gives the same bytes.
std::string dump(const Config& config);

/// For the log: a line for each section in which something is set, with what is set there
/// and, with `defaults`, with all the rest: "[server] port = 9000; bind = ::1". Secrets are
/// masked.
std::vector<std::string> settings_in_lines(const Config& config, bool defaults);

}  // namespace neuron::conf

#endif
