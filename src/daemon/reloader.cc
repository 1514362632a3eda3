// From a request to another configuration in force. Until the last step nothing that
// serves is touched, so that whatever goes wrong leaves everything as it was.

#include "neurond/daemon/reloader.h"

#include <algorithm>
#include <ctime>
#include <set>
#include <utility>

#include "neurond/base/log.h"
#include "neurond/base/memory_file.h"
#include "neurond/base/text.h"
#include "neurond/daemon/settings.h"

namespace neuron {

namespace {

constexpr size_t kMaxReloadErrorBytes = 4096;  ///< in one line of the log
constexpr const char* kCounter = "neurond_config_reloads_total";
constexpr const char* kCounterHelp = "Reloads, by what became of them.";

/// What the keeper found to be good, read from its memory instead of from the disk.
CheckedConfig load_from(const Fd& fd, std::string& error) {
    Result<conf::Bundle> bundle = read_bundle(fd);
    if (!bundle) {
        error = bundle.error().message;
        return {};
    }
    CheckedConfig loaded = load_checked(bundle->options, bundle->files, Dates::kIgnore);
    error = loaded.diagnostics.to_string();
    return loaded;
}

}  // namespace

const char* to_string(ReloadReport::Result result) noexcept {
    switch (result) {
        case ReloadReport::Result::kDone:
            return "success";
        case ReloadReport::Result::kPartial:
            return "partial";
        case ReloadReport::Result::kInvalid:
            return "invalid";
        case ReloadReport::Result::kRefused:
            break;
    }
    return "refused";
}

Reloader::Reloader(KeeperLink& keeper, Supervisor& supervisor, Metrics& metrics,
                   ReloadTarget& target)
    : keeper_(keeper), supervisor_(supervisor), metrics_(metrics), target_(target) {
    for (const auto result :
         {ReloadReport::Result::kDone, ReloadReport::Result::kPartial,
          ReloadReport::Result::kInvalid}) {
        metrics_.counter(kCounter, kCounterHelp, {{"result", to_string(result)}});
    }
    metrics_
        .gauge("neurond_config_last_reload_success_timestamp_seconds",
               "When the configuration in force was put in force.")
        .set(static_cast<double>(std::time(nullptr)));
}

void Reloader::request(bool dry_run, Done done) {
    if (state_ == State::kAbandoned) {
        log_info("reload", "ignored: the daemon is stopping");
        ReloadReport refused;
        refused.result = ReloadReport::Result::kRefused;
        refused.dry_run = dry_run;
        refused.error = "the daemon is stopping";
        done(refused);
        return;
    }
    waiting_.push_back({dry_run, std::move(done)});
    if (state_ == State::kIdle) {
        begin();
    }
}

void Reloader::begin() {
    served_ = std::exchange(waiting_, {});
    dry_run_ = std::all_of(served_.begin(), served_.end(),
                           [](const Request& request) { return request.dry_run; });
    report_ = ReloadReport();
    report_.dry_run = dry_run_;
    state_ = State::kLoading;
    keeper_.tell(dry_run_ ? ReactorWord::kTry : ReactorWord::kLoad);
}

void Reloader::abandon() {
    const State before = std::exchange(state_, State::kAbandoned);
    if (before == State::kLoading || before == State::kStaging) {
        finish(ReloadReport::Result::kRefused, "the daemon is stopping");
    }
    for (Request& each : std::exchange(waiting_, {})) {
        request(each.dry_run, std::move(each.done));
    }
}

void Reloader::on_loaded(std::vector<NamedFd> parcel) {
    if (state_ != State::kLoading) {
        return;
    }
    const NamedFd first = std::move(parcel.front());
    if (first.name != kGoodParcel) {
        const Result<std::string> text = text_of_memfd(first.fd);
        finish(ReloadReport::Result::kInvalid, text ? *text : text.error().message);
        return;
    }
    std::string error;
    CheckedConfig loaded = load_from(first.fd, error);
    if (loaded.config == nullptr) {
        log_error("reload", "%s", escape(error, kMaxReloadErrorBytes).c_str());
        finish(ReloadReport::Result::kInvalid, std::move(error));
        return;
    }
    parcel.erase(parcel.begin());
    sockets_ = std::move(parcel);
    stage(std::move(loaded));
}

void Reloader::stage(CheckedConfig loaded) {
    next_ = std::move(loaded);
    std::vector<DownstreamSettings> wanted = target_.downstreams_of(next_);
    DownstreamForms running;
    for (const auto& each : supervisor_.downstreams()) {
        running.emplace_back(each->name(), each->settings().form);
    }
    DownstreamForms forms;
    order_.clear();
    for (const DownstreamSettings& each : wanted) {
        forms.emplace_back(each.name, each.form);
        order_.push_back(each.name);
    }
    report_.plan = plan_reload(running, forms, target_.started_with(), *next_.config);
    if (dry_run_) {
        finish(ReloadReport::Result::kDone);
        return;
    }
    if (Status log = try_log(*next_.config); !log) {
        log_error("reload", "log.target: %s", log.error().message.c_str());
        finish(ReloadReport::Result::kInvalid, "log.target: " + log.error().message);
        return;
    }
    log_info("reload", "%s", to_string(report_.plan).c_str());
    std::set<std::string> fresh(report_.plan.add.begin(), report_.plan.add.end());
    fresh.insert(report_.plan.change.begin(), report_.plan.change.end());
    wanted.erase(std::remove_if(wanted.begin(), wanted.end(),
                                [&fresh](const DownstreamSettings& each) {
                                    return fresh.count(each.name) == 0;
                                }),
                 wanted.end());
    state_ = State::kStaging;
    supervisor_.stage(target_.call_router(), std::move(wanted));
}

void Reloader::on_staged() {
    if (state_ != State::kStaging) {
        return;
    }
    target_.apply(next_, std::exchange(sockets_, {}));
    for (const std::string& name : report_.plan.keep) {
        const auto leg = next_.tls.legs.find(name);
        if (Downstream* kept = supervisor_.find(name);
            kept != nullptr && leg != next_.tls.legs.end()) {
            kept->use_tls(leg->second);
        }
    }
    report_.failures = supervisor_.settle(target_.call_router(),
                                          target_.supervisor_settings(), order_);
    keeper_.tell(ReactorWord::kAdopted);
    finish(report_.failures.empty() ? ReloadReport::Result::kDone
                                    : ReloadReport::Result::kPartial);
}

void Reloader::finish(ReloadReport::Result result, std::string error) {
    report_.result = result;
    report_.error = std::move(error);
    if (!dry_run_) {
        keeper_.tell(ReactorWord::kSettled);
        count(result);
        tell(report_);
    }
    next_ = CheckedConfig();
    sockets_.clear();
    if (state_ != State::kAbandoned) {
        state_ = State::kIdle;
    }
    const ReloadReport report = std::exchange(report_, {});
    for (const Request& each : std::exchange(served_, {})) {
        each.done(report);
    }
    if (state_ == State::kIdle && !waiting_.empty()) {
        begin();
    }
}

void Reloader::tell(const ReloadReport& report) {
    if (!report.error.empty()) {
        // What is wrong in the files, the keeper has said line by line.
        log_error("reload", "%s: nothing is changed", to_string(report.result));
        return;
    }
    for (const std::string& key : report.plan.restart) {
        log_warn("reload", "%s: the new value holds from the next start", key.c_str());
    }
    for (const StagedFailure& each : report.failures) {
        log_error("reload", "%s: its new form does not serve: %s%s",
                  each.downstream.c_str(), each.reason.c_str(),
                  each.replaced ? "" : "; the old one goes on");
    }
    log_info("reload", "%s", report.failures.empty() ? "done" : "done in part");
}

void Reloader::count(ReloadReport::Result result) {
    if (result == ReloadReport::Result::kRefused) {
        return;
    }
    metrics_.counter(kCounter, kCounterHelp, {{"result", to_string(result)}}).add();
    if (result != ReloadReport::Result::kInvalid) {
        metrics_.gauge("neurond_config_last_reload_success_timestamp_seconds", "")
            .set(static_cast<double>(std::time(nullptr)));
    }
}

}  // namespace neuron
