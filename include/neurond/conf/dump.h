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

/// A line of such a dump, in its parts.
struct ShownSetting {
    std::string section;
    std::string name;  ///< of [section name]; empty without one
    std::string key;
    std::string value;  ///< as it may stand in a file; a secret is masked
    std::string origin;
};

/// What is in force in a daemon that began with `started`: keys that need a restart are as
/// they were then. In the order of dump().
std::vector<ShownSetting> settings_in_force(const Config& config, const Config& started);
/// The grammar again: what dump() makes of a configuration.
std::string dump(const std::vector<ShownSetting>& settings);

/// For the log: a line for each section in which something is set, with what is set there
/// and, with `defaults`, with all the rest: "[server] port = 9000; bind = ::1". Secrets are
/// masked.
std::vector<std::string> settings_in_lines(const Config& config, bool defaults);

}  // namespace neuron::conf

#endif
