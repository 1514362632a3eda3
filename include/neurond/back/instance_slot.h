#ifndef NEUROND_BACK_INSTANCE_SLOT_H
#define NEUROND_BACK_INSTANCE_SLOT_H

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "neurond/back/downstream_settings.h"
#include "neurond/back/instance.h"
#include "neurond/back/late_answers.h"
#include "neurond/back/stderr_drain.h"
#include "neurond/back/upkeep.h"
#include "neurond/mcp/router.h"

namespace neuron {

class InstanceSlot;

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
    Upkeep& upkeep;
    OfferPool& offers;
    AnswererHandle self;
};

/// Owns slots: a downstream. May destroy none from inside a callback.
class SlotOwner {
  public:
    /// Its list is there, or another one than before.
    virtual void on_slot_listed(InstanceSlot& slot) = 0;
    /// It says that this resource has changed; or it may have, while the slot was empty.
    virtual void on_slot_updated(InstanceSlot& slot, const std::string& uri) = 0;
    /// Whether it will tell of a resource that was wanted of it.
    virtual void on_slot_subscribed(InstanceSlot& slot, const std::string& uri,
                                    const Answer& answer) = 0;
    /// It could not be started, or has ended by itself; slot.last_error() says why.
    virtual void on_slot_down(InstanceSlot& slot) = 0;
    /// It has ended after stop().
    virtual void on_slot_stopped(InstanceSlot& slot) = 0;
    /// Something in it has ended: calls that wait may now be let through.
    virtual void on_slot_room() = 0;
    /// What became of a call that was sent.
    virtual void on_call_done(CallHandle call, CallOutcome outcome) = 0;
    /// A health check was not answered as it should be.
    virtual void on_ping_missed() = 0;
    /// The one start that was let through while the circuit was open has worked.
    virtual void on_probe_passed() = 0;
    /// The downstream as a whole may have one more call in flight.
    virtual bool may_send() const = 0;

  protected:
    ~SlotOwner() = default;
};

/// The place of one instance: the one that is there now, started again when it ends as its
/// lifecycle decides, and the calls that wait for it.
class InstanceSlot final : private InstanceOwner {
  public:
    /// `number` 0 is the base instance, which declares nothing and serves whoever has no
    /// instance of their own. `session`: the party (CallRequest) that it serves alone, if
    /// that is a session.
    InstanceSlot(SlotContext& context, SlotOwner& owner, unsigned number, ClientCaps caps,
                 std::string session = {});
    ~InstanceSlot();

    void start();
    /// Instead of start(): shows an offer of an earlier life; a call starts it.
    void begin_asleep(std::shared_ptr<const Offer> offer);
    /// Ends it in good order; what it has and what waits is answered; on_slot_stopped().
    void stop(const std::string& why);
    void kill();
    /// What an operator asks for: to end it and leave it so, and to start it anew, with
    /// counts at nought, whatever state it is in.
    void disable();
    void restart();
    /// The circuit of the downstream was opened by calls, or is closed again.
    void on_circuit_opened(const std::string& why);
    void on_circuit_closed();
    /// Ends it in good order and keeps its offer; the next call starts it again. Only when
    /// healthy and idle().
    void rest(const std::string& why);

