#include "neurond/cli/options.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "neurond/base/text.h"
#include "neurond/cli/command.h"

using namespace neuron;

namespace {

Options parsed(const std::vector<std::string_view>& args) {
    Result<Options> options = parse_options(args);
    CHECK_MESSAGE(options, (options ? "" : options.error().message));
    return options ? *options : Options();
}

std::string refused(const std::vector<std::string_view>& args) {
    const Result<Options> options = parse_options(args);
    CHECK_FALSE(options);
    return options ? "" : options.error().message;
}

}  // namespace

TEST_CASE("no argument at all runs the daemon in the foreground") {
    const Options options = parsed({});
    CHECK(options.action == Action::kRun);
    CHECK(options.config_path.empty());
    CHECK_FALSE(options.daemonize);
}

TEST_CASE("the options of the daemon are read") {
    const Options options = parsed({"-c", "/etc/x.conf", "-D", "server.port=1", "-d",
                                    "-p", "/run/x.pid", "-v", "-D", "log.level=debug"});
    CHECK(options.action == Action::kRun);
    CHECK(options.config_path == "/etc/x.conf");
    CHECK(options.overrides ==
          std::vector<std::string>{"server.port=1", "log.level=debug"});
    CHECK(options.daemonize);
    CHECK(options.pid_file == "/run/x.pid");
    CHECK(options.verbose);
}

TEST_CASE("short options may be joined to each other and to their value") {
    const Options options = parsed({"-dvc/etc/x.conf", "-Da.b=c=d"});
    CHECK(options.daemonize);
    CHECK(options.verbose);
    CHECK(options.config_path == "/etc/x.conf");
    CHECK(options.overrides == std::vector<std::string>{"a.b=c=d"});
}

TEST_CASE("each action has its option") {
    const struct {
        std::string_view arg;
        Action action;
    } rows[] = {
        {"-t", Action::kCheckConfig},
        {"-T", Action::kDumpConfig},
        {"-V", Action::kShowVersion},
        {"--version", Action::kShowVersion},
        {"-h", Action::kHelp},
        {"--help", Action::kHelp},
        {"--dump-schema", Action::kDumpSchema},
        {"--reactor", Action::kReactor},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.arg));
        CHECK(parsed({row.arg}).action == row.action);
    }
    const Options helper = parsed({"--helper=resolver"});
    CHECK(helper.action == Action::kHelper);
    CHECK(helper.helper_role == "resolver");
}

TEST_CASE("options stand before or after the verb's name") {
    const std::vector<std::vector<std::string_view>> rows = {
        {"servers", "redis", "--json", "--control", "/run/c.sock", "-c", "x.conf"},
        {"--json", "--control=/run/c.sock", "-cx.conf", "servers", "redis"},
        {"--json", "servers", "--control=/run/c.sock", "redis", "-c", "x.conf"},
    };
    for (const auto& row : rows) {
        const Options options = parsed(row);
        CHECK(options.action == Action::kCommand);
        CHECK(options.command == "servers");
        CHECK(options.args == std::vector<std::string>{"redis"});
        CHECK(options.json);
        CHECK(options.control_path == "/run/c.sock");
        CHECK(options.config_path == "x.conf");
    }
}

TEST_CASE("connect has options of its own") {
    const Options options = parsed({"connect", "--socket=/run/n.sock", "--names", "plain",
                                    "--wait", "5s", "-c", "x.conf", "redis"});
    CHECK(options.command == "connect");
    CHECK(options.socket_path == "/run/n.sock");
    CHECK(options.names == "plain");
    CHECK(options.wait == "5s");
    CHECK(options.config_path == "x.conf");
    CHECK(options.args == std::vector<std::string>{"redis"});
}

TEST_CASE("a dash alone is an argument, and two dashes end the options") {
    CHECK(parsed({"call", "a.b", "-"}).args == std::vector<std::string>{"a.b", "-"});
    CHECK(parsed({"call", "--", "-x", "{}"}).args ==
          std::vector<std::string>{"-x", "{}"});
}

