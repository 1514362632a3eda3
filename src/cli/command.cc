// The one table of verbs, and the help made from it.

#include "neurond/cli/command.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "neurond/cli/verbs.h"

namespace neuron {

namespace {

constexpr const char* kUsage =
    R"(neurond - one MCP endpoint in front of many MCP servers

  neurond [-c FILE] [-D section.key=value]... [-d] [-p PIDFILE] [-v]
                           run in the foreground; -d: as a daemon
  neurond -t [-c FILE]     check the configuration; with --probe also start each
                           downstream, see what it offers, and stop it
  neurond -T [-c FILE]     print the effective configuration, secrets masked;
                           with --json as JSON
  neurond -V               versions
  neurond COMMAND ...      act on the running daemon

Options:
  -c FILE                  configuration; else /etc/neurond/neurond.conf, else,
                           not as root, ./neurond.conf
  -D section.key=value     set one key, over file and environment
  -d                       become a daemon once listening
  -p PIDFILE               where to write the process ID
  -v                       log in detail
  --control PATH           control socket of the daemon a command means
  --json                   print JSON instead of a table

Commands:
)";

constexpr const char* kFinding =
    R"(
The daemon is found by --control PATH, else by the configuration (-c FILE), else
at the default place.
)";

const Command kCommands[] = {
    {"status", "[--json]", "what the daemon is doing",
     "Prints state, version, listeners, and how many downstreams, tools, "
     "sessions,\n"
     "connections and calls there are.\n",
     0, 0, true, true, run_status},
    {"config", "[--json]", "the configuration in force, secrets masked",
     "Prints what the daemon goes by, as -T shows what a file says: each key with its "
     "value\n"
     "and where that is from. Keys that need a restart have the value of the start.\n",
     0, 0, true, true, run_config},
    {"servers", "[NAME] [--json]", "downstream servers",
     "Lists the downstreams with their state, or shows NAME in detail, with the "
     "last\n"
     "lines it wrote to stderr.\n",
     0, 1, true, true, run_servers},
    {"history", "NAME [--json]", "how a downstream has ended, and what came of it",
     "Lists the last ends of NAME: when, after what time up, what was decided then, "
     "and why.\n",
     1, 1, true, true, run_history},
    {"logs", "NAME [--json]", "the last lines a downstream wrote to stderr",
     "Prints the last lines of the stderr of NAME, those of processes that have ended "
     "too.\n",
     1, 1, true, true, run_logs},
    {"restart", "NAME [--json]", "stop a downstream and start it again",
     "Starts NAME anew, a failed one or one whose circuit is open too; its counts of\n"
     "restarts begin at nought. Calls it is working on are answered with an error.\n",
     1, 1, true, true, run_restart},
    {"enable", "NAME [--json]", "start a downstream that is disabled",
     "Takes back a disable, or enabled = no.\n", 1, 1, true, true, run_enable},
    {"disable", "NAME [--json]", "stop a downstream, and leave it stopped",
     "Stops NAME until it is enabled, or a changed section of its is put in force. Its\n"
     "tools are taken from the catalog.\n",
     1, 1, true, true, run_disable},
    {"tools", "[GLOB] [--client ID] [--json]", "the merged catalog",
     "Lists the tools of all downstreams under their full names, or those that "
     "GLOB\n"
     "matches: * any characters, ? one, [abc] one of these. With --client also\n"
     "whether that identity may use each, and the rule that says so.\n",
     0, 1, true, true, run_tools, false, false, true},
    {"prompts", "[GLOB] [--client ID] [--json]", "prompts of the merged catalog",
     "Lists the prompts of all downstreams, with GLOB and --client as for tools.\n", 0, 1,
     true, true, run_prompts, false, false, true},
    {"resources", "[GLOB] [--client ID] [--json]", "resources of the merged catalog",
     "Lists the URIs and URI templates of the resources of all downstreams, with GLOB\n"
     "and --client as for tools.\n",
     0, 1, true, true, run_resources, false, false, true},
    {"call", "TOOL [JSON|-] [--json]", "call a tool",
     "Calls TOOL with the arguments in JSON (an object), or in stdin for -, and "
     "prints\n"
     "the text of its result; with --json the result as the server sent it. The "
     "call\n"
     "passes the policy as uid:N, where N is your user ID. A tool that reports an\n"
     "error gives exit code 1.\n",
     1, 2, true, true, run_call},
    {"connect", "[--socket PATH] [--names STYLE] [--wait DURATION] [NAMESPACE]",
     "MCP server on stdin and stdout: this daemon's tools",
     "For desktop clients that start a command: a stdio MCP server that passes on to "
     "the\n"
     "running daemon all it hears. With NAMESPACE only that downstream's tools, under "
     "the\n"
     "names it gives them. Names are made of A-Z a-z 0-9 _ - alone, because model "
     "APIs\n"
     "take no others; --names plain leaves them as they are. Waits for a daemon that "
     "is\n"
     "starting, 30s or as long as --wait says. The socket is that of --socket, else "
     "of the\n"
     "configuration, else the one at the default place. Ends when stdin does and "
     "every\n"
     "answer has come.\n",
     0, 1, false, false, run_connect, true},
    {"audit", "verify [--key FILE] [--json] FILE...\n  neurond audit key",
     "check an audit file; print the public key",
     "verify: checks the hash chain and the signed checkpoints of the files, in the\n"
     "order of their records; - is stdin. The first bad record is named with file, "
     "line\n"
     "and reason, and the exit code is 1. Signatures are checked with the public key "
     "in\n"
     "FILE, else with the key in the state directory (-c). key: prints the public "
     "key\n"
     "that belongs to it.\n",
     1, SIZE_MAX, true, false, run_audit, false, true},
    {"reload", "[--dry-run] [--json]", "put the configuration in force as it is now",
     "Has the daemon read and check its configuration, start what is new in it, and "
     "change\n"
     "over at once, as the signal HUP does; calls in flight are not disturbed. Returns "
     "when\n"
     "that is done. Prints which downstreams were added, removed, changed (started anew) "
     "and\n"
     "kept, and the keys that need a restart. Exit code 78: the configuration is not "
     "good,\n"
     "and nothing has changed; 1: some downstream does not serve in its new form.\n"
     "--dry-run only says what would be done.\n",
     0, 0, true, true, run_reload, false, false, false, true},
    {"stop", "", "stop the daemon, and wait until it has gone",
     "Has the daemon finish the calls in flight and stop, as the signal TERM "
     "does.\n"
     "Tells how many calls are waited for. Returns when its process has gone.\n",
     0, 0, false, true, run_stop},
    {"drain", "", "stop, however long the calls in flight take",
     "As stop, but without drain_timeout and shutdown_timeout. The signal TERM ends\n"
     "it at once.\n",
     0, 0, false, true, run_drain},
    {"events", "[--json]", "follow what changes, one JSON object a line",
     "Prints the state of the daemon and of each downstream, and how many tools there\n"
     "are, then each change of these, until the daemon stops.\n",
     0, 0, true, true, run_events},
    {"health", "[--json]", "exit 0 if the daemon is ready, else 1",
     "For container and init checks: exit code 0 when the daemon answers and is "
     "ready,\n"
     "1 otherwise, with the reason on stderr.\n",
     0, 0, true, true, run_health},
    {"host-tools", "", "MCP server on stdin and stdout: facts about this host",
     "The bundled downstream: a stdio MCP server with the read-only tools "
     "system.info,\n"
     "system.load, system.memory, system.disks and process.list. Ends when stdin\n"
     "does.\n",
     0, 0, false, false, run_host_tools},
    {"help", "[COMMAND]", "this help, or that of a command",
     "Explains a command, or lists them all.\n", 0, 1, false, false, run_help},
};

}  // namespace

const std::vector<Command>& commands() {
    static const std::vector<Command> rows(std::begin(kCommands), std::end(kCommands));
    return rows;
}

const Command* find_command(std::string_view name) {
    const auto& rows = commands();
    const auto found = std::find_if(
        rows.begin(), rows.end(), [&](const Command& row) { return name == row.name; });
    return found == rows.end() ? nullptr : &*found;
}

std::string help_text() {
    constexpr size_t kNameWidth = 25;
    std::string text = kUsage;
    for (const Command& row : commands()) {
        std::string line = std::string("  ") + row.name;
        line.resize(std::max(kNameWidth + 2, line.size() + 1), ' ');
        text += line + row.summary + "\n";
    }
    text += "\n'neurond help COMMAND' says more. The manual is neurond(8).\n";
    return text;
}

std::string help_text(const Command& command) {
    std::string text = std::string("neurond ") + command.name;
    if (command.arguments[0] != '\0') {
        text += std::string(" ") + command.arguments;
    }
    text += std::string("\n\n") + command.details;
    if (command.has_control) {
        text += kFinding;
    }
    return text;
}

}  // namespace neuron
