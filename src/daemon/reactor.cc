// The process that serves. Here the floors below are put together; what they do is
// theirs.

#include "neurond/daemon/reactor.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "neurond/base/log.h"
#include "neurond/daemon/daemon.h"
#include "neurond/daemon/daemonize.h"
#include "neurond/daemon/door_plan.h"
#include "neurond/daemon/privileges.h"
#include "neurond/daemon/registration_setup.h"
#include "neurond/fleet/node_id.h"
#include "neurond/mcp/key_file.h"
#include "neurond/mcp/parked_calls.h"
#include "neurond/mcp/resource_place.h"
#include "neurond/protocol.h"

namespace neuron {

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitConfig = 78;
constexpr int kSweepMillis = 2000;

/// Empty when the keeper gave none of this number.
Fd inherited(int fd) {
    return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? Fd(fd) : Fd();
}

Result<ReactorKeys> load_keys(const std::string& state_dir) {
    const std::string session_key = state_dir + "/session.key";
    if (Status mended = mend_session_journal(state_dir + "/sessions", session_key);
        !mended) {
        return mended.error();
    }
    Result<std::string> session = load_or_create_session_key(session_key);
    if (!session) {
        return session.error();
    }
    Result<std::string> audit =
        load_or_create_audit_key(state_dir + "/" + kAuditKeyFile);
    if (!audit) {
        return audit.error();
    }
    Result<std::string> node_id =
        load_or_create_node_id(state_dir + "/" + kNodeIdFile);
    if (!node_id) {
        return node_id.error();
    }
    return ReactorKeys{std::move(*session), std::move(*audit), std::move(*node_id)};
}

std::string state_path(const conf::Config& config, const char* name) {
    return daemon_paths(config).state_dir + "/" + name;
}

/// Says so when a file that nobody waits for could not be written.
Helper::Answer note_failure(const char* what) {
    return [what](bool ok, std::string_view why) {
        if (!ok) {
            log_warn("daemon", "%s: %s", what, std::string(why).c_str());
        }
    };
}

std::function<void(const std::string&, const std::string&)> file_writer(
    Helper& writer, const char* what) {
    return [&writer, what](const std::string& path, const std::string& content) {
        writer.request(writer_replace_request(path, 0600, content), -1,
                       note_failure(what));
    };
}

CrashReports::Disk crash_disk(Helper& writer) {
    return {file_writer(writer, "crash report"), [&writer](const std::string& path) {
                writer.request(writer_remove_request(path), -1,
                               note_failure("crash report"));
            }};
}

}  // namespace