TEST_CASE("help of a command is asked for in two ways") {
    for (const Options& options :
         {parsed({"help", "call"}), parsed({"call", "--help"})}) {
        CHECK(options.action == Action::kCommand);
        CHECK(options.command == "help");
        CHECK(options.args == std::vector<std::string>{"call"});
    }
}

TEST_CASE("what is wrong is named, and what may have been meant") {
    const struct {
        std::vector<std::string_view> args;
        const char* message;
    } rows[] = {
        {{"stauts"}, "unknown command 'stauts', did you mean 'status'?"},
        {{"frobnicate"}, "unknown command 'frobnicate'"},
        {{""}, "unknown command ''"},
        {{"status", "--jsno"}, "unknown option '--jsno', did you mean '--json'?"},
        {{"--zzzzzz=1"}, "unknown option '--zzzzzz'"},
        {{"-x"}, "unknown option '-x'"},
        // Found inside a joined group.
        {{"-dx"}, "unknown option '-x'"},
        // Values that are missing, empty, or too much.
        {{"-c"}, "-c needs a value"},
        {{"-D", ""}, "-D needs a value"},
        {{"status", "--control"}, "--control needs a value"},
        // What is no setting at all.
        {{"-D", "foo"}, "-D foo: expected section.key=value"},
        {{"-D", "foo=1"}, "-D foo=1: expected section.key=value"},
        {{"-D", ".key=1"}, "-D .key=1: expected section.key=value"},
        {{"-D", "server.=1"}, "-D server.=1: expected section.key=value"},
        {{"-D", "foo=1.5"}, "-D foo=1.5: expected section.key=value"},
        {{"-tDserver.port"}, "-D server.port: expected section.key=value"},
        {{"status", "--control="}, "--control needs a value"},
        {{"status", "--json=yes"}, "--json takes no value"},
        // Options that would mean nothing.
        {{"-d", "status"}, "-d does not go with 'status'"},
        {{"stop", "--json"}, "--json does not go with 'stop'"},
        {{"-t", "tools"}, "-t does not go with 'tools'"},
        {{"host-tools", "-c", "x"}, "-c does not go with 'host-tools'"},
        {{"connect", "--control", "x"}, "--control does not go with 'connect'"},
        {{"connect", "--json"}, "--json does not go with 'connect'"},
        {{"status", "--socket", "x"}, "--socket does not go with 'status'"},
        {{"--names", "plain"}, "--names needs a command"},
        {{"--json"}, "--json needs a command"},
        {{"--control", "x"}, "--control needs a command"},
        {{"-t", "-T"}, "-T cannot stand beside another option of its kind"},
        // Arguments that are missing or too many.
        {{"call"}, "call needs TOOL [JSON|-] [--json]"},
        {{"status", "now"}, "status does not take 'now'"},
        {{"call", "a", "{}", "b"}, "call does not take 'b'"},
        // Nothing of it reaches the terminal raw.
        {{"\x1b[2J"}, "unknown command '\\x1B[2J'"},
    };
    for (const auto& row : rows) {
        CHECK(to_lower(refused(row.args)) == to_lower(row.message));
    }
}

TEST_CASE("every command stands in the help and has a page of its own") {
    const std::string all = help_text();
    for (const Command& command : commands()) {
        CAPTURE(std::string(command.name));
        CHECK(all.find(std::string("\n  ") + command.name + " ") != std::string::npos);
        CHECK(all.find(command.summary) != std::string::npos);
        const std::string page = help_text(command);
        CHECK(page.find(std::string("neurond ") + command.name) == 0);
        CHECK(page.back() == '\n');
        for (std::string_view line : split(page, '\n')) {
            CHECK(line.size() <= 88);
        }
        CHECK(find_command(command.name) == &command);
    }
    CHECK(find_command("nothing") == nullptr);
}
