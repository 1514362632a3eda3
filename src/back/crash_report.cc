// Why a child died is asked days later, when its last words have long left the log. So
// they are kept, and kept bounded: a child that crashes for ever must not fill a disk.

#include "neurond/back/crash_report.h"

#include <dirent.h>

#include <algorithm>

#include "neurond/base/atomic_file.h"
#include "neurond/base/limits.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr std::string_view kEnding = ".json";

void write_status(JsonWriter& json, const ExitStatus& status) {
    json.key("exit_status");
    status.signal == 0 ? json.integer(status.code) : json.null();
    json.key("signal");
    status.signal != 0 ? json.integer(status.signal) : json.null();
}

std::string render(const CrashFacts& facts, size_t args, size_t lines) {
    JsonWriter json;
    json.begin_object().key("server").string(facts.server);
    write_status(json, facts.status);
    const std::string reason = mask_secrets(facts.reason);
    json.key("reason").string(std::string_view(reason).substr(0, kStderrLineBytes));
    json.key("uptime_seconds").number(static_cast<double>(facts.uptime.count()) / 1000);
    json.key("command").string(facts.command);
    json.key("args").begin_array();
    for (size_t n = 0; n < args; ++n) {
        json.string(facts.args[n]);
    }
    json.end_array().key("timestamp").string(to_rfc3339(facts.time));
    json.key("stderr").begin_array();
    for (size_t n = facts.stderr_tail.size() - lines; n < facts.stderr_tail.size(); ++n) {
        json.string(facts.stderr_tail[n]);
    }
    json.end_array().end_object();
    return json.take() + "\n";
}

uint64_t seconds_of(WallTime time) {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch())
            .count());
}

}  // namespace

std::string crash_report_json(const CrashFacts& facts) {
    size_t args = facts.args.size();
    size_t lines = facts.stderr_tail.size();
    std::string text = render(facts, args, lines);
    while (text.size() > kMaxCrashReportBytes && (args > 0 || lines > 0)) {
        args > 0 ? args /= 2 : lines /= 2;
        text = render(facts, args, lines);
    }
    return text;
}

Status CrashReports::open() {
    if (Status made = make_directories(dir_, 0700); !made) {
        return made;
    }
    DIR* dir = ::opendir(dir_.c_str());
    if (dir == nullptr) {
        return sys_error("list", dir_);
    }
    while (const dirent* entry = ::readdir(dir)) {
        const std::string_view name = entry->d_name;
        const size_t dash = name.rfind('-');
        if (dash == name.npos || !ends_with(name, kEnding)) {
            continue;
        }
        const size_t begin = dash + 1;
        const auto seconds =
            parse_u64(name.substr(begin, name.size() - kEnding.size() - begin));
        if (seconds) {
            files_.push_back({*seconds, std::string(name)});
        }
    }
    ::closedir(dir);
    std::sort(files_.begin(), files_.end(),
              [](const File& a, const File& b) { return a.seconds < b.seconds; });
    return Ok{};
}

void CrashReports::add(const CrashFacts& facts) {
    const uint64_t seconds = seconds_of(facts.time);
    const std::string name =
        facts.server + "-" + std::to_string(seconds) + std::string(kEnding);
    const bool known = std::any_of(files_.begin(), files_.end(),
                                   [&](const File& file) { return file.name == name; });
    disk_.write(dir_ + "/" + name, crash_report_json(facts));
    if (!known) {
        files_.push_back({seconds, name});
    }
    while (files_.size() > kMaxCrashReports) {
        disk_.remove(dir_ + "/" + files_.front().name);
        files_.pop_front();
    }
}

}  // namespace neuron
