// status, tools and health: ask once, print, end.

#include "neurond/cli/verbs.h"

#include <cstdio>
#include <string>

#include "neurond/base/encode.h"
#include "neurond/base/glob.h"
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

int print_json(const std::string& json) {
    return print(json + "\n");
}

Result<std::string> ask(const Options& options, const std::string& path) {
    Result<ControlClient> client = admin_client(options);
    if (!client) {
        return client.error();
    }
    return admin_get(*client, kAdminPath + path);
}

}  // namespace

int run_status(const Options& options) {
    const Result<std::string> json = ask(options, "status");
    if (!json) {
        return fail(json.error());
    }
    return options.json ? print_json(*json) : print(status_text(JsonView(*json)));
}

namespace {

/// A list of the catalog: `what` is "tools", as the admin API calls them.
int list_catalog(const Options& options, const std::string& what) {
    const std::string glob = options.args.empty() ? "*" : options.args[0];
    if (!glob_is_valid(glob)) {
        std::fprintf(stderr, "neurond: '%s' is no valid pattern\n",
                     escape(glob).c_str());
        return kExitUsage;
    }
    const std::string query =
        options.client.empty() ? "" : "?client=" + percent_encode(options.client);
    const Result<std::string> all = ask(options, what + query);
    if (!all) {
        return fail(all.error());
    }
    const std::string json = filter_tools(JsonView(*all), glob);
    if (options.json) {
        return print_json(json);
    }
    const std::string text = tools_text(JsonView(json), terminal_width());
    if (!text.empty()) {
        return print(text);
    }
    return print(options.args.empty() ? "No " + what + ".\n"
                                      : "None of the " + what + " matches '" +
                                            escape(glob) + "'.\n");
}

}  // namespace

int run_tools(const Options& options) {
    return list_catalog(options, "tools");
}

/// As -T shows a file: what the daemon goes by may be another one.
int run_config(const Options& options) {
    const Result<std::string> json = ask(options, "config");
    if (!json) {
        return fail(json.error());
    }
    return options.json ? print_json(*json) : print(config_text(JsonView(*json)));
}

int run_prompts(const Options& options) {
    return list_catalog(options, "prompts");
}

int run_resources(const Options& options) {
    return list_catalog(options, "resources");
}

int run_health(const Options& options) {
    Result<ControlClient> client = admin_client(options);
    if (!client) {
        return fail(client.error());
    }
    ControlRequest request;
    request.target = kReadyPath;
    const Result<ControlReply> reply = client->exchange(request);
    if (!reply) {
        return fail(reply.error());
    }
    const bool ready = reply->status == 200;
    if (options.json) {
        print_json(reply->body);
    } else if (ready) {
        print("ready\n");
    } else {
        fail(Error{"not ready: " + refusal_text(*reply)});
    }
    return ready ? kExitDone : kExitFailed;
}

}  // namespace neuron
