// Which sockets a configuration wants, and what each is for.

#include "neurond/daemon/door_plan.h"

#include "neurond/base/text.h"
#include "neurond/conf/check_listener.h"

namespace neuron {

namespace {

constexpr const char* kControl = "control";
constexpr const char* kSocket = "server.socket";
constexpr std::string_view kListener = "listener.";

/// Never of anybody's choosing: the operator's way in must not depend on what is served.
constexpr unsigned kControlServes =
    kServeMcp | kServeHealth | kServeMetrics | kServeAdmin;

unsigned served(const conf::Section& section) {
    unsigned bits = 0;
    for (const std::string& what : section.list("serve")) {
        bits |= what == "mcp"       ? kServeMcp
                : what == "health"  ? kServeHealth
                : what == "metrics" ? kServeMetrics
                : what == "admin"   ? kServeAdmin
                                    : 0U;
    }
    return bits;
}

std::string tcp_address(const conf::Section& server) {
    const std::string& host = server.str("bind");
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(server.integer("port"));
}

/// `mode` and `group`: keys of [server].
DoorPlan unix_plan(const conf::Section& server, std::string name,
                   const std::string& path, const char* mode, const char* group) {
    return {std::move(name), "unix:" + path, static_cast<mode_t>(server.integer(mode)),
            server.str(group), false};
}

bool strict_names(const conf::Config& config, const std::string& names) {
    const std::string& everywhere = config.section("federation").str("names");
    return (names == "auto" ? everywhere : names) == "strict";
}

}  // namespace

std::vector<DoorPlan> door_plans(const conf::Config& config, const DaemonPaths& paths) {
    const conf::Section& server = config.section("server");
    std::vector<DoorPlan> out = {{kBindDoor, tcp_address(server), 0, {},
                                  conf::must_be_local(config, config.section("tls"))}};
    out.push_back(unix_plan(server, kControl, paths.control_socket, "control_mode",
                            "control_group"));
    if (!paths.local_socket.empty()) {
        out.push_back(unix_plan(server, kSocket, paths.local_socket, "socket_mode",
                                "socket_group"));
    }
    for (const conf::Section* section : config.sections("listener")) {
        out.push_back({std::string(kListener) + section->label(),
                       section->str("address"),
                       static_cast<mode_t>(server.integer("socket_mode")),
                       server.str("socket_group"),
                       conf::must_be_local(config, *section)});
    }
    return out;
}

DoorSettings door_settings(const conf::Config& config, const TlsContexts& tls,
                           const std::string& name) {
    DoorSettings out;
    if (starts_with(name, kListener)) {
        const std::string label = name.substr(kListener.size());
        const conf::Section& section = *config.find("listener", label);
        const auto own = tls.listeners.find(label);
        out.name = "listener " + label;
        out.serve = served(section);
        out.tls = own == tls.listeners.end() ? nullptr : own->second;
        out.strict_names = strict_names(config, section.str("names"));
        return out;
    }
    out.control = name == kControl;
    out.serve = out.control ? kControlServes : served(config.section("server"));
    out.strict_names = strict_names(config, "auto");
    if (name == kBindDoor) {
        out.tls = tls.server;
    }
    return out;
}

}  // namespace neuron
