// Where configurations come from. Whoever may read the keys reads them here.

#include "neurond/daemon/config_source.h"

#include "neurond/base/log.h"
#include "neurond/conf/bundle.h"

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

}  // namespace neuron
