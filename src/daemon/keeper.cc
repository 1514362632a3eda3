// The process whose PID stands in the PID file. It holds what must survive a crash of the
// reactor: the listening sockets and the validated configuration. It starts reactors,
// cleans up after dead ones, and does little else.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>

#include "neurond/base/crypto.h"
#include "neurond/base/log.h"
#include "neurond/base/memory_file.h"
#include "neurond/base/text.h"
#include "neurond/base/version.h"
#include "neurond/conf/check_listener.h"
#include "neurond/conf/config.h"
#include "neurond/daemon/config_source.h"
#include "neurond/daemon/daemon.h"
#include "neurond/daemon/daemonize.h"
#include "neurond/daemon/estate.h"
#include "neurond/daemon/keeper_link.h"
#include "neurond/daemon/pid_file.h"
#include "neurond/daemon/service_manager.h"
#include "neurond/daemon/settings.h"
#include "neurond/daemon/socket_parcel.h"
#include "neurond/loop/cgroup.h"
#include "neurond/loop/child.h"
#include "neurond/loop/file_watch.h"
#include "neurond/loop/signals.h"

namespace neuron {

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitConfig = 78;
constexpr size_t kMaxDeaths =
    5;  ///< of reactors within a minute; then it is no accident
constexpr Millis kDeathWindow{60 * 1000};
constexpr Millis kFirstPause{100};  ///< before the second restart within the window
constexpr Millis kStopMargin{2000};
constexpr int kSweepMillis = 5000;
constexpr Millis kWatchQuiet{1000};  ///< of the files, before they are looked at

class Keeper final : private SignalSink, private ChildOwner, private KeeperLinkOwner {
  public:
    /// `first`: what the estate was made by.
    Keeper(Estate estate, ConfigSource source, const ConfigSource::Reading& first,
           ServiceManager manager, std::optional<Fd> starter, bool detached)
        : estate_(std::move(estate)),
          source_(std::move(source)),
          manager_(std::move(manager)),
          starter_(std::move(starter)),
          detached_(detached),
          signals_(loop_, static_cast<SignalSink&>(*this)),
          restart_(loop_, [this] { launch(); }),
          give_up_(loop_, [this] { children_.kill_group(reactor_, SIGKILL); }),
          watch_(loop_, kWatchQuiet, [this] { look_again(); }) {
        seen_ = sha256(first.bundle);
        watch(*first.checked.config, first.files);
    }

    int run() {
        launch();
        loop_.run();
        if (estate_.cgroups) {
            estate_.cgroups->sweep(kSweepMillis);
            estate_.cgroups->close();
        }
        estate_.doors.keep({});
        estate_.pid_file.remove();
        return exit_code_;
    }

  private:
    void on_terminate() override;
    void on_reload() override;
    void on_reopen() override;
    void on_child() override { children_.reap(); }
    void on_exit(pid_t pid, ExitStatus status) override;
    void on_word(ReactorWord word) override;
    void on_other_end_gone() override { link_.reset(); }

    void forward(int signal) const {
        if (reactor_ != 0) {
            ::kill(reactor_, signal);
        }
    }
    void read_config(bool open);
    void withdraw();
    void adopt();
    void watch(const conf::Config& config, const std::vector<std::string>& files);
    void look_again();
    Status offer(const ConfigSource::Reading& reading, bool open);
    void launch();
    Status spawn_reactor();
    void end(int code);
    void tell_starter();

