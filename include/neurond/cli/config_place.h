#ifndef NEUROND_CLI_CONFIG_PLACE_H
#define NEUROND_CLI_CONFIG_PLACE_H

#include <string>
#include <vector>

#include "neurond/base/result.h"

namespace neuron {

struct Options;

/// Error::sys of an error in a configuration; no errno is negative. fail() (admin.h) makes
/// it exit code 78.
constexpr int kBadConfig = -1;

/// Where a configuration is looked for when -c names none.
struct ConfigPlaces {
    std::string system = "/etc/neurond/neurond.conf";
    std::string local = "neurond.conf";  ///< in the working directory; empty: not there
};

/// The places for this process: root never takes a file from its working directory.
ConfigPlaces config_places();

/// `given` if it is not empty, else the first place that has a file, readable or not. The
/// error names what was looked for.
Result<std::string> find_config(const std::string& given, const ConfigPlaces& places);

/// The control socket the verbs talk to: --control, else in the run directory of the
/// configuration, else in the default one. A configuration that was not named by -c and
/// cannot be loaded is passed over with a warning on stderr, because the daemon it once
/// started may still run; one that was named is an error with sys = kBadConfig, and its
/// diagnostics are on stderr.
Result<std::string> find_control_socket(const Options& options);

/// The state directory of the daemon that the configuration describes, or the default.
Result<std::string> find_state_dir(const Options& options);

/// Where the socket for clients may be, the likeliest first: --socket, else as the
/// configuration has it, else at the default places: this user's own daemon, then the
/// machine's. A configuration as above; one whose daemon has no such socket is an error.
Result<std::vector<std::string>> find_local_sockets(const Options& options);

}  // namespace neuron

#endif
