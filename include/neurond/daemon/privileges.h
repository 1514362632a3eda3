#ifndef NEUROND_DAEMON_PRIVILEGES_H
#define NEUROND_DAEMON_PRIVILEGES_H

#include <optional>
#include <string>
#include <vector>

#include "neurond/base/file_owner.h"
#include "neurond/base/result.h"
#include "neurond/conf/config.h"

namespace neuron {

/// Whom a reactor becomes that root has started.
struct Account {
    std::string name;
    std::string home;
    FileOwner ids;
};

/// `user` and `group` of [server]. Nothing where the process stays who it is: none is
/// named, or it is that one already.
Result<std::optional<Account>> account_of(const conf::Config& config);

/// Whose the files are that are made by root for them; nobody else's otherwise.
std::optional<FileOwner> owner_of_files(const conf::Config& config);

/// Becomes this user, with the groups they are in, for good. `as` is what as_text() made.
Status become(const std::string& as);
std::string as_text(const Account& account);

/// This process is root's, or was: the places of files are those of root's daemon.
bool acts_for_root() noexcept;

/// Makes a directory for `owner`, with the parents it lacks. One that was there becomes
/// theirs only if it is root's and empty.
Status make_directory_for(const std::string& path, const std::optional<Account>& owner);

/// The environment `env`, as a program of theirs expects it.
void set_environment(std::vector<std::string>& env, const Account& account);

}  // namespace neuron

#endif