    Estate estate_;
    ConfigSource source_;
    ServiceManager manager_;
    /// What was good when it was last read, until the reactor says that it runs it.
    struct Offer {
        Fd bundle;
        std::vector<DoorPlan> doors;
        std::shared_ptr<const conf::Config> config;
        std::vector<std::string> files;
    };
    std::optional<Offer> offer_;
    std::string seen_;  ///< a digest of what was read last
    bool reload_wanted_ = false;  ///< and no reactor has begun it
    std::optional<Fd> starter_;
    bool detached_;  ///< standard error ends when it has started
    EventLoop loop_;
    Children children_;
    Signals signals_;
    Timer restart_;
    Timer give_up_;
    FileWatch watch_;
    std::unique_ptr<KeeperLink> link_;
    pid_t reactor_ = 0;
    bool served_ = false;  ///< some reactor has been listening
    bool terminating_ = false;
    std::deque<TimePoint> deaths_;
    int exit_code_ = 0;
};

void Keeper::on_terminate() {
    terminating_ = true;
    manager_.stopping();
    restart_.cancel();
    if (reactor_ == 0) {
        end(0);
        return;
    }
    forward(SIGTERM);
    if (!give_up_.armed()) {
        give_up_.arm(estate_.shutdown_timeout + kStopMargin);
    }
}

void Keeper::launch() {
    if (Status started = spawn_reactor(); !started) {
        log_error("keeper", "%s", started.error().message.c_str());
        end(kExitFailed);
    }
}

Status Keeper::spawn_reactor() {
    withdraw();
    Fd ours;
    Fd theirs;
    if (Status made = make_keeper_sockets(ours, theirs); !made) {
        return made;
    }
    if (Status sent = send_sockets(ours.get(), estate_.doors.all()); !sent) {
        return sent.error();
    }
    SpawnPlan plan;
    plan.path = "/proc/self/exe";
    plan.argv = {"neurond", kReactorOption};
    if (estate_.cgroups) {
        plan.argv.push_back(kCgroupOption + estate_.cgroups->dir());
    }
    if (served_) {
        plan.argv.push_back(kAgainOption);
    }
    if (detached_) {
        plan.argv.push_back(kDetachedOption);
    }
    if (manager_.watchdog() > Millis{0}) {
        plan.argv.push_back(kAliveOption + std::to_string(manager_.watchdog().count()));
    }
    plan.keep_mask = true;  // signals sent before it listens to them must wait, not kill
    for (char** at = environ; *at != nullptr; ++at) {
        plan.env.emplace_back(*at);
    }
    if (estate_.account) {
        plan.argv.push_back(kUserOption + as_text(*estate_.account));
        set_environment(plan.env, *estate_.account);
    }
    plan.fds = {{0, 0},
                {1, 1},
                {2, 2},
                {theirs.get(), kKeeperSocketFd},
                {estate_.bundle.get(), kBundleFd},
                {estate_.first_bundle.get(), kFirstBundleFd}};
    const Result<pid_t> pid = spawn(plan);
    if (!pid) {
        return pid.error();
    }
    reactor_ = *pid;
    children_.watch(reactor_, *this);
    link_ = std::make_unique<KeeperLink>(loop_, KeeperLink::End::kKeeper,
                                         std::move(ours),
                                         static_cast<KeeperLinkOwner&>(*this));
    return Ok{};
}

void Keeper::on_word(ReactorWord word) {
    switch (word) {
        case ReactorWord::kListening:
            served_ = true;
            log_echo_errors(false);
            tell_starter();
            manager_.ready("serving");
            if (std::exchange(reload_wanted_, false)) {
                forward(SIGHUP);
            }
            break;
        case ReactorWord::kLoad:
            reload_wanted_ = false;
            manager_.reloading();
            read_config(true);
            break;
        case ReactorWord::kTry:
            read_config(false);
            break;
        case ReactorWord::kAdopted:
            adopt();
            break;
        case ReactorWord::kSettled:
            withdraw();
            manager_.ready("serving");
            break;
        case ReactorWord::kAlive:
            manager_.alive();
            break;
    }
}

void Keeper::on_reopen() {
    if (Status opened = log_reopen(); !opened) {
        log_error("keeper", "%s", opened.error().message.c_str());
    }
    prepare_audit(estate_);
    forward(SIGUSR1);
}

/// A reactor that is to come reloads once it listens: the configuration that it starts
/// with is known to be good. The one that is there may be dead without our knowing.
void Keeper::on_reload() {
    reload_wanted_ = true;
    forward(SIGHUP);
}

/// For the reactor, which may not be allowed to.
void Keeper::read_config(bool open) {
    withdraw();
    const ConfigSource::Reading reading = source_.read();
    seen_ = sha256(reading.bundle);
    log_diagnostics("reload", reading.checked.diagnostics);
    std::string wrong = reading.checked.diagnostics.to_string();
    if (reading.checked.config != nullptr) {
        Status offered = offer(reading, open);
        if (offered) {
            return;
        }
        log_error("reload", "%s", offered.error().message.c_str());
        wrong = offered.error().message + "\n";
    }
    const Result<Fd> text = text_to_memfd("neurond-errors", wrong);
    Status told = text ? link_->send({{kBadParcel, text->get()}}) : text.error();
    if (!told) {
        log_error("reload", "%s", told.error().message.c_str());
    }
}

/// With `open`, what it listens at is open beside what is open already.
Status Keeper::offer(const ConfigSource::Reading& reading, bool open) {
    Result<Fd> bundle = text_to_memfd("neurond-config", reading.bundle);
    if (!bundle) {
        return bundle.error();
    }
    std::vector<std::pair<std::string, int>> parcel = {{kGoodParcel, bundle->get()}};
    Offer next;
    if (open) {
        const conf::Config& config = *reading.checked.config;
        next.doors = door_plans(config, estate_.paths);
        next.config = reading.checked.config;
        next.files = reading.files;
        prepare_log(config);
        const size_t before = estate_.doors.all().size();
        Status opened = estate_.doors.open(next.doors);
        if (!opened) {
            return opened;
        }
        const auto all = estate_.doors.all();
        parcel.insert(parcel.end(), all.begin() + static_cast<ptrdiff_t>(before),
                      all.end());
    }
    Status sent = link_->send(parcel);
    if (open) {
        next.bundle = std::move(*bundle);
        offer_ = std::move(next);
    }
    return sent;
}

void Keeper::adopt() {
    if (offer_) {
        (void)configure_log(*offer_->config);  // the reactor says what is wrong with it
        estate_.bundle = std::move(offer_->bundle);
        estate_.plans = std::move(offer_->doors);
        const conf::Section& server = offer_->config->section("server");
        estate_.shutdown_timeout = server.duration("shutdown_timeout");
        watch(*offer_->config, offer_->files);
        if (!estate_.cgroups && wants_cgroups(*offer_->config)) {
            log_warn("keeper", "limits of children are weaker until the next start: "
                               "there were no cgroups at this one");
        }
        offer_.reset();
        estate_.doors.keep(estate_.plans);
    }
}

void Keeper::watch(const conf::Config& config, const std::vector<std::string>& files) {
    const bool wanted = config.section("server").yes("watch_config");
    Status watching = watch_.watch(wanted ? files : std::vector<std::string>());
    if (!watching) {
        log_warn("keeper", "watch_config: %s", watching.error().message.c_str());
    }
}

/// Something has happened where the files are; most of that is none of our business.
void Keeper::look_again() {
    if (sha256(source_.read().bundle) != seen_) {
        log_info("keeper", "the configuration or a file that it names has changed");
        on_reload();
    }
}

/// What a reactor has not adopted is as if it had never been.
void Keeper::withdraw() {
    offer_.reset();
    estate_.doors.keep(estate_.plans);
}

/// Nothing a dead reactor started may live on: its children are our orphans now.
void Keeper::on_exit(pid_t, ExitStatus status) {
    reactor_ = 0;
    link_.reset();
    kill_descendants(0, kSweepMillis);
    if (estate_.cgroups) {
        estate_.cgroups->sweep(kSweepMillis);
    }
    if (terminating_ || !served_) {
        end(status.signal != 0 ? kExitFailed : status.code);
        return;
    }
    if (status.clean()) {
        end(0);  // it was asked to stop by other means than a signal
        return;
    }
    const TimePoint now = loop_.now();
    while (!deaths_.empty() && now - deaths_.front() > kDeathWindow) {
        deaths_.pop_front();
    }
    deaths_.push_back(now);
    log_error("keeper", "reactor %s (death %zu within a minute)",
              status.to_string().c_str(), deaths_.size());
    if (deaths_.size() >= kMaxDeaths) {
        log_error("keeper", "giving up after %zu deaths", deaths_.size());
        end(kExitFailed);
        return;
    }
    if (deaths_.size() == 1) {
        launch();
    } else {
        restart_.arm(kFirstPause * (1 << (deaths_.size() - 2)));
    }
}

void Keeper::end(int code) {
    exit_code_ = code;
    loop_.stop();
}

/// The process that waits for `-d` hears that it has worked; or it hears the end of this
/// one, when nothing of it is left.
void Keeper::tell_starter() {
    if (starter_) {
        (void)!::write(starter_->get(), "+", 1);
        starter_.reset();
        if (detached_) {
            let_go_of_stderr();
        }
    }
}

/// For the reactors to come.
Status keep_reading(const ConfigSource::Reading& reading, Estate& estate) {
    for (Fd* each : {&estate.bundle, &estate.first_bundle}) {
        Result<Fd> bundle = text_to_memfd("neurond-config", reading.bundle);
        if (!bundle) {
            return bundle.error();
        }
        *each = std::move(*bundle);
    }
    return Ok{};
}

/// As configured, but for stderr.
void log_elsewhere(const conf::Config& config) {
    log_without_stderr();
    (void)configure_log(config);
    if (log_goes_nowhere()) {
        std::fputs("neurond: nothing is logged: log.target is stderr, which ends with -d, "
                   "and there is no syslog\n",
                   stderr);
    }
}

void warn_about_places(const DaemonPaths& paths) {
    if (::geteuid() != 0) {
        log_info("keeper", "not root: run_dir %s, state_dir %s, audit %s",
                 paths.run_dir.c_str(), paths.state_dir.c_str(), paths.audit.c_str());
    }
}

}  // namespace

