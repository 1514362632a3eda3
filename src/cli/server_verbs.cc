// The verbs about downstreams: servers, history, logs, restart, enable, disable.

#include "neurond/cli/verbs.h"

#include <cstdio>
#include <string>

#include "neurond/base/encode.h"
#include "neurond/base/text.h"
#include "neurond/cli/admin.h"
#include "neurond/cli/options.h"
#include "neurond/cli/table.h"
#include "neurond/protocol.h"

namespace neuron {

namespace {

int print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kExitDone;
}

/// "/api/v1/admin/servers/NAME" and what follows.
std::string path_of(const Options& options, const char* rest) {
    return std::string(kAdminServers) + "/" + percent_encode(options.args[0]) + rest;
}

using Ask = Result<std::string> (*)(ControlClient& client, const std::string& path);

Result<std::string> ask(const Options& options, Ask how, const std::string& path) {
    Result<ControlClient> client = admin_client(options);
    if (!client) {
        return client.error();
    }
    return how(*client, path);
}

/// Prints what `how` answers: as it is for --json, else as `text` makes it.
template <typename Text>
int show(const Options& options, Ask how, const std::string& path, Text text) {
    const Result<std::string> json = ask(options, how, path);
    if (!json) {
        return fail(json.error());
    }
    return print(options.json ? *json + "\n" : text(JsonView(*json)));
}

/// "redis: restarting".
std::string state_line(JsonView server) {
    return escape(cell(server, "name")) + ": " + escape(cell(server, "state")) + "\n";
}

}  // namespace

int run_servers(const Options& options) {
    if (!options.args.empty()) {
        return show(options, admin_get, path_of(options, ""), server_text);
    }
    return show(options, admin_get, kAdminServers, [](JsonView servers) {
        return servers_text(servers, terminal_width());
    });
}

int run_history(const Options& options) {
    return show(options, admin_get, path_of(options, "/history"), [](JsonView history) {
        return history_text(history, terminal_width());
    });
}

int run_logs(const Options& options) {
    return show(options, admin_get, path_of(options, "/logs"), logs_text);
}

int run_restart(const Options& options) {
    return show(options, admin_post, path_of(options, "/restart"), state_line);
}

int run_enable(const Options& options) {
    return show(options, admin_post, path_of(options, "/enable"), state_line);
}

int run_disable(const Options& options) {
    return show(options, admin_post, path_of(options, "/disable"), state_line);
}

}  // namespace neuron
