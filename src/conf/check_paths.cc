// The paths of the daemon's own files. The verbs find the daemon by the same settings, from
// whatever directory they are called.

#include "neurond/conf/check_paths.h"

#include <sys/un.h>

#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr size_t kMaxQuoted = 80;

struct PathKey {
    const char* section;
    const char* key;
    bool may_be_none;  ///< the word `none` switches it off
};

constexpr PathKey kPathKeys[] = {
    {"server", "state_dir", false}, {"server", "run_dir", false},
    {"server", "pid_file", false},  {"server", "socket", true},
    {"audit", "path", true},
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
        if (!is_good(section, row.key) || path.empty() || starts_with(path, "/") ||
            (row.may_be_none && path == "none")) {
            continue;
        }
        diagnostics.error(
            section.place(row.key), section.path(row.key),
            '"' + escape(path, kMaxQuoted) +
                (row.may_be_none ? "\" is neither an absolute path nor none"
                                 : "\" is not an absolute path"));
    }
    const Section& server = config.section("server");
    if (server.str("socket").size() > kMaxSocketPath) {
        diagnostics.error(server.place("socket"), server.path("socket"),
                          "longer than the path of a socket, expected at most " +
                              std::to_string(kMaxSocketPath) + " bytes");
    }
}

}  // namespace neuron::conf
