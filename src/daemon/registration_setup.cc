// What cortexd is told about this node, from the configuration.

#include "neurond/daemon/registration_setup.h"

#include "neurond/base/url.h"
#include "neurond/conf/check_base.h"

namespace neuron {

namespace {

/// How long a connection is kept beyond the time when it is needed next.
constexpr Millis kKeepMargin{15 * 1000};

HttpTarget cortexd_target(const conf::Section& section, const TlsContexts& tls) {
    HttpTarget out;
    out.server = "cortexd";
    if (Result<Url> url = parse_url(section.str("cortexd_url")); url) {
        out.url = std::move(*url);
    }
    std::string& path = out.url.path_and_query;
    while (!path.empty() && path.back() == '/') {
        path.pop_back();
    }
    out.tls = tls.registration;
    out.max_connections = 1;
    out.idle_connections = 1;
    out.idle_time = section.duration("heartbeat_interval") + kKeepMargin;
    return out;
}

}  // namespace

std::optional<MembershipSettings> membership_settings(const conf::Config& config,
                                                      const TlsContexts& tls,
                                                      const std::string& node_id,
                                                      uint16_t port) {
    const conf::Section& section = config.section("registration");
    if (section.str("cortexd_url").empty()) {
        return std::nullopt;
    }
    MembershipSettings out;
    out.cortexd = cortexd_target(section, tls);
    const std::string& chosen = section.str("node_id");
    out.node_id = chosen.empty() ? node_id : chosen;
    out.address = config.section("server").str("bind");
    out.port = port;
    const std::string& advertised = section.str("advertise_address");
    if (conf::is_address(advertised)) {
        out.address = advertised;
    } else if (const auto place = parse_host_port(advertised);
               !advertised.empty() && place) {
        out.address = place->host;
        out.port = place->port != 0 ? place->port : port;
    }
    for (const conf::Section* downstream : config.sections("downstream")) {
        if (downstream->yes("enabled")) {
            out.capabilities.push_back(downstream->label());
        }
    }
    out.heartbeat_interval = section.duration("heartbeat_interval");
    return out;
}

}  // namespace neuron
