#ifndef NEUROND_CLI_OPTIONS_H
#define NEUROND_CLI_OPTIONS_H

#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/result.h"
#include "neurond/daemon/daemon.h"

namespace neuron {

/// What the command line asks for.
enum class Action {
    kRun,
    kCheckConfig,  ///< -t
    kDumpConfig,   ///< -T
    kShowVersion,  ///< -V, --version
    kHelp,         ///< --help, -h
    kDumpSchema,   ///< --dump-schema
    kHelper,       ///< --helper=ROLE
    kReactor,      ///< --reactor
    kCommand,      ///< a verb
};

/// A command line taken apart.
struct Options {
    Action action = Action::kRun;
    std::string config_path;             ///< of -c; empty: to be looked for
    std::vector<std::string> overrides;  ///< of -D: "section.key=value"
    bool daemonize = false;
    std::string pid_file;
    bool verbose = false;
    ReactorOptions reactor;  ///< of --reactor
    std::string helper_role;
    std::string command;            ///< name of a Command (command.h)
    std::vector<std::string> args;  ///< what follows it, options taken out
    std::string control_path;       ///< of --control; empty: to be found
    bool json = false;
    bool dry_run = false;     ///< --dry-run
    bool probe = false;       ///< --probe
    std::string socket_path;  ///< of --socket; empty: to be found
    std::string names;        ///< of --names; empty: the command's default
    std::string wait;         ///< of --wait: a duration, or empty
    std::string client;       ///< of --client: an identity; empty: none
    std::string key_path;     ///< of --key; empty: the daemon's own
};

/// Exit codes, as sysexits(3) has them.
constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 64;
constexpr int kExitConfig = 78;

/// Reads the arguments behind the program's name. Options stand before or after the verb;
/// short ones may be joined ("-dv", "-cFILE"), long ones take their value behind "=" or as
/// the next argument; "--" ends the options, and "-" is none. An error is one line, with
/// the nearest command or option where one is near.
Result<Options> parse_options(const std::vector<std::string_view>& args);

/// "unknown command 'X'", with the nearest one where one is near.
Error unknown_command(std::string_view word);

/// Prints why a command line was not understood, and where help is; returns kExitUsage.
int print_usage_error(const Error& error);

}  // namespace neuron

#endif
