#ifndef NEUROND_CLI_COMMAND_H
#define NEUROND_CLI_COMMAND_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace neuron {

struct Options;

/// One verb of the command line: the row that the parser, the help and main() share.
struct Command {
    const char* name;
    const char* arguments;  ///< as the synopsis shows them; may be empty
    const char* summary;    ///< one line
    const char* details;    ///< paragraphs of `neurond help NAME`; ends in a newline
    size_t min_args;
    size_t max_args;
    bool has_json;     ///< takes --json
    bool has_control;  ///< talks to the daemon: takes --control, -c and -D
    int (*run)(const Options& options);  ///< returns the exit code
    bool has_socket = false;  ///< a client: takes --socket, --names, --wait, -c and -D
    bool has_key = false;     ///< reads the state directory: takes --key, -c and -D
    bool has_client = false;  ///< takes --client
    bool has_dry_run = false;  ///< takes --dry-run
};

/// All of them, in the order of the help.
const std::vector<Command>& commands();
/// Null if there is no such command.
const Command* find_command(std::string_view name);

/// `neurond help`: the usage, the options and one line a command.
std::string help_text();
/// `neurond help NAME`.
std::string help_text(const Command& command);

}  // namespace neuron

#endif
