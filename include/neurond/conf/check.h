#ifndef NEUROND_CONF_CHECK_H
#define NEUROND_CONF_CHECK_H

#include <string>
#include <string_view>

#include "neurond/base/result.h"
#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// A downstream's name: `^[a-z0-9][a-z0-9_-]*$`, at most 64 characters, none of the names
/// that paths of our own endpoints use. The error is the reason alone:
/// "namespace cannot be empty", "namespace cannot contain dots", …
Status check_namespace(std::string_view name);

/// The rules that need no other module, run by load() right behind the parsing: names,
/// commands, directories, variables, globs, pairs of keys, who may reach the listener,
/// secrets in files that everybody may read. Each module checks the meaning of its own
/// keys with its own types.
void check(const Config& config, Files& files, Diagnostics& diagnostics);

}  // namespace neuron::conf

#endif
