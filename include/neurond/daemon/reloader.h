#ifndef NEUROND_DAEMON_RELOADER_H
#define NEUROND_DAEMON_RELOADER_H

#include <functional>
#include <string>
#include <vector>

#include "neurond/back/supervisor.h"
#include "neurond/base/metrics.h"
#include "neurond/daemon/checked_config.h"
#include "neurond/daemon/keeper_link.h"
#include "neurond/daemon/reload_plan.h"

namespace neuron {

/// What became of a reload.
struct ReloadReport {
    enum class Result {
        kDone,
        kPartial,  ///< done, but some downstream does not serve in its new form
        kInvalid,  ///< everything is as it was: the configuration is not good
        kRefused,  ///< everything is as it was: this is not the time
    };
    Result result = Result::kDone;
    bool dry_run = false;
    ReloadPlan plan;
    std::vector<StagedFailure> failures;
    std::string error;  ///< of the last two; what is wrong, line by line
};
const char* to_string(ReloadReport::Result result) noexcept;

/// What a reload changes: the reactor.
class ReloadTarget {
  public:
    virtual const conf::Config& started_with() const = 0;
    virtual std::vector<DownstreamSettings> downstreams_of(
        const CheckedConfig& checked) = 0;
    /// Puts everything but the set of downstreams in force.
    /// `sockets` are the ones that are new.
    virtual void apply(const CheckedConfig& checked, std::vector<NamedFd> sockets) = 0;
    virtual SupervisorSettings supervisor_settings() const = 0;
    virtual Router& call_router() = 0;

  protected:
    ~ReloadTarget() = default;
};

/// The one way to another configuration, whoever asks for it (DESIGN 1.1, promise 6).
///
///     kIdle ──request()──> kLoading ──good──> kStaging ──all have started──> kIdle
///                              └── bad, or a dry run ──> kIdle
///
/// Requests that come meanwhile are served together by the next round.
class Reloader {
  public:
    using Done = std::function<void(const ReloadReport& report)>;

    Reloader(KeeperLink& keeper, Supervisor& supervisor, Metrics& metrics,
             ReloadTarget& target);

    /// `done` may be called at once.
    void request(bool dry_run, Done done);
    /// The daemon ends: nothing is reloaded any more.
    void abandon();

    /// What the keeper has read.
    void on_loaded(std::vector<NamedFd> parcel);
    /// The supervisor has staged what it was given.
    void on_staged();

  private:
    enum class State { kIdle, kLoading, kStaging, kAbandoned };
    struct Request {
        bool dry_run;
        Done done;
    };

    void begin();
    void stage(CheckedConfig loaded);
    void finish(ReloadReport::Result result, std::string error = {});
    void tell(const ReloadReport& report);
    void count(ReloadReport::Result result);

    KeeperLink& keeper_;
    Supervisor& supervisor_;
    Metrics& metrics_;
    ReloadTarget& target_;
    State state_ = State::kIdle;
    std::vector<Request> waiting_;
    std::vector<Request> served_;  ///< by this round
    bool dry_run_ = false;         ///< all of them
    CheckedConfig next_;
    std::vector<NamedFd> sockets_;  ///< that the keeper has opened for it
    std::vector<std::string> order_;  ///< of its downstreams
    ReloadReport report_;
};

}  // namespace neuron

#endif