Reactor::Reactor(CheckedConfig checked,
                 std::shared_ptr<const conf::Config> started_with, ReactorKeys keys,
                 Fd keeper, std::vector<NamedFd> sockets, const ReactorOptions& options)
    : started_with_(std::move(started_with)),
      config_(checked.config),
      signals_(loop_, static_cast<SignalSink&>(*this)),
      keeper_(loop_, KeeperLink::End::kReactor, std::move(keeper),
              static_cast<KeeperLinkOwner&>(*this)),
      writer_(loop_, children_, HelperRole::kWriter),
      resolver_(loop_, children_, HelperRole::kResolver),
      names_(loop_,
             [this](const std::string& host, Helper::Answer done) {
                 resolver_.request(resolver_request(host), -1, std::move(done));
             }),
      audit_(loop_, writer_,
             audit_settings(*config_, *started_with_, std::move(keys.audit))),
      crashes_(state_path(*started_with_, "crashes"), crash_disk(writer_)),
      offers_(state_path(*started_with_, "offers"), file_writer(writer_, "keep a list")),
      disabled_(state_path(*started_with_, "disabled"),
                file_writer(writer_, "remember what is disabled")),
      cgroups_(loop_, cgroup_fs_, options.cgroup),
      supervisor_(loop_, children_, names_, neuron::supervisor_settings(*config_),
                  static_cast<SupervisorOwner&>(*this)),
      telemetry_(metrics_, static_cast<const DaemonView&>(*this)),
      metrics_file_(loop_, writer_, [this] { return metrics_text(); }),
      list_key_(keys.session),
      router_(loop_, parties_, audit_, supervisor_, static_cast<CallObserver&>(*this),
              router_limits(*config_)),
      subscriptions_(loop_, router_, static_cast<ResourceSource&>(*this)),
      sessions_(session_settings(*config_), keys.session),
      journal_(loop_, writer_, state_path(*started_with_, "sessions"), sessions_.records()),
      server_(loop_, http_settings(*config_, raise_descriptor_limit()), checked.clients),
      mcp_(loop_, server_, router_, sessions_, subscriptions_, mcp_settings(*config_)),
      ws_(loop_, server_, router_, subscriptions_, link_settings(*config_),
          config_->section("limits").duration("idle_timeout")),
      sse_(loop_, server_, router_, subscriptions_, link_settings(*config_),
           mcp_settings(*config_).keepalive),
      doors_(loop_, server_, router_, subscriptions_),
      node_id_(std::move(keys.node_id)),
      registrar_(loop_, names_),
      reloader_(keeper_, supervisor_, metrics_, static_cast<ReloadTarget&>(*this)),
      pages_(server_, metrics_, static_cast<DaemonView&>(*this)),
      reload_page_(server_, static_cast<DaemonView&>(*this)),
      server_pages_(server_, static_cast<DaemonView&>(*this)),
      events_page_(loop_, server_, static_cast<DaemonView&>(*this)),
      delay_timer_(loop_, [this] { close_doors(); }),
      drain_timer_(loop_, [this] { stop_downstreams(); }),
      shutdown_timer_(loop_, [this] { cut_off(); }),
      stop_task_(loop_, Phase::kSoon, [this] { drain(); }),
      alive_every_(options.alive),
      alive_timer_(loop_, [this] { say_alive(); }) {
    Block::set_total_max(config_->section("limits").size("buffer_total"));
    router_.set_rules({CatalogBuilder().build("."),
                       std::make_shared<const Policy>(Policy::from(*config_)),
                       list_settings(*config_, list_key_)});
    configure_telemetry(checked.tls);
    add_downstreams(checked);
    open_doors(checked, std::move(sockets));
    registrar_.use(membership_settings(*config_, checked.tls, node_id_, port_));
}

void Reactor::add_downstreams(const CheckedConfig& checked) {
    for (DownstreamSettings& settings : downstreams_of(checked)) {
        supervisor_.add(router_, std::move(settings));
    }
}

void Reactor::open_doors(const CheckedConfig& checked, std::vector<NamedFd> sockets) {
    for (NamedFd& socket : sockets) {
        if (socket.name == kBindDoor) {
            port_ = Address::local_of(socket.fd.get()).port();
        }
        doors_.open(socket.name, std::move(socket.fd),
                    door_settings(*config_, checked.tls, socket.name),
                    link_settings(*config_));
    }
}

void Reactor::add_mcp_routes() {
    for (const char* path : {"/api/v1/mcp", "/mcp", "/api/v1/mcp/", "/*/mcp"}) {
        server_.add_route(path, kServeMcp, mcp_);
    }
    server_.add_route("/ws", kServeMcp, ws_);
    for (const char* path : {"/sse", "/messages"}) {
        server_.add_route(path, kServeMcp, sse_);
    }
}

Reactor::~Reactor() = default;

Status Reactor::open() {
    if (Status opened = crashes_.open(); !opened) {
        log_warn("daemon", "no crash reports: %s", opened.error().message.c_str());
    }
    if (Status opened = offers_.open(); !opened) {
        log_warn("daemon", "no lists are kept: %s", opened.error().message.c_str());
    }
    if (Status opened = journal_.open(); !opened) {
        return opened;
    }
    add_mcp_routes();
    return audit_.open();
}

