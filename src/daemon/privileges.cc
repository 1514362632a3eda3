// Root opens what only root may open; who talks to the world and to programs is somebody
// else.

#include "neurond/daemon/privileges.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "neurond/base/atomic_file.h"
#include "neurond/base/text.h"
#include "neurond/conf/files.h"

namespace neuron {

namespace {

bool g_was_root = false;  ///< before become()

bool is_empty(const std::string& path) {
    DIR* stream = ::opendir(path.c_str());
    if (stream == nullptr) {
        return false;
    }
    int entries = 0;
    while (entries <= 2 && ::readdir(stream) != nullptr) {
        ++entries;
    }
    ::closedir(stream);
    return entries <= 2;  // itself and its parent
}

}  // namespace

Result<std::optional<Account>> account_of(const conf::Config& config) {
    const conf::Section& server = config.section("server");
    const std::string& name = server.str("user");
    if (name.empty()) {
        return std::optional<Account>();
    }
    const passwd* known = ::getpwnam(name.c_str());
    if (known == nullptr) {
        return Error{"find user " + escape(name) + ": there is none"};
    }
    if (known->pw_uid == ::geteuid()) {
        return std::optional<Account>();
    }
    Account out{name, known->pw_dir, {known->pw_uid, known->pw_gid}};
    const std::string& group = server.str("group");
    if (!group.empty()) {
        const Result<uint32_t> id = conf::group_id(group);
        if (!id) {
            return id.error();
        }
        out.ids.gid = *id;
    }
    return std::optional<Account>(std::move(out));
}

std::optional<FileOwner> owner_of_files(const conf::Config& config) {
    const Result<std::optional<Account>> account = account_of(config);
    return ::geteuid() == 0 && account && *account
               ? std::optional<FileOwner>((*account)->ids)
               : std::nullopt;
}

std::string as_text(const Account& account) {
    return std::to_string(account.ids.uid) + ":" + std::to_string(account.ids.gid) + ":" +
           account.name;
}

/// Groups first: afterwards we may not any more.
Status become(const std::string& as) {
    const std::vector<std::string_view> parts = split(as, ':');
    const auto uid = parse_u64(parts.front());
    const auto gid = parts.size() == 3 ? parse_u64(parts[1]) : std::nullopt;
    if (!uid || !gid) {
        return Error{"change to user: there is none"};
    }
    const std::string name(parts[2]);
    g_was_root = ::geteuid() == 0;
    const auto group = static_cast<gid_t>(*gid);
    const auto user = static_cast<uid_t>(*uid);
    if (::initgroups(name.c_str(), group) != 0 ||
        ::setresgid(group, group, group) != 0 || ::setresuid(user, user, user) != 0) {
        return sys_error("change to user", name);
    }
    if (user != 0 && ::setuid(0) == 0) {
        return Error{"change to user " + name + ": the way back is open"};
    }
    return Ok{};
}

bool acts_for_root() noexcept {
    return g_was_root || ::geteuid() == 0;
}

Status make_directory_for(const std::string& path, const std::optional<Account>& owner) {
    constexpr mode_t kMode = 0755;
    struct stat before {};
    const bool there = ::stat(path.c_str(), &before) == 0;
    if (Status made = make_directories(path, kMode); !made || !owner) {
        return made;
    }
    if (there && (before.st_uid != 0 || !is_empty(path))) {
        return Ok{};
    }
    const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::fchown(fd.get(), owner->ids.uid, owner->ids.gid) != 0) {
        return sys_error("change the owner of", path);
    }
    return Ok{};
}

void set_environment(std::vector<std::string>& env, const Account& account) {
    const auto set = [&env](const std::string& name, const std::string& value) {
        const std::string prefix = name + "=";
        env.erase(std::remove_if(env.begin(), env.end(),
                                 [&prefix](const std::string& pair) {
                                     return starts_with(pair, prefix);
                                 }),
                  env.end());
        env.push_back(prefix + value);
    };
    set("HOME", account.home);
    set("USER", account.name);
    set("LOGNAME", account.name);
}

}  // namespace neuron
