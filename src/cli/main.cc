// The program's entry: what the command line asks for, and nothing else.

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "neurond/cli/command.h"
#include "neurond/cli/config_place.h"
#include "neurond/cli/options.h"
#include "neurond/cli/verbs.h"
#include "neurond/conf/schema.h"
#include "neurond/daemon/daemon.h"
#include "neurond/loop/helper.h"

namespace neuron {

namespace {

int run(const Options& options) {
    const Result<std::string> path = find_config(options.config_path, config_places());
    if (!path) {
        std::fprintf(stderr, "neurond: %s\n", path.error().message.c_str());
        return kExitConfig;
    }
    return run_daemon({*path, options.overrides, options.daemonize, options.pid_file,
                       options.verbose});
}

int dispatch(const Options& options) {
    switch (options.action) {
        case Action::kRun:
            return run(options);
        case Action::kCheckConfig:
            return options.probe ? run_probe(options) : run_check_config(options);
        case Action::kDumpConfig:
            return run_dump_config(options);
        case Action::kShowVersion:
            return run_version();
        case Action::kHelp:
            return run_help(options);
        case Action::kDumpSchema:
            conf::print_schema(stdout);
            return kExitDone;
        case Action::kHelper:
            return run_helper(options.helper_role);
        case Action::kReactor:
            return run_reactor(options.reactor);
        case Action::kCommand:
            return find_command(options.command)->run(options);
    }
    return kExitUsage;
}

/// Where the caller has closed one of the three, a socket or file of ours would take its
/// number, and what is said would go there. Printing to a closed stdout stays an error.
void fill_standard_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) < 0) {
            (void)::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
        }
    }
}

int run_program(const std::vector<std::string_view>& args) {
    const Result<Options> options = parse_options(args);
    if (!options) {
        return print_usage_error(options.error());
    }
    const int code = dispatch(*options);
    // A full disk must not look like success.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        std::perror("neurond: write stdout");
        return code == kExitDone ? kExitFailed : code;
    }
    return code;
}

}  // namespace

}  // namespace neuron

int main(int argc, char** argv) {
    neuron::fill_standard_descriptors();
    return neuron::run_program({argv + (argc > 0), argv + argc});
}
