#ifndef NEUROND_DAEMON_REACTOR_H
#define NEUROND_DAEMON_REACTOR_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "neurond/back/crash_report.h"
#include "neurond/back/disabled_list.h"
#include "neurond/back/offer_files.h"
#include "neurond/back/supervisor.h"
#include "neurond/base/metrics.h"
#include "neurond/conf/config.h"
#include "neurond/daemon/checked_config.h"
#include "neurond/daemon/daemon.h"
#include "neurond/daemon/doors.h"
#include "neurond/daemon/events_page.h"
#include "neurond/daemon/heap_trim.h"
#include "neurond/daemon/keeper_link.h"
#include "neurond/daemon/metrics_file.h"
#include "neurond/daemon/pages.h"
#include "neurond/daemon/reload_page.h"
#include "neurond/daemon/reloader.h"
#include "neurond/daemon/server_pages.h"
#include "neurond/daemon/settings.h"
#include "neurond/daemon/socket_parcel.h"
#include "neurond/daemon/telemetry.h"
#include "neurond/fleet/registrar.h"
#include "neurond/front/http_server.h"
#include "neurond/front/mcp_endpoint.h"
#include "neurond/front/sse_door.h"
#include "neurond/front/ws_door.h"
#include "neurond/loop/cgroup.h"
#include "neurond/loop/child.h"
#include "neurond/loop/event_loop.h"
#include "neurond/loop/helper.h"
#include "neurond/loop/signals.h"
#include "neurond/mcp/audit.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/session.h"
#include "neurond/mcp/session_journal.h"
#include "neurond/net/resolver_cache.h"

