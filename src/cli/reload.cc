// `neurond reload`: asks for another configuration, and says what became of it.

#include <cstdio>
#include <string>

#include "neurond/base/text.h"
#include "neurond/cli/admin.h"
#include "neurond/cli/options.h"
#include "neurond/cli/table.h"
#include "neurond/cli/verbs.h"
#include "neurond/protocol.h"

namespace neuron {

namespace {

/// Downstreams may take as long to start as their start_timeout says.
constexpr Millis kMaxReloadWait{10 * 60 * 1000};
constexpr int kStatusDone = 200;
constexpr int kStatusInvalid = 422;
constexpr const char* kRows[] = {"add", "remove", "change", "keep", "needs_restart"};

std::string names_in(JsonView names) {
    std::string out;
    for (const JsonView name : names.elements()) {
        out += (out.empty() ? "" : " ") + name.as_string().value_or("");
    }
    return out;
}

std::string plan_text(JsonView report) {
    Table table({{"WHAT"}, {"DOWNSTREAMS"}});
    for (const char* row : kRows) {
        const std::string names = names_in(report.find(row));
        if (row != std::string_view("needs_restart") || !names.empty()) {
            table.add({row == std::string_view("needs_restart") ? "needs restart" : row,
                       names});
        }
    }
    return table.to_string(0);
}

/// What did not work of a reload that has happened.
int print_failures(JsonView report) {
    int code = kExitDone;
    for (const JsonView each : report.find("failed").elements()) {
        const bool old = each.find("old_one_serves").as_bool().value_or(false);
        std::fprintf(stderr, "neurond: %s does not serve in its new form: %s%s\n",
                     escape(cell(each, "name")).c_str(),
                     escape(cell(each, "reason"), 4096).c_str(),
                     old ? "; the old one goes on" : "");
        code = kExitFailed;
    }
    return code;
}

}  // namespace

int run_reload(const Options& options) {
    Result<ControlClient> client = admin_client(options);
    if (!client) {
        return fail(client.error());
    }
    ControlRequest request;
    request.method = "POST";
    request.target =
        std::string(kAdminReload) + (options.dry_run ? "?dry_run=1" : "");
    request.timeout = kMaxReloadWait;
    const Result<ControlReply> reply = client->exchange(request);
    if (!reply) {
        return fail(reply.error());
    }
    if (options.json && (reply->status == kStatusDone || reply->status == kStatusInvalid)) {
        std::printf("%s\n", reply->body.c_str());
    }
    if (reply->status == kStatusInvalid) {
        std::fputs(printable(refusal_text(*reply)).c_str(), stderr);
        std::fputs("neurond: nothing has been changed\n", stderr);
        return kExitConfig;
    }
    if (reply->status != kStatusDone) {
        return fail(Error{"reload: " + refusal_text(*reply)});
    }
    const JsonView report(reply->body);
    if (!options.json) {
        std::fputs(plan_text(report).c_str(), stdout);
    }
    return print_failures(report);
}

}  // namespace neuron