int run_daemon(const DaemonOptions& options) {
    conf::LoadOptions load_options{options.config_path, options.overrides};
    if (options.verbose) {
        load_options.overrides.emplace_back("log.level=debug");
    }
    ConfigSource source(load_options);
    const ConfigSource::Reading reading = source.read();
    const CheckedConfig& loaded = reading.checked;
    std::fputs(loaded.diagnostics.to_string().c_str(), stderr);
    if (!loaded.config) {
        return kExitConfig;
    }
    const conf::Config& config = *loaded.config;
    if (Status logging = configure_log(config); !logging) {
        log_error("keeper", "%s", logging.error().message.c_str());
        return kExitFailed;
    }
    log_echo_errors(true);
    ServiceManager manager = ServiceManager::from_environment();
    InheritedSockets inherited = InheritedSockets::from_environment();
    std::optional<Fd> starter;
    const bool detached = options.daemonize && stderr_has_reader();
    if (options.daemonize) {
        if (const std::optional<int> code = daemonize(starter, detached); code) {
            return *code;
        }
    }
    if (detached) {
        log_elsewhere(config);
    }
    block_signals();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    Estate estate;
    estate.doors = DoorSockets(std::move(inherited));
    if (Status prepared = prepare(config, options.pid_file, estate); !prepared) {
        log_error("keeper", "%s", prepared.error().message.c_str());
        return kExitFailed;
    }
    if (Status kept = keep_reading(reading, estate); !kept) {
        log_error("keeper", "%s", kept.error().message.c_str());
        return kExitFailed;
    }
    estate.cgroups = make_cgroups(config, estate.account);
    log_info("keeper", "neurond %s, pid %d, configuration %s", kVersion,
             static_cast<int>(::getpid()), options.config_path.c_str());
    log_settings(config);
    warn_about_places(estate.paths);
    for (const std::string& name : estate.doors.unused()) {
        log_warn("keeper", "nothing in the configuration takes the inherited socket %s",
                 escape(name, conf::kMaxInheritedName).c_str());
    }
    Keeper keeper(std::move(estate), std::move(source), reading, std::move(manager),
                  std::move(starter), detached);
    const int code = keeper.run();
    log_flush();
    return code;
}

}  // namespace neuron
