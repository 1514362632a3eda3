// The paths of the daemon's own files. The verbs find the daemon by the same settings, from
// whatever directory they are called.

#include "neurond/conf/check_paths.h"

#include <sys/un.h>

#include <algorithm>

#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr size_t kMaxQuoted = 80;

struct PathKey {
    const char* section;
    const char* key;
    const char* words;  ///< what may stand there instead
};

constexpr PathKey kPathKeys[] = {
    {"server", "state_dir", ""}, {"server", "run_dir", ""}, {"server", "pid_file", ""},
    {"server", "socket", "none"}, {"audit", "path", "none"},
    {"log", "target", "stderr syslog"}, {"metrics", "file", ""},
};

bool is_good(const Section& section, const char* key) {
    const Setting* setting = section.find(key);
    return setting != nullptr && !setting->broken;
}

}  // namespace

void check_paths(const Config& config, Diagnostics& diagnostics) {
    for (const PathKey& row : kPathKeys) {
        const Section& section = config.section(row.section);
        const std::string& path = section.str(row.key);
        const std::vector<std::string_view> words = split(row.words, ' ');
        if (!is_good(section, row.key) || path.empty() || starts_with(path, "/") ||
            std::find(words.begin(), words.end(), path) != words.end()) {
            continue;
        }
        const bool others = *row.words != '\0';
        std::string wrong = others ? "\" is neither an absolute path"
                                   : "\" is not an absolute path";
        for (size_t i = 0; others && i < words.size(); ++i) {
            wrong += " nor " + std::string(words[i]);
        }
        diagnostics.error(section.place(row.key), section.path(row.key),
                          '"' + escape(path, kMaxQuoted) + wrong);
    }
    const Section& server = config.section("server");
    if (server.str("socket").size() > kMaxSocketPath) {
        diagnostics.error(server.place("socket"), server.path("socket"),
                          "longer than the path of a socket, expected at most " +
                              std::to_string(kMaxSocketPath) + " bytes");
    }
}

}  // namespace neuron::conf
