#ifndef NEUROND_BACK_DOWNSTREAM_H
#define NEUROND_BACK_DOWNSTREAM_H

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "neurond/back/circuit.h"
#include "neurond/back/downstream_settings.h"
#include "neurond/back/instance_set.h"
#include "neurond/back/late_answers.h"
#include "neurond/back/upkeep.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/subscriptions.h"
#include "neurond/net/resolver_cache.h"

namespace neuron {

class Downstream;

/// Is told about downstreams.
class DownstreamOwner : public AlarmSink {
  public:
    /// What it offers, or whether it will offer it soon, has changed.
    virtual void on_offer_changed() = 0;
    /// What it offers to somebody in particular, or whether it soon will, has changed.
    virtual void on_own_offer_changed() = 0;
    /// It says that one of its resources has changed.
    virtual void on_resource_updated(const ResourcePlace& place) = 0;
    /// What it says to want_updates() of this one.
    virtual void on_subscribed(const ResourcePlace& place, const Answer& answer) = 0;
    /// Its first start has listed, failed or timed out.
    virtual void on_first_start_resolved() = 0;
    /// Its last process has ended after stop(). It may be retired from here.
    virtual void on_downstream_stopped(Downstream& downstream) = 0;

  protected:
    ~DownstreamOwner() = default;
};

/// What an operator may have done with a downstream.
enum class ServerOrder { kRestart, kEnable, kDisable };

/// A configured MCP server: what it offers, the instances that answer for it, and the
/// limits they share. In two files: downstream.cc, and downstream_own.cc for what differs
/// from caller to caller.
class Downstream final : public Answerer, private SlotOwner {
  public:
    Downstream(EventLoop& loop, Children& children, ResolverCache& names, Router& router,
               DownstreamSettings settings, DownstreamOwner& owner);
    ~Downstream();

    void start();
    /// The same, but what an earlier form of it offered is not believed: it is asked.
    void start_afresh();
    /// Other files for connections that are made from now on.
    void use_tls(std::shared_ptr<TlsContext> tls) { settings_.http.tls = std::move(tls); }
    /// Ends its processes in good order; on_downstream_stopped() follows.
    void stop();
    void kill() { instances_.kill(); }
    /// What an operator asks for.
    void obey(ServerOrder order);

    const std::string& name() const noexcept override { return settings_.name; }
    const DownstreamSettings& settings() const noexcept { return settings_; }
    const InstanceSet& instances() const noexcept { return instances_; }
    /// That of the base instance.
    LifeState state() const noexcept { return instances_.base().state(); }
    /// Why it is in that state; empty while it is healthy.
    const std::string& reason() const noexcept {
        return instances_.base().life().reason();
    }
    const Upkeep& upkeep() const noexcept { return upkeep_; }
    /// It takes calls, though the first one may have to start it.
    bool serves() const noexcept {
        return is_serving(state()) || instances_.base().resting();
    }
    bool resolved() const noexcept { return resolved_; }
    AnswererHandle handle() const noexcept { return registration_.handle(); }
    /// Null before its first list and while something is wrong.
    const std::shared_ptr<const Offer>& offer() const noexcept {
        return instances_.base().offer();
    }
    const Exposure& exposure() const noexcept { return settings_.exposure; }
    const std::string& last_error() const noexcept {
        return instances_.base().last_error();
    }
    const StderrTail& tail() const noexcept { return instances_.base().tail(); }
    pid_t pid() const noexcept { return instances_.base().pid(); }
    Millis uptime() const noexcept { return instances_.base().uptime(); }
    /// Until it is started again; 0 when it is not going to be.
    Millis next_start() const noexcept { return instances_.base().next_start(); }
    size_t in_flight() const { return instances_.in_flight(); }
    size_t queued() const { return instances_.queued(); }
    /// The revision its server speaks; empty while it is not healthy.
    std::string revision() const;
    /// "legacy" or "modern"; empty as above.
    std::string era() const;
    /// "Downstream 'X' is not available: …"
    OwnError unavailable() const { return instances_.base().unavailable(); }

    /// The resources of which somebody wants to hear are those of the one that was here.
    void inherit(const Downstream& before);
    /// What the instance for all has listed last; null before.
    const std::shared_ptr<const Offer>& last_offer() const noexcept { return last_offer_; }
    /// The resources of which somebody wants to hear, from an instance of update_source().
    void want_updates(const std::string& instance, const std::set<std::string>& uris);

    void take(Call& call) override;
    void cancel(Call& call, CancelReason reason) override;
    void forget_party(const std::string& party) override;
    void on_away(Call& call, bool away) override;
    void reply(Call& call, const InputReply& reply) override;
    void reply_outside(unsigned instance, const InputReply& reply) override;
    void on_wanted_level() override;
    std::shared_ptr<const Offer> offer_for(const Requester& who) const override;
    void prepare(const Requester& who) override;
    bool preparing(const Requester& who) const override;
    void on_roots_changed(const Requester& who) override;
    std::optional<std::string> update_source(const Requester& who) override;
    Millis call_timeout(const std::string& own_name) const override;
    Millis call_timeout_max() const override { return settings_.call_timeout_max; }

  private:
    void on_slot_listed(InstanceSlot& slot) override;
    void on_slot_updated(InstanceSlot& slot, const std::string& uri) override;
    void on_slot_subscribed(InstanceSlot& slot, const std::string& uri,
                            const Answer& answer) override;
    void on_slot_down(InstanceSlot& slot) override;
    void on_slot_stopped(InstanceSlot& slot) override;
    void on_slot_room() override;
    void on_call_done(CallHandle call, CallOutcome outcome) override;
    void on_ping_missed() override;
    void on_probe_passed() override;
    bool may_send() const override {
        return in_flight() < settings_.max_in_flight ||
               in_flight() - instances_.away() < settings_.max_in_flight;
    }

    /// What is known of an instance that serves somebody in particular; while it rests,
    /// too.
    struct Own {
        std::shared_ptr<const Offer> offer;
        std::set<std::string> wanted;  ///< resources
    };

    InstanceKey key_of(const Requester& who) const;
    ResourcePlace place_of(const InstanceSlot& slot, const std::string& uri) const;
    void own_listed(const InstanceSlot& slot);
    void forget_own_offers();
    InstanceSlot* obtain(const InstanceKey& key);
    OwnError busy(const std::string& why) const;
    bool may_probe(const Call& call, const InstanceKey& key);
    void on_circuit(Circuit::Change change, const std::string& why);
    void resolve_first_start();
    void tidy();
    void end_idle();
    std::optional<Millis> base_idle() const;

    EventLoop& loop_;
    Router& router_;
    DownstreamSettings settings_;
    DownstreamOwner& owner_;
    Upkeep upkeep_;
    Circuit circuit_;
    Registration<Answerer> registration_;
    bool resolved_ = false;
    bool stopping_ = false;
    LateAnswers refusals_;
    OfferPool offers_;
    InstanceSet instances_;
    std::shared_ptr<const Offer> last_offer_;
    std::unordered_map<std::string, Own> own_;  ///< by the key of the instance
    std::vector<std::string> gone_;  ///< parties that have left
    Timer idle_timer_;
    Task pump_task_;
    Task tidy_task_;
};

}  // namespace neuron

#endif
