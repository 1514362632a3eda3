// `neurond help`.

#include <cstdio>

#include "neurond/base/text.h"
#include "neurond/cli/command.h"
#include "neurond/cli/options.h"
#include "neurond/cli/verbs.h"

namespace neuron {

int run_help(const Options& options) {
    if (options.args.empty()) {
        std::fputs(help_text().c_str(), stdout);
        return kExitDone;
    }
    const Command* command = find_command(options.args[0]);
    if (command == nullptr) {
        return print_usage_error(unknown_command(options.args[0]));
    }
    std::fputs(help_text(*command).c_str(), stdout);
    return kExitDone;
}

}  // namespace neuron