namespace neuron {

/// The secrets of the state directory.
struct ReactorKeys {
    std::string session;  ///< seals session ids
    std::string audit;    ///< signs the checkpoints of the audit
    std::string node_id;  ///< no secret, but kept in the same place
};

/// Everything a reactor process consists of, in the order of its members.
///
///     kStarting ──every first start resolved──> kReady ──TERM──> kDraining
///     kDraining ──calls done, or drain_timeout──> kStopping ──children gone──> exit
class Reactor final : private SignalSink,
                      private SupervisorOwner,
                      private ResourceSource,
                      private KeeperLinkOwner,
                      private CallObserver,
                      private ReloadTarget,
                      private DaemonView {
  public:
    /// `started_with`: what the daemon started with, whose places are used to its end.
    /// The sockets listen already; their names are those of door_plans().
    Reactor(CheckedConfig checked, std::shared_ptr<const conf::Config> started_with,
            ReactorKeys keys, Fd keeper, std::vector<NamedFd> sockets,
            const ReactorOptions& options);
    ~Reactor();

    /// Fails when what belongs to the start cannot be had: the audit file.
    Status open();
    /// Serves until told to stop; the exit code.
    int run();

  private:
    enum class State { kStarting, kReady, kDraining, kStopping };

    void on_terminate() override;
    void on_reload() override;
    void on_reopen() override;
    void on_child() override { children_.reap(); }
    void on_catalog(std::shared_ptr<const Catalog> catalog,
                    bool changed) override;
    void on_own_lists_changed() override;
    void on_resource_updated(const ResourcePlace& place) override;
    void on_subscribed(const ResourcePlace& place, const Answer& answer) override;
    std::optional<ResourcePlace> place_of(const std::string& uri, const View& view,
                                          const Requester& who) const override;
    void want_updates(const ResourcePlace& place,
                      const std::set<std::string>& uris) override;
    void on_all_resolved() override;
    void on_staged() override { reloader_.on_staged(); }
    void on_left(const std::string& downstream) override;
    void on_parcel(std::vector<NamedFd> parcel) override;
    void on_other_end_gone() override;

    void on_call_done(const Call& call, const CallEnd& end) override;
    void on_blocked(std::string_view rule) override { telemetry_.on_blocked(rule); }

    const conf::Config& config() const override { return *config_; }
    const conf::Config& started_with() const override { return *started_with_; }
    std::vector<DownstreamSettings> downstreams_of(
        const CheckedConfig& checked) override;
    void apply(const CheckedConfig& checked, std::vector<NamedFd> sockets) override;
    void change_doors(const CheckedConfig& checked, std::vector<NamedFd> sockets);
    void judge_clients_again();
    SupervisorSettings supervisor_settings() const override {
        return neuron::supervisor_settings(*config_);
    }
    Router& call_router() override { return router_; }
    void configure_telemetry(const TlsContexts& tls);
    std::string metrics_text();
    void add_mcp_routes();
    void add_downstreams(const CheckedConfig& checked);
    void open_doors(const CheckedConfig& checked, std::vector<NamedFd> sockets);

    void register_if_ready();

    void drain();
    void close_doors();
    void say_alive();
    void on_door_drained();
    void stop_downstreams();
    void on_part_gone();
    void cut_off();
    void end();

    const char* state() const noexcept override;
    bool is_ready() const noexcept override {
        return state_ == State::kReady && supervisor_.missing() == nullptr;
    }
    const Supervisor& supervisor() const noexcept override { return supervisor_; }
    const Router& router() const noexcept override { return router_; }
    const HttpServer& server() const noexcept override { return server_; }
    std::vector<const LinkClients*> link_clients() const override;
    const SessionStore& sessions() const noexcept override { return sessions_; }
    const std::string& node_id() const noexcept override { return node_id_; }
    const Registrar& registrar() const noexcept override { return registrar_; }
    const AuditLog& audit() const noexcept override { return audit_; }
    const MetricsFile& metrics_file() const noexcept override { return metrics_file_; }
    const Telemetry& telemetry() const noexcept override { return telemetry_; }
    void refresh_metrics() override { telemetry_.refresh(); }
    void order(std::string_view server, ServerOrder order) override;
    void ask_to_reload(bool dry_run, Reloader::Done done) override {
        reloader_.request(dry_run, std::move(done));
    }
    void ask_to_stop(bool patient) override {
        patient_ = patient;
        stop_task_.schedule();
    }

    std::shared_ptr<const conf::Config> started_with_;
    std::shared_ptr<const conf::Config> config_;  ///< in force
    EventLoop loop_;
    Parties parties_;
    Children children_;
    Signals signals_;
    KeeperLink keeper_;
    Helper writer_;
    Helper resolver_;
    ResolverCache names_;
    Metrics metrics_;
    AuditLog audit_;
    CrashReports crashes_;
    OfferFiles offers_;
    DisabledList disabled_;
    CgroupFs cgroup_fs_;
    Cgroups cgroups_;
    Supervisor supervisor_;
    Telemetry telemetry_;
    MetricsFile metrics_file_;
    const std::string list_key_;
    Router router_;
    HeapTrim heap_{loop_, *this};
    Subscriptions subscriptions_;
    SessionStore sessions_;
    SessionJournal journal_;  ///< of the sessions
    HttpServer server_;
    McpEndpoint mcp_;
    WsDoor ws_;
    SseDoor sse_;
    Doors doors_;
    const std::string node_id_;
    uint16_t port_ = 0;  ///< of [server]
    Registrar registrar_;
    Reloader reloader_;
    Pages pages_;
    ReloadPage reload_page_;
    ServerPages server_pages_;
    EventsPage events_page_;
    State state_ = State::kStarting;
    bool patient_ = false;  ///< draining takes as long as the calls do
    Timer delay_timer_;
    Timer drain_timer_;
    Timer shutdown_timer_;
    Task stop_task_;
    Millis alive_every_;  ///< 0: nobody wants to hear it
    Timer alive_timer_;
    size_t doors_draining_ = 0;
    int parts_leaving_ = 0;  ///< before the end: the downstreams, and the registration
    int exit_code_ = 0;
};

}  // namespace neuron

#endif
