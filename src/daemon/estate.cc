// The start of a daemon, as far as it is the keeper's: places, lock, sockets, groups.

#include "neurond/daemon/estate.h"

#include <unistd.h>

#include "neurond/base/cgroup_place.h"
#include "neurond/base/log.h"

namespace neuron {

Status prepare(const conf::Config& config, const std::string& pid_file,
               Estate& estate) {
    estate.paths = daemon_paths(config);
    if (!pid_file.empty()) {
        estate.paths.pid_file = pid_file;
    }
    Result<std::optional<Account>> account = account_of(config);
    if (!account) {
        return account.error();
    }
    estate.account = std::move(*account);
    if (estate.account) {
        estate.doors.give_to(estate.account->ids);
    }
    if (Status made = make_directory_for(estate.paths.run_dir, std::nullopt); !made) {
        return made;
    }
    std::vector<std::string> dirs = {estate.paths.state_dir};
    if (!config.section("audit").is_set("path")) {  // a path of the operator's is not ours
        dirs.push_back(estate.paths.audit.substr(0, estate.paths.audit.rfind('/')));
    }
    for (const std::string& dir : dirs) {
        if (Status made = make_directory_for(dir, estate.account); !made) {
            return made;
        }
    }
    if (Status locked = estate.pid_file.acquire(estate.paths.pid_file); !locked) {
        return locked;
    }
    prepare_audit(estate);
    estate.plans = door_plans(config, estate.paths);
    Status listening = estate.doors.open(estate.plans);
    if (!listening) {
        return listening;
    }
    estate.shutdown_timeout = config.section("server").duration("shutdown_timeout");
    return Ok{};
}

void prepare_audit(const Estate& estate) {
    if (estate.account && estate.paths.audit != "none") {
        (void)open_to_append(estate.paths.audit, kAuditFileMode, estate.account->ids);
    }
}

std::unique_ptr<CgroupTree> make_cgroups(const conf::Config& config,
                                         const std::optional<Account>& account) {
    static CgroupFs fs;
    if (!wants_cgroups(config)) {
        return nullptr;
    }
    const Result<std::string> own = own_cgroup_dir();
    Status opened = own ? Status(Ok{}) : Status(own.error());
    std::unique_ptr<CgroupTree> tree;
    if (own) {
        tree = std::make_unique<CgroupTree>(fs, *own, ::getpid());
        opened = tree->open(account ? std::optional<FileOwner>(account->ids)
                                    : std::nullopt);
    }
    if (!opened) {
        log_warn("keeper", "no cgroups for children: %s", opened.error().message.c_str());
        return nullptr;
    }
    log_info("keeper", "cgroups of children: %s", tree->dir().c_str());
    return tree;
}

}  // namespace neuron