int Reactor::run() {
    for (const std::string& address : server_.described_addresses()) {
        log_info("daemon", "listening on %s", address.c_str());
    }
    keeper_.tell(ReactorWord::kListening);
    log_echo_errors(false);
    metrics_file_.change(metrics_file_settings(*config_));
    loop_.on_turn([this](TimePoint::duration took) {
        telemetry_.on_turn(took);
        events_page_.on_turn();
    });
    if (alive_every_ > Millis{0}) {
        say_alive();
    }
    supervisor_.start();
    loop_.run();
    return exit_code_;
}

std::string Reactor::metrics_text() {
    telemetry_.refresh();
    return metrics_.render(config_->section("metrics").str("prefix"));
}

/// A loop that hangs says nothing, which is what the watchdog listens for.
void Reactor::say_alive() {
    keeper_.tell(ReactorWord::kAlive);
    alive_timer_.arm(alive_every_);
}

const char* Reactor::state() const noexcept {
    switch (state_) {
        case State::kStarting:
            return kDaemonStarting;
        case State::kReady:
            return supervisor_.missing() == nullptr ? kDaemonReady
                                                     : kDaemonWaiting;
        case State::kDraining:
        case State::kStopping:
            return kDaemonDraining;
    }
    return "";
}

std::vector<const LinkClients*> Reactor::link_clients() const {
    std::vector<const LinkClients*> out = {&ws_.clients(), &sse_.clients()};
    doors_.add_link_clients(out);
    return out;
}

void Reactor::on_catalog(std::shared_ptr<const Catalog> catalog, bool changed) {
    router_.set_catalog(std::move(catalog));
    register_if_ready();
    if (changed && state_ != State::kStopping) {
        subscriptions_.rules_changed();
    }
}

void Reactor::on_own_lists_changed() {
    router_.on_own_lists_changed();
    if (state_ != State::kStopping) {
        subscriptions_.own_lists_changed();
    }
}

void Reactor::on_subscribed(const ResourcePlace& place, const Answer& answer) {
    subscriptions_.on_subscribed(place, answer);
}

void Reactor::on_resource_updated(const ResourcePlace& place) {
    subscriptions_.resource_updated(place);
}

std::optional<ResourcePlace> Reactor::place_of(const std::string& uri, const View& view,
                                               const Requester& who) const {
    return find_resource_place(router_, uri, view, who);
}

void Reactor::want_updates(const ResourcePlace& place,
                           const std::set<std::string>& uris) {
    supervisor_.want_updates(place, uris);
}

void Reactor::on_all_resolved() {
    if (state_ == State::kStarting) {
        state_ = State::kReady;
        log_info("daemon", "ready: %zu of %zu downstreams healthy",
                 supervisor_.healthy(), supervisor_.downstreams().size());
    }
    register_if_ready();
}

/// Nobody is sent here before there is something to find.
void Reactor::register_if_ready() {
    if (is_ready()) {
        registrar_.begin();
    }
}

void Reactor::order(std::string_view server, ServerOrder order) {
    if (Downstream* found = supervisor_.find(server); found != nullptr) {
        found->obey(order);
    }
}

void Reactor::on_reopen() {
    for (const Status& opened : {log_reopen(), audit_.reopen()}) {
        if (!opened) {
            log_error("daemon", "%s", opened.error().message.c_str());
        }
    }
}

/// TERM: drain. A second one: at once, and the children die all the same.
void Reactor::on_terminate() {
    if (state_ == State::kDraining || state_ == State::kStopping) {
        log_info("daemon", "told twice to stop: stopping at once");
        end();
        return;
    }
    drain();
}

/// Without a keeper nobody would clean up after us: end at once, children first.
void Reactor::on_other_end_gone() {
    log_error("daemon", "the keeper has gone: stopping");
    exit_code_ = kExitFailed;
    end();
}

void Reactor::drain() {
    if (state_ == State::kDraining || state_ == State::kStopping) {
        return;
    }
    state_ = State::kDraining;
    reloader_.abandon();
    log_info("daemon", "draining: %zu calls in flight", router_.in_flight());
    const conf::Section& server = config_->section("server");
    if (!patient_) {
        shutdown_timer_.arm(server.duration("shutdown_timeout"));
    }
    parts_leaving_ = 2;
    registrar_.leave([this] { on_part_gone(); });
    const Millis delay = server.duration("drain_delay");
    if (delay.count() > 0) {
        delay_timer_.arm(delay);
    } else {
        close_doors();
    }
}

