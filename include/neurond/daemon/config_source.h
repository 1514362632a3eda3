#ifndef NEUROND_DAEMON_CONFIG_SOURCE_H
#define NEUROND_DAEMON_CONFIG_SOURCE_H

#include <string>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/conf/dump.h"
#include "neurond/daemon/checked_config.h"

namespace neuron {

/// Reads the daemon's configuration from the machine, at the start and for each reload.
class ConfigSource {
  public:
    explicit ConfigSource(conf::LoadOptions options) : options_(std::move(options)) {}

    struct Reading {
        CheckedConfig checked;
        std::string bundle;              ///< all that was seen; the same for a reactor
        std::vector<std::string> files;  ///< that were read or looked for
    };
    /// Blocks as long as the disk does.
    Reading read() const;
    const std::string& path() const noexcept { return options_.path; }

  private:
    conf::LoadOptions options_;
};

/// All that is wrong, one line of the log each.
void log_diagnostics(const char* module, const conf::Diagnostics& diagnostics);

/// What holds, secrets masked: with log.level debug the defaults, too.
void log_settings(const conf::Config& config);

/// As JSON: a list of objects with the members `section`, `name` (of [section name], or
/// ""), `key`, `value` and `origin`.
std::string settings_json(const std::vector<conf::ShownSetting>& settings);

}  // namespace neuron

#endif
