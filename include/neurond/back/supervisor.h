#ifndef NEUROND_BACK_SUPERVISOR_H
#define NEUROND_BACK_SUPERVISOR_H

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "neurond/back/alert_command.h"
#include "neurond/back/downstream.h"

namespace neuron {

/// Is told what the downstreams as a whole come to.
class SupervisorOwner {
  public:
    /// There is a new catalog. `tools_changed`: a client could see the difference.
    virtual void on_catalog(std::shared_ptr<const Catalog> catalog,
                            bool tools_changed) = 0;
    /// What some downstream offers to somebody in particular may have changed.
    virtual void on_own_lists_changed() = 0;
    /// A downstream says that one of its resources has changed.
    virtual void on_resource_updated(const ResourcePlace& place) = 0;
    /// What its server says to want_updates() of this one.
    virtual void on_subscribed(const ResourcePlace& place, const Answer& answer) = 0;
    /// Every downstream's first start has listed, failed or timed out.
    virtual void on_all_resolved() = 0;
    /// The same of those that were staged.
    virtual void on_staged() {}
    /// One that settle() has put aside has gone.
    virtual void on_left(const std::string& downstream) { static_cast<void>(downstream); }

  protected:
    ~SupervisorOwner() = default;
};

/// What holds for all downstreams together.
struct SupervisorSettings {
    std::string separator = ".";
    bool describe_prefix = false;
    std::string alert_command{};  ///< see AlertCommand
};

/// One that was staged and does not serve.
struct StagedFailure {
    std::string downstream;
    std::string reason;
    bool replaced = false;  ///< it is configured all the same, in nobody's place
};

/// All downstreams, in configured order, and the catalog they make together.
///
/// A reload makes another set of them without a gap: what is new is staged beside what
/// runs; when it has listed, settle() changes the set and the catalog at once; and what
/// is not in the set any more goes when the last of its calls is over.
class Supervisor final : public Directory, private DownstreamOwner {
  public:
    Supervisor(EventLoop& loop, Children& children, ResolverCache& names,
               SupervisorSettings settings, SupervisorOwner& owner);
    ~Supervisor();

    /// Adds one before start(). The router outlives the supervisor's downstreams.
    void add(Router& router, DownstreamSettings settings);
    /// Starts all at once.
    void start();
    /// Stops all at once; `stopped` is called when the last process has gone.
    void stop(std::function<void()> stopped);
    void kill();

    /// Starts these beside the others; on_staged() follows, from the loop.
    void stage(Router& router, std::vector<DownstreamSettings> fresh);
    /// Ends what is staged.
    void unstage();
    /// The set is now what `order` names: of each name the staged one, else the one there
    /// is. Where the staged one has failed and the old one serves, the old one stays.
    std::vector<StagedFailure> settle(const Router& router, SupervisorSettings settings,
                                      const std::vector<std::string>& order);
    /// Some call has ended; it may have been the last of one that is to go.
    void on_call_over();
    /// How many are on their way out.
    size_t leaving() const noexcept { return leaving_.size(); }

    const std::vector<std::unique_ptr<Downstream>>& downstreams() const noexcept {
        return downstreams_;
    }
    /// Null if there is none of this name.
    Downstream* find(std::string_view name) const;
    bool all_resolved() const;
    size_t healthy() const;
    /// The first `required` one that does not serve; null if all do.
    const Downstream* missing() const;
    std::optional<Missing> why_missing(const View& view,
                                       std::string_view name) const override;
    std::optional<Missing> why_missing_uri(const std::string& uri) const override;
    bool has(std::string_view downstream) const override;
    /// The resources at the source of `place` of which somebody wants to hear from now on.
    void want_updates(const ResourcePlace& place, const std::set<std::string>& uris);

  private:
    void on_offer_changed() override { rebuild_.schedule(); }
    void on_own_offer_changed() override { own_lists_.schedule(); }
    void on_first_start_resolved() override;
    void on_resource_updated(const ResourcePlace& place) override {
        owner_.on_resource_updated(place);
    }
    void on_subscribed(const ResourcePlace& place, const Answer& answer) override {
        owner_.on_subscribed(place, answer);
    }
    void on_downstream_stopped(Downstream& downstream) override;
    void on_alarm(const std::string& server, const std::string& reason) override;
    void rebuild();
    void check_staged();
    std::unique_ptr<Downstream> take_running(const std::string& name);
    std::unique_ptr<Downstream> choose(const std::string& name,
                                       std::vector<StagedFailure>& failures);
    void leave(std::unique_ptr<Downstream> downstream);
    void stop_leavers();

    EventLoop& loop_;
    Children& children_;
    ResolverCache& names_;
    SupervisorSettings settings_;
    AlertCommand alert_;
    SupervisorOwner& owner_;
    std::vector<std::unique_ptr<Downstream>> downstreams_;
    std::vector<std::unique_ptr<Downstream>> staged_;
    std::vector<std::unique_ptr<Downstream>> leaving_;
    const Router* router_ = nullptr;  ///< knows the calls of those
    bool staging_ = false;            ///< on_staged() is owed
    std::shared_ptr<const Catalog> catalog_;
    size_t running_ = 0;  ///< still to stop
    std::function<void()> stopped_;
    Task rebuild_;
    Task own_lists_;
    Task stopped_task_;
    Task staged_task_;
    Task leave_task_;
};

}  // namespace neuron

#endif
