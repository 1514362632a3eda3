// How verbs ask the daemon: its admin paths on the control socket.

#include "neurond/cli/admin.h"

#include <cstdio>

#include "neurond/base/text.h"
#include "neurond/cli/config_place.h"
#include "neurond/cli/options.h"
#include "neurond/cli/table.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

namespace {

constexpr unsigned kMaxDepth = 1000;

bool is_json(std::string_view text) {
    JsonScanner scanner(kMaxDepth);
    return scanner.finish(text) == Scan::kDone;
}

Result<std::string> json_of(ControlClient& client, const ControlRequest& request) {
    Result<ControlReply> reply = client.exchange(request);
    if (!reply) {
        return reply.error();
    }
    if (reply->status != 200 && reply->status != 202) {
        return Error{refusal_text(*reply)};
    }
    if (!is_json(reply->body)) {
        return Error{"read " + client.path() + ": the answer is not JSON"};
    }
    return std::move(reply->body);
}

}  // namespace

Result<ControlClient> admin_client(const Options& options) {
    const Result<std::string> path = find_control_socket(options);
    if (!path) {
        return path.error();
    }
    return ControlClient(*path);
}

std::string refusal_text(const ControlReply& reply) {
    const std::string status =
        reply.status == 403 ? "you may not: commands are for root, the user of the daemon, "
                              "and clients with admin = yes"
                            : "HTTP status " + std::to_string(reply.status);
    if (!is_json(reply.body)) {
        return status;
    }
    const JsonView root(reply.body);
    const JsonView error = root.find("error");
    for (JsonView words :
         {error, error.find("message"), root.find("message"), root.find("status")}) {
        if (const auto text = words.as_string()) {
            return *text;
        }
    }
    return status;
}

Result<std::string> admin_get(ControlClient& client, const std::string& path) {
    ControlRequest request;
    request.target = path;
    return json_of(client, request);
}

Result<std::string> admin_post(ControlClient& client, const std::string& path) {
    ControlRequest request;
    request.method = "POST";
    request.target = path;
    return json_of(client, request);
}

int fail(const Error& error) {
    // "neurond is not running" is a sentence already.
    const char* prefix = starts_with(error.message, "neurond ") ? "" : "neurond: ";
    std::fprintf(stderr, "%s%s\n", prefix, escape(error.message, 4096).c_str());
    return error.sys == kBadConfig ? kExitConfig : kExitFailed;
}

std::string cell(JsonView object, std::string_view key) {
    const JsonView value = object.find(key);
    if (const auto text = value.as_string()) {
        return *text;
    }
    return value.is_null() ? std::string() : std::string(value.raw());
}

std::string duration_cell(JsonView object, std::string_view key) {
    const auto seconds = object.find(key).as_int64();
    return seconds && *seconds >= 0 ? to_words(static_cast<uint64_t>(*seconds)) : "";
}

}  // namespace neuron