/// Whoever balances load has had the time to see that we are not ready.
void Reactor::close_doors() {
    log_info("daemon", "closing listeners and idle connections");
    if (!patient_) {
        drain_timer_.arm(config_->section("server").duration("drain_timeout"));
    }
    events_page_.drain();
    mcp_.drain();
    router_.parked().close();
    doors_draining_ = 3;
    sse_.drain();
    ws_.drain([this] { on_door_drained(); });
    doors_.drain([this] { on_door_drained(); });
    server_.drain([this] { on_door_drained(); });
}

/// A call may outlive its connection, and is still waited for.
void Reactor::on_door_drained() {
    if (--doors_draining_ > 0) {
        return;
    }
    if (router_.in_flight() > 0) {
        router_.on_idle([this] { stop_downstreams(); });
    } else {
        stop_downstreams();
    }
}

void Reactor::stop_downstreams() {
    if (state_ != State::kDraining) {
        return;
    }
    router_.refuse_unsent();
    state_ = State::kStopping;
    drain_timer_.cancel();
    supervisor_.stop([this] { on_part_gone(); });
}

void Reactor::on_part_gone() {
    if (--parts_leaving_ == 0) {
        end();
    }
}

void Reactor::cut_off() {
    log_warn("daemon", "shutdown_timeout: cutting off what is left");
    end();
}

void Reactor::end() {
    state_ = State::kStopping;
    supervisor_.kill();
    audit_.close();
    kill_descendants(0, kSweepMillis);
    metrics_file_.finish();
    log_info("daemon", "stopped");
    log_flush();
    loop_.stop();
}

int run_reactor(const ReactorOptions& options) {
    block_signals();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::prctl(PR_SET_NAME, "neurond-reactor");
    if (Status changed = options.as.empty() ? Ok{} : become(options.as); !changed) {
        log_error("daemon", "%s", changed.error().message.c_str());
        return kExitFailed;
    }
    Fd keeper = inherited(kKeeperSocketFd);
    Result<std::vector<NamedFd>> sockets = receive_sockets(keeper.get());
    if (!sockets) {
        log_error("daemon", "%s", sockets.error().message.c_str());
        return kExitFailed;
    }
    Result<conf::Bundle> bundle = read_bundle(inherited(kBundleFd));
    Result<conf::Bundle> first = read_bundle(inherited(kFirstBundleFd));
    if (!bundle || !first) {
        const Error& error = bundle ? first.error() : bundle.error();
        log_error("daemon", "%s", error.message.c_str());
        return kExitFailed;
    }
    std::shared_ptr<const conf::Config> started_with =
        conf::load(first->options, first->files).config;
    CheckedConfig loaded = load_checked(bundle->options, bundle->files, Dates::kIgnore);
    if (!loaded.config || !started_with) {
        std::fputs(loaded.diagnostics.to_string().c_str(), stderr);
        return kExitConfig;
    }
    if (options.detached) {
        log_without_stderr();
    }
    if (Status logging = configure_log(*loaded.config); !logging) {
        log_error("daemon", "log.target: %s", logging.error().message.c_str());
        if (!options.again) {
            return kExitFailed;
        }
    }
    log_echo_errors(true);
    Result<ReactorKeys> keys = load_keys(daemon_paths(*started_with).state_dir);
    if (!keys) {
        log_error("daemon", "%s", keys.error().message.c_str());
        return kExitFailed;
    }
    Reactor reactor(std::move(loaded), std::move(started_with), std::move(*keys),
                    std::move(keeper), std::move(*sockets), options);
    if (Status opened = reactor.open(); !opened) {
        log_error("daemon", "%s", opened.error().message.c_str());
        return kExitFailed;
    }
    if (options.detached) {
        let_go_of_stderr();
    }
    return reactor.run();
}

}  // namespace neuron
