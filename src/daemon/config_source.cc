// Where configurations come from. Whoever may read the keys reads them here.

#include "neurond/daemon/config_source.h"

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/conf/bundle.h"
#include "neurond/wire/json_write.h"

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

std::string settings_json(const std::vector<conf::ShownSetting>& settings) {
    JsonWriter w;
    w.begin_array();
    for (const conf::ShownSetting& each : settings) {
        w.begin_object().key("section").string(each.section);
        w.key("name").string(each.name);
        w.key("key").string(each.key);
        w.key("value").string(each.value);
        w.key("origin").string(each.origin).end_object();
    }
    return w.end_array().take();
}

}  // namespace neuron
