// The start of a daemon, as far as it is the keeper's: places, lock, sockets, groups.

#include "neurond/daemon/estate.h"

#include <unistd.h>

#include "neurond/base/atomic_file.h"
#include "neurond/base/cgroup_place.h"
#include "neurond/base/log.h"

namespace neuron {

Status prepare(const conf::Config& config, const std::string& pid_file,
               Estate& estate) {
    estate.paths = daemon_paths(config);
    if (!pid_file.empty()) {
        estate.paths.pid_file = pid_file;
    }
    std::vector<std::string> dirs = {estate.paths.run_dir, estate.paths.state_dir};
    if (!config.section("audit").is_set("path")) {  // a path of the operator's is not ours
        dirs.push_back(estate.paths.audit.substr(0, estate.paths.audit.rfind('/')));
    }
    for (const std::string& dir : dirs) {
        if (Status made = make_directories(dir, 0755); !made) {
            return made;
        }
    }
    if (Status locked = estate.pid_file.acquire(estate.paths.pid_file); !locked) {
        return locked;
    }
    estate.plans = door_plans(config, estate.paths);
    Status listening = estate.doors.open(estate.plans);
    if (!listening) {
        return listening;
    }
    estate.shutdown_timeout = config.section("server").duration("shutdown_timeout");
    return Ok{};
}

std::unique_ptr<CgroupTree> make_cgroups(const conf::Config& config) {
    static CgroupFs fs;
    if (!wants_cgroups(config)) {
        return nullptr;
    }
    const Result<std::string> own = own_cgroup_dir();
    Status opened = own ? Status(Ok{}) : Status(own.error());
    std::unique_ptr<CgroupTree> tree;
    if (own) {
        tree = std::make_unique<CgroupTree>(fs, *own, ::getpid());
        opened = tree->open();
    }
    if (!opened) {
        log_warn("keeper", "no cgroups for children: %s", opened.error().message.c_str());
        return nullptr;
    }
    log_info("keeper", "cgroups of children: %s", tree->dir().c_str());
    return tree;
}

}  // namespace neuron
