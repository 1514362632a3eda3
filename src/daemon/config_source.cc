// Where configurations come from. Whoever may read the keys reads them here.

#include "neurond/daemon/config_source.h"

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/conf/bundle.h"
#include "neurond/conf/dump.h"

namespace neuron {

ConfigSource::Reading ConfigSource::read() const {
    conf::RealFiles machine;
    conf::RecordingFiles files(machine);
    Reading out;
    out.checked = load_checked(options_, files, Dates::kJudge);
    out.bundle = files.serialize(options_);
    out.files = files.paths();
    return out;
}

void log_diagnostics(const char* module, const conf::Diagnostics& diagnostics) {
    for (const conf::Diagnostic& each : diagnostics.all()) {
        const char* colon = each.where.empty() ? "" : ": ";
        if (each.severity == conf::Severity::kError) {
            log_error(module, "%s%s%s", each.where.c_str(), colon, each.message.c_str());
        } else {
            log_warn(module, "%s%s%s", each.where.c_str(), colon, each.message.c_str());
        }
    }
}

void log_settings(const conf::Config& config) {
    const bool all = log_enabled(LogLevel::kDebug);
    for (const std::string& line : conf::settings_in_lines(config, all)) {
        log_info("config", "%s", escape(line, kMaxLogLineBytes).c_str());
    }
}

}  // namespace neuron
