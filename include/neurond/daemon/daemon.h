#ifndef NEUROND_DAEMON_DAEMON_H
#define NEUROND_DAEMON_DAEMON_H

#include <string>
#include <vector>

#include "neurond/base/clock.h"

namespace neuron {

/// How the command line asks the daemon to run.
struct DaemonOptions {
    std::string config_path;             ///< the configuration file, already looked for
    std::vector<std::string> overrides;  ///< of -D, as conf::LoadOptions has them
    bool daemonize = false;              ///< -d
    std::string pid_file;                ///< of -p; empty: the configuration's
    bool verbose = false;                ///< -v: log level debug
};

/// Runs the keeper until it is told to stop. Returns the exit code: 0 stopped in order,
/// 1 failed, 78 bad configuration. Says on stderr why it does not start.
int run_daemon(const DaemonOptions& options);

/// Argument that makes the program a reactor. Only the keeper gives it.
constexpr const char* kReactorOption = "--reactor";

/// Argument that tells a reactor the directory of its keeper's CgroupTree.
constexpr const char* kCgroupOption = "--cgroup=";

/// Argument that tells a reactor how often to say that it is alive, in milliseconds.
constexpr const char* kAliveOption = "--alive=";

/// Argument that tells a reactor whom to become: what as_text() made.
constexpr const char* kUserOption = "--as=";

/// Argument that tells a reactor that another one has served before it.
constexpr const char* kAgainOption = "--again";

/// Argument that tells a reactor that its standard error ends when it has started.
constexpr const char* kDetachedOption = "--detached";

struct ReactorOptions {
    std::string cgroup;  ///< empty: there are none to be used
    Millis alive{0};     ///< 0: nobody waits for it
    std::string as;      ///< empty: it stays who it is
    bool detached = false;  ///< its standard error ends when it has started
    bool again = false;  ///< nobody is there who could mend what is wrong: serve
};

/// Runs the reactor on the descriptors its keeper left open for it. Returns the exit code.
int run_reactor(const ReactorOptions& options);

}  // namespace neuron

#endif