    LifeState state() const noexcept { return life_.state(); }
    const Lifecycle& life() const noexcept { return life_; }
    /// Until it is started again; 0 when it is not going to be.
    Millis next_start() const noexcept;
    unsigned number() const noexcept { return number_; }
    /// For people: "redis", "redis#2".
    const std::string& label() const noexcept { return label_; }
    /// Null before its first list and while something is wrong.
    const std::shared_ptr<const Offer>& offer() const noexcept { return offer_; }
    const std::string& last_error() const noexcept { return last_error_; }
    const StderrTail& tail() const noexcept { return tail_; }
    pid_t pid() const noexcept { return instance_ ? instance_->pid() : 0; }
    Millis uptime() const noexcept { return life_.uptime(context_.loop.now()); }
    /// When it was last given a call, had answered one, or was started.
    TimePoint last_used() const noexcept { return last_used_; }
    size_t in_flight() const noexcept { return instance_ ? instance_->in_flight() : 0; }
    /// Those of them whose clients are away with a question.
    size_t away() const { return instance_ ? instance_->away() : 0; }
    size_t queued() const noexcept { return queue_.size(); }
    /// Nobody needs it: it has no calls, and nobody wants to hear from it.
    bool idle() const noexcept {
        return in_flight() == 0 && queue_.empty() && wanted_.empty();
    }
    /// rest() has ended it, and a call starts it again: nothing is wrong.
    bool resting() const noexcept {
        return offer_ != nullptr && (life_.state() == LifeState::kConfigured ||
                                     life_.state() == LifeState::kStarting);
    }
    /// Stopped, and nothing of it is left.
    bool ended() const noexcept {
        return life_.state() == LifeState::kStopped && !instance_;
    }
    /// There is a server that answers, whether or not it may be called.
    bool answers() const noexcept {
        return instance_ && (instance_->ready() || instance_->renewing());
    }
    /// Null while there is none.
    const ServerHello* hello() const noexcept;
    /// "Downstream 'X' is not available: …"
    OwnError unavailable() const;

    /// The resources of which somebody wants to hear, of every instance in this place.
    void want_updates(const std::set<std::string>& uris);
    const std::set<std::string>& wanted_updates() const noexcept { return wanted_; }
    /// It takes calls, now or once it has started.
    bool takes_calls() const noexcept;
    /// A call it is given goes out at once.
    bool sends_now() const { return queue_.empty() && can_send(); }
    /// Only when takes_calls(), or answers() and the call is the circuit's probe.
    void take(Call& call);
    void cancel(Call& call, CancelReason reason);
    void on_away(Call& call, bool away);
    void reply(Call& call, const InputReply& reply);
    /// … to a question of no call.
    void reply_outside(const InputReply& reply);
    /// Its client's roots are others now.
    void tell_roots_changed();
    /// The router knows which messages are wanted.
    void update_log_level();
    /// Sends what waits, in order, as far as the instance takes it.
    void pump();

  private:
    void on_listed(std::shared_ptr<const Offer> offer) override;
    void on_resource_updated(const std::string& uri) override {
        owner_.on_slot_updated(*this, uri);
    }
    void on_subscribed(const std::string& uri, const Answer& answer) override {
        owner_.on_slot_subscribed(*this, uri, answer);
    }
    void on_instance_room() override;
    bool requeue(CallHandle call) override;
    Call* find_call(CallHandle call) override { return context_.router.find_call(call); }
    bool is_parked(CallHandle call) const override {
        return context_.router.is_parked(call);
    }
    void on_call_done(CallHandle call, CallOutcome outcome) override {
        owner_.on_call_done(call, outcome);
    }
    void on_health(bool well, const std::string& why) override;
    void on_instance_end(const Ending& ending, bool again) override;
    bool ask_session(const Question& question) override;
    std::optional<Question> reclaim_from_session(const std::string& key) override;
    void withdraw_from_session(const std::string& key) override;
    void on_url_complete(const std::string& party, const Slice& params) override;
    bool serves_one_party() const override { return !session_.empty(); }
    bool on_server_message(const Notice& notice) override;
    void tell_session(const std::string& party, const char* method, const Slice& params);

    void tell(const std::string& why) const;
    bool admitted();
    void launch();
    void launch_anew();
    void rested();
    void finish(const Ending& ending);
    bool can_send() const;
    void fail_queue(const OwnError& error);

    SlotContext& context_;
    SlotOwner& owner_;
    unsigned number_;
    std::string label_;
    ClientCaps caps_;
    std::string session_;
    Discovery discovery_;
    Lifecycle life_;
    bool probing_ = false;     ///< its start is the circuit's probe
    bool restarting_ = false;  ///< it is ended to be started at once
    std::shared_ptr<const Offer> offer_;
    StderrTail tail_;
    std::string last_error_;
    TimePoint last_used_;
    std::set<std::string> wanted_;
    bool served_ = false;  ///< there was an instance here that had listed
    bool asleep_ = false;  ///< ended by rest(), or being so: a call wakes it
    std::deque<CallHandle> queue_;
    Timer retry_;
    std::unique_ptr<Instance> instance_;
};

}  // namespace neuron

#endif
