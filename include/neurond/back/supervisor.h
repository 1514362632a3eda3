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
    /// A downstream says that one of its resources has changed.
    virtual void on_resource_updated(const std::string& downstream,
                                     const std::string& uri) = 0;
    /// Every downstream's first start has listed, failed or timed out.
    virtual void on_all_resolved() = 0;

  protected:
    ~SupervisorOwner() = default;
};

/// All downstreams, in configured order, and the catalog they make together.
class Supervisor final : public Directory, private DownstreamOwner {
  public:
    /// `alert_command`: see AlertCommand.
    Supervisor(EventLoop& loop, Children& children, ResolverCache& names,
               std::string separator, bool describe_prefix, std::string alert_command,
               SupervisorOwner& owner);
    ~Supervisor();

    /// Adds one before start(). The router outlives the supervisor's downstreams.
    void add(Router& router, DownstreamSettings settings);
    /// Starts all at once.
    void start();
    /// Stops all at once; `stopped` is called when the last process has gone.
    void stop(std::function<void()> stopped);
    void kill();

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
    bool has(std::string_view downstream) const override;
    /// The resources of a downstream of which somebody wants to hear: from now on.
    void want_updates(const std::string& downstream, const std::set<std::string>& uris);

  private:
    void on_offer_changed() override { rebuild_.schedule(); }
    void on_first_start_resolved() override;
    void on_resource_updated(const std::string& downstream,
                             const std::string& uri) override {
        owner_.on_resource_updated(downstream, uri);
    }
    void on_downstream_stopped() override;
    void on_alarm(const std::string& server, const std::string& reason) override;
    void rebuild();

    EventLoop& loop_;
    Children& children_;
    ResolverCache& names_;
    std::string separator_;
    bool describe_prefix_;
    AlertCommand alert_;
    SupervisorOwner& owner_;
    std::vector<std::unique_ptr<Downstream>> downstreams_;
    std::shared_ptr<const Catalog> catalog_;
    size_t running_ = 0;  ///< still to stop
    std::function<void()> stopped_;
    Task rebuild_;
    Task stopped_task_;
};

}  // namespace neuron

#endif
