#ifndef NEUROND_BACK_INSTANCE_SLOT_H
#define NEUROND_BACK_INSTANCE_SLOT_H

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "neurond/back/downstream_settings.h"
#include "neurond/back/instance.h"
#include "neurond/back/late_answers.h"
#include "neurond/back/stderr_drain.h"
#include "neurond/mcp/router.h"

namespace neuron {

class InstanceSlot;

/// What a downstream, or an instance of one, is doing (DESIGN 1.6).
enum class DownstreamState {
    kConfigured,  ///< not running, and nothing is wrong
    kStarting,
    kHealthy,
    kRestarting,
    kDisabled,
    kStopped
};
const char* to_string(DownstreamState state) noexcept;

/// Makes what a new instance speaks through; `tail` takes its stderr.
using CarrierMaker =
    std::function<std::unique_ptr<Carrier>(CarrierOwner& owner, StderrTail& tail)>;

/// What all instances of a downstream have in common.
struct SlotContext {
    EventLoop& loop;
    Router& router;
    LateAnswers& refusals;
    const DownstreamSettings& settings;
    InstanceSettings instance;
    CarrierMaker carrier;
    Discovery discovery;  ///< what is known of the server's era
};

/// Owns slots: a downstream. May destroy none from inside a callback.
class SlotOwner {
  public:
    /// Its list is there, or another one than before.
    virtual void on_slot_listed(InstanceSlot& slot) = 0;
    /// It could not be started, or has ended by itself; slot.last_error() says why.
    virtual void on_slot_down(InstanceSlot& slot) = 0;
    /// It has ended after stop().
    virtual void on_slot_stopped(InstanceSlot& slot) = 0;
    /// Something in it has ended: calls that wait may now be let through.
    virtual void on_slot_room() = 0;
    /// The downstream as a whole may have one more call in flight.
    virtual bool may_send() const = 0;

  protected:
    ~SlotOwner() = default;
};

/// The place of one instance: the one that is there now, started again when it ends after
/// a pause that doubles, and the calls that wait for it.
class InstanceSlot final : private InstanceOwner {
  public:
    /// `number` 0 is the base instance, which declares nothing and serves whoever has no
    /// instance of their own.
    InstanceSlot(SlotContext& context, SlotOwner& owner, unsigned number, ClientCaps caps);
    ~InstanceSlot();

    void start();
    /// Ends it in good order; what it has and what waits is answered; on_slot_stopped().
    void stop(const std::string& why);
    void kill();

    DownstreamState state() const noexcept { return state_; }
    unsigned number() const noexcept { return number_; }
    /// For people: "redis", "redis#2".
    const std::string& label() const noexcept { return label_; }
    /// Null while it is not healthy.
    const std::shared_ptr<const Offer>& offer() const noexcept { return offer_; }
    const std::string& last_error() const noexcept { return last_error_; }
    const StderrTail& tail() const noexcept { return tail_; }
    pid_t pid() const noexcept { return instance_ ? instance_->pid() : 0; }
    TimePoint started() const noexcept { return started_; }
    /// When it was last given a call, or made.
    TimePoint last_used() const noexcept { return last_used_; }
    size_t in_flight() const noexcept { return instance_ ? instance_->in_flight() : 0; }
    size_t queued() const noexcept { return queue_.size(); }
    bool idle() const noexcept { return in_flight() == 0 && queue_.empty(); }
    /// Stopped, and nothing of it is left.
    bool ended() const noexcept {
        return state_ == DownstreamState::kStopped && !instance_;
    }
    /// Null while there is none.
    const ServerHello* hello() const noexcept;
    /// "Downstream 'X' is not available: …"
    OwnError unavailable() const;

    /// It takes calls, now or once it has started.
    bool takes_calls() const noexcept;
    /// A call it is given goes out at once.
    bool sends_now() const { return queue_.empty() && can_send(); }
    /// Only when takes_calls().
    void take(Call& call);
    void cancel(Call& call, CancelReason reason);
    /// Sends what waits, in order, as far as the instance takes it.
    void pump();

  private:
    void on_listed(std::shared_ptr<const Offer> offer) override;
    void on_instance_room() override { owner_.on_slot_room(); }
    bool requeue(CallHandle call) override;
    void on_instance_end(const std::string& why, bool again) override;

    void enter(DownstreamState next, const std::string& why);
    void launch();
    void retry_later();
    bool can_send() const;
    void fail_queue(const OwnError& error);

    SlotContext& context_;
    SlotOwner& owner_;
    unsigned number_;
    std::string label_;
    ClientCaps caps_;
    Discovery discovery_;
    DownstreamState state_ = DownstreamState::kConfigured;
    std::shared_ptr<const Offer> offer_;
    StderrTail tail_;
    std::string last_error_;
    Millis pause_;
    TimePoint started_;
    TimePoint last_used_;
    std::deque<CallHandle> queue_;
    Timer retry_;
    std::unique_ptr<Instance> instance_;
};

}  // namespace neuron

#endif
