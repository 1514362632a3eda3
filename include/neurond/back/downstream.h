#ifndef NEUROND_BACK_DOWNSTREAM_H
#define NEUROND_BACK_DOWNSTREAM_H

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "neurond/back/instance.h"
#include "neurond/back/http_target.h"
#include "neurond/back/stdio_process.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/router.h"
#include "neurond/net/resolver_cache.h"

namespace neuron {

/// How a downstream is reached.
enum class Transport { kStdio, kHttp, kSse };

/// One [downstream NAME] section, in the types of this module.
struct DownstreamSettings {
    std::string name;
    bool enabled = true;
    Transport transport = Transport::kStdio;
    StdioCommand command;  ///< for kStdio
    HttpTarget http;       ///< for the others
    Protocol protocol = Protocol::kAuto;
    Exposure exposure;
    Millis start_timeout{10000};
    Millis call_timeout{50000};
    Millis call_timeout_max{600000};
    std::vector<std::pair<std::string, Millis>> timeouts;  ///< by glob on own names
    size_t max_in_flight = 256;
    size_t queue = 1024;
    Millis backoff{1000};
    Millis backoff_max{60000};
};

/// What a downstream is doing (DESIGN 1.6).
enum class DownstreamState {
    kConfigured,
    kStarting,
    kHealthy,
    kRestarting,
    kDisabled,
    kStopped
};
const char* to_string(DownstreamState state) noexcept;

/// Is told about downstreams.
class DownstreamOwner {
  public:
    /// What it offers, or whether it will offer it soon, has changed.
    virtual void on_offer_changed() = 0;
    /// Its first start has listed, failed or timed out.
    virtual void on_first_start_resolved() = 0;
    /// Its last process has ended after stop().
    virtual void on_downstream_stopped() = 0;

  protected:
    ~DownstreamOwner() = default;
};

/// A configured MCP server: what it offers, its queue of calls, and the instance that
/// answers them. An instance that ends is started again, after a pause that doubles.
class Downstream final : public Answerer, private InstanceOwner {
  public:
    Downstream(EventLoop& loop, Children& children, ResolverCache& names, Router& router,
               DownstreamSettings settings, DownstreamOwner& owner);
    ~Downstream();

    void start();
    /// Ends its process in good order; on_downstream_stopped() follows.
    void stop();
    void kill();

    const std::string& name() const noexcept override { return settings_.name; }
    DownstreamState state() const noexcept { return state_; }
    bool resolved() const noexcept { return resolved_; }
    AnswererHandle handle() const noexcept { return registration_.handle(); }
    /// Null while it is not healthy.
    const std::shared_ptr<const Offer>& offer() const noexcept { return offer_; }
    const Exposure& exposure() const noexcept { return settings_.exposure; }
    const std::string& last_error() const noexcept { return last_error_; }
    const StderrTail& tail() const noexcept { return tail_; }
    unsigned restarts() const noexcept { return restarts_; }
    pid_t pid() const noexcept { return instance_ ? instance_->pid() : 0; }
    TimePoint started() const noexcept { return started_; }
    size_t in_flight() const noexcept { return instance_ ? instance_->in_flight() : 0; }
    size_t queued() const noexcept { return queue_.size(); }
    /// The revision its server speaks; empty while it is not healthy.
    std::string revision() const;
    /// "Downstream 'X' is not available: …"
    OwnError unavailable() const;

    void take(Call& call) override;
    void cancel(Call& call, CancelReason reason) override;
    Millis call_timeout(const std::string& own_name) const override;
    Millis call_timeout_max() const override { return settings_.call_timeout_max; }

  private:
    void on_listed(std::shared_ptr<const Offer> offer) override;
    void on_instance_room() override;
    bool requeue(CallHandle call) override;
    void on_instance_end(const std::string& why, bool again) override;
    std::unique_ptr<Carrier> make_carrier(CarrierOwner& owner);

    bool renewing() const noexcept { return instance_ && instance_->renewing(); }
    void enter(DownstreamState next, const std::string& why);
    void launch();
    void retry_later();
    void resolve_first_start();
    void pump();
    void refuse(Call& call, OwnError error);
    void deliver_refusals();
    void fail_queue(const OwnError& error);

    EventLoop& loop_;
    Children& children_;
    ResolverCache& names_;
    Router& router_;
    DownstreamSettings settings_;
    InstanceSettings instance_settings_;
    Discovery discovery_;
    DownstreamOwner& owner_;
    Registration<Answerer> registration_;
    DownstreamState state_ = DownstreamState::kConfigured;
    bool resolved_ = false;
    std::shared_ptr<const Offer> offer_;
    StderrTail tail_;
    std::string last_error_;
    unsigned restarts_ = 0;
    Millis pause_{0};
    TimePoint started_;
    std::deque<CallHandle> queue_;
    std::vector<std::pair<CallHandle, OwnError>> refused_;
    Timer retry_;
    Task refuse_task_;
    Task pump_task_;
    std::unique_ptr<Instance> instance_;
};

}  // namespace neuron

#endif
