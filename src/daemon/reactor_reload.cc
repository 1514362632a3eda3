// What the reactor does about another configuration: what of it each part takes over, and
// what is forgotten of downstreams that have gone.

#include <algorithm>

#include "neurond/base/log.h"
#include "neurond/daemon/door_plan.h"
#include "neurond/daemon/reactor.h"
#include "neurond/daemon/registration_setup.h"

namespace neuron {

void Reactor::on_reload() {
    reloader_.request(false, [](const ReloadReport&) {});
}

void Reactor::on_parcel(std::vector<NamedFd> parcel) {
    reloader_.on_loaded(std::move(parcel));
}

void Reactor::on_call_done(const Call& call, const CallEnd& end) {
    telemetry_.on_call_done(call, end);
    supervisor_.on_call_over();
}

/// Another one of its name may be there by now: then the series are its.
void Reactor::on_left(const std::string& downstream) {
    if (supervisor_.find(downstream) == nullptr) {
        telemetry_.forget(downstream);
    } else {
        telemetry_.begin_anew(downstream);
    }
}

std::vector<DownstreamSettings> Reactor::downstreams_of(const CheckedConfig& checked) {
    std::vector<DownstreamSettings> out =
        downstream_settings(*checked.config, checked.tls);
    for (DownstreamSettings& settings : out) {
        settings.command.crashes = &crashes_;
        settings.command.cgroups = &cgroups_;
        settings.offers = &offers_;
        settings.disabled = &disabled_;
    }
    return out;
}

void Reactor::configure_telemetry(const TlsContexts& tls) {
    telemetry_.set_certificates(certificates_of(tls));
    telemetry_.set_request_log(request_log(*config_));
    telemetry_.set_max_tools(
        static_cast<size_t>(config_->section("metrics").integer("max_tools")));
}

/// All within one turn: no request sees a part of it.
void Reactor::apply(const CheckedConfig& checked, std::vector<NamedFd> sockets) {
    config_ = checked.config;
    if (Status logging = configure_log(*config_); !logging) {
        log_error("reload", "%s", logging.error().message.c_str());
    }
    configure_telemetry(checked.tls);
    metrics_file_.change(metrics_file_settings(*config_));
    Block::set_total_max(config_->section("limits").size("buffer_total"));
    audit_.change(audit_settings(*config_, *started_with_, {}));
    router_.set_limits(router_limits(*config_));
    router_.set_rules({router_.rules().catalog,
                       std::make_shared<const Policy>(Policy::from(*config_)),
                       list_settings(*config_, list_key_)});
    sessions_.change(session_settings(*config_));
    mcp_.change(mcp_settings(*config_));
    ws_.change(link_settings(*config_),
               config_->section("limits").duration("idle_timeout"));
    sse_.change(link_settings(*config_), mcp_settings(*config_).keepalive);
    server_.change(http_settings(*config_, raise_descriptor_limit()), checked.clients);
    change_doors(checked, std::move(sockets));
    registrar_.use(membership_settings(*config_, checked.tls, node_id_, port_));
    subscriptions_.rules_changed();
}

/// By the certificates, clients and doors of now. Before new doors are opened, which may
/// take the numbers of closed ones.
void Reactor::judge_clients_again() {
    server_.judge_again();
    for (LinkClients* clients : {&ws_.clients(), &sse_.clients()}) {
        clients->judge_again(server_);
    }
    doors_.judge_again();
}

/// `sockets` are those that are new; of those there are, some may have gone.
void Reactor::change_doors(const CheckedConfig& checked, std::vector<NamedFd> sockets) {
    const LinkSettings lines = link_settings(*config_);
    // Where our own files lie does not change while we run.
    const std::vector<DoorPlan> plans =
        door_plans(*config_, daemon_paths(*started_with_));
    for (const std::string& name : doors_.names()) {
        const bool wanted =
            std::any_of(plans.begin(), plans.end(),
                        [&name](const DoorPlan& plan) { return plan.name == name; });
        if (wanted) {
            doors_.change(name, door_settings(*config_, checked.tls, name), lines);
        } else {
            log_info("daemon", "not listening any more: %s", name.c_str());
            doors_.close(name);
        }
    }
    for (NamedFd& socket : sockets) {
        doors_.close(socket.name);  // where it was at another address
        log_info("daemon", "listening on %s (%s)",
                 Address::local_of(socket.fd.get()).to_string().c_str(),
                 socket.name.c_str());
    }
    judge_clients_again();
    open_doors(checked, std::move(sockets));
}

}  // namespace neuron
