#ifndef NEUROND_BACK_INSTANCE_H
#define NEUROND_BACK_INSTANCE_H

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "neurond/back/carrier.h"
#include "neurond/back/circuit.h"
#include "neurond/back/complaints.h"
#include "neurond/back/health_monitor.h"
#include "neurond/back/listing.h"
#include "neurond/back/opened_urls.h"
#include "neurond/back/pending_requests.h"
#include "neurond/back/question_relay.h"
#include "neurond/back/server_voice.h"
#include "neurond/back/update_feed.h"
#include "neurond/loop/event_loop.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/discovery.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/input_required.h"
#include "neurond/mcp/leg.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

/// Uses an instance: its slot.
class InstanceOwner : public OneSession {
  public:
    /// The handshake is done and everything is listed; or the list has changed since.
    virtual void on_listed(std::shared_ptr<const Offer> offer) = 0;
    /// It says that this resource has changed, or may have.
    virtual void on_resource_updated(const std::string& uri) = 0;
    /// What it says to want_updates() of this one.
    virtual void on_subscribed(const std::string& uri, const Answer& answer) = 0;
    /// It takes more calls than a moment ago.
    virtual void on_instance_room() = 0;
    /// A call it was sent has provably not been executed, because the server had forgotten
    /// the session, or its process ended before that: to be sent again once the instance,
    /// or the next one, is ready(). False when this is not the first time.
    virtual bool requeue(CallHandle call) = 0;
    /// Null when it is over.
    virtual Call* find_call(CallHandle call) = 0;
    /// Its client is away with a question.
    virtual bool is_parked(CallHandle call) const = 0;
    /// A URL that this party was asked to open has done its work (OpenedUrls). Empty: it
    /// was asked of nobody in particular.
    virtual void on_url_complete(const std::string& party, const Slice& params) = 0;
    /// It has calls of no other.
    virtual bool serves_one_party() const = 0;
    /// It logs outside any call. False: nobody can be told.
    virtual bool on_server_message(const Notice& notice) = 0;
    /// What became of a call it was sent; before the answer is delivered.
    virtual void on_call_done(CallHandle call, CallOutcome outcome) = 0;
    /// A health check failed, or the server has recovered from that.
    virtual void on_health(bool well, const std::string& why) = 0;
    /// It has ended; every call it had has been answered. Retire it. `again`: the end was
    /// part of finding out the era; start the next one at once.
    virtual void on_instance_end(const Ending& ending, bool again) = 0;

  protected:
    ~InstanceOwner() = default;
};

/// What an instance needs to know of its downstream.
struct InstanceSettings {
    std::string server;       ///< the downstream's name
    Millis start_timeout{0};  ///< for start, handshake and first list
    bool http = false;  ///< silence is then an outage, and headers repeat arguments
    HealthSettings health;
    /// It can be told whom a question is for: not of a process that serves everybody.
    bool relays_questions = true;
    Millis call_timeout{0};  ///< a server busy with a call may be silent for so long
};

/// One life of a downstream: a carrier, the handshake, the calls in flight by our id.
///
///     kGreeting ──hello──> kListing ──last page──> kReady ──stop(), the end──> kEnding
///         ^───────the server has forgotten the session───┘
/// In two files: instance.cc what it does, instance_hearing.cc what it hears.
class Instance final : private CarrierOwner,
                       private ListingOwner,
                       private HealthUser,
                       private UpdateFeedOwner {
  public:
    using MakeCarrier = std::function<std::unique_ptr<Carrier>(CarrierOwner&)>;

    /// `discovery` is the owner's: what it has found out outlives an instance. `caps` is
    /// what is declared to a legacy server.
    Instance(EventLoop& loop, const InstanceSettings& settings, const MakeCarrier& carrier,
             Discovery& discovery, ClientCaps caps, CallSink& sink, InstanceOwner& owner);
    ~Instance();

    Status start();
    /// Answers what is in flight with `why`, then ends the carrier.
    void stop(const std::string& why);
    void kill() { carrier_->kill(); }

    bool ready() const noexcept { return state_ == State::kReady; }
    /// It was ready, and will be again or end: calls may wait for it.
    bool renewing() const noexcept { return renewing_ && state_ != State::kEnding; }
    size_t in_flight() const noexcept { return pending_.calls(); }
    /// How many of those wait for clients that are away.
    size_t away() const noexcept { return pending_.away(); }
    bool congested() const { return carrier_->congested(); }
    pid_t pid() const noexcept { return carrier_->pid(); }
    const ServerHello& hello() const noexcept { return hello_; }

    /// Sends a call. Only when ready().
    void send(Call& call);
    void cancel(const Call& call, CancelReason reason);
    /// The client's reply to a question of this call.
    void reply(Call& call, const InputReply& reply);
    /// Answerer::on_away()
    void on_away(const Call& call, bool away);
    /// The reply to a question it has put to its OneSession.
    void reply_outside(const InputReply& reply);
    /// The roots of its one client are others now. Only when ready().
    void tell_roots_changed();
    /// The messages that anybody wants of it; nothing = none, or no more. What single
    /// calls want comes on top, as long as they last. Only when ready().
    void set_log_level(std::optional<MessageLevel> level);
    /// The resources of which somebody wants to hear, whatever the instance is doing.
    void want_updates(std::set<std::string> uris) { feed_.want(std::move(uris)); }

  private:
    enum class State { kGreeting, kListing, kReady, kEnding };
    using Pending = PendingRequests::Kind;
    using Entry = PendingRequests::Entry;

    void on_message(const JsonScanner& scan, const Slice& text,
                    uint64_t exchange) override;
    void on_garbage(const JsonScanner& scan, std::string_view head,
                    std::string_view id_raw) override;
    void on_oversized(std::string_view id_raw) override;
    void on_shed(std::string_view id_raw) override;
    void on_request_failed(uint64_t id, const RequestFailure& failure) override;
    void on_answer_deferred(uint64_t id) override;
    void on_session_expired() override { renew(); }
    void on_notices_missed() override;
    void on_output_room() override { owner_.on_instance_room(); }
    void on_output_closed() override;
    void on_carrier_end(const Ending& ending) override;
    uint64_t ask(HealthCheck::Question question) override;
    void forget_question(uint64_t id) override;
    TimePoint patience() const override;
    void on_verdict(HealthCheck::Verdict verdict, const std::string& why) override;

    void on_answer(const JsonRpcMessage& message, const Slice& text);
    void on_call_answer(CallHandle call, bool is_result, const Slice& body);
    void on_bad_answer(std::string_view id_raw, const std::string& what);
    void on_bad_request(const JsonRpcMessage& message, const Slice& text);
    void fail_entry(uint64_t id, const Entry& entry, const std::string& what);
    RequestFacts facts_of(const Entry& entry) const;
    void on_notification(const JsonRpcMessage& message, const JsonScanner& scan,
                         const Slice& text, uint64_t exchange);
    void on_progress(const JsonRpcMessage& message, const JsonScanner& scan,
                     const Slice& text);
    void on_server_message(std::string_view params, uint64_t exchange);
    void on_url_complete(const Slice& params);
    std::string session_of(CallHandle call) const;
    void on_request(const JsonRpcMessage& message, const Slice& text,
                    uint64_t exchange);
    void on_input_required(CallHandle call, const InputRound& round);
    void repeat_paused();
    bool is_outdated(CallHandle call, std::string_view error);
    void repeat_outdated(const Offer& offer);
    void send_call(Call& call, std::string_view more);
    std::optional<CallHandle> asks_for(uint64_t exchange) const;
    void release_questions();
    void abandon(const std::string& party);
    void send_barrier();
    void on_barrier_passed();
    void tell_log_level(std::optional<MessageLevel> level);
    void greet(Discovery::Step step);
    void greeted();
    uint64_t ask_for_page(ItemKind kind,
                          const std::optional<std::string>& cursor) override;
    void forget_page(uint64_t id) override { pending_.erase(id); }
    void on_list_complete(std::shared_ptr<Offer> offer) override;
    void on_list_failed(const std::string& why) override { start_failed(why); }
    uint64_t send_subscribe(const std::string& uri, bool subscribe) override;
    void on_subscribed(const std::string& uri, const Answer& answer) override {
        owner_.on_subscribed(uri, answer);
    }
    uint64_t send_listen(const std::set<std::string>& uris) override;
    void end_listen(uint64_t id) override;
    void on_updates_missed() override;
    void start_failed(const std::string& why);
    void end(EndCause cause, const std::string& why);
    bool unsent(const Entry& entry);
    void expired(const Entry& entry);
    void renew();
    void answer_all(const std::string& why, const char* type, CallOutcome outcome);
    void answer(CallHandle call, const Answer& answer, CallOutcome outcome);
    OwnError own_error(std::string message, const char* type) const;

    EventLoop& loop_;
    const InstanceSettings& settings_;
    Discovery& discovery_;
    ClientCaps caps_;
    CallSink& sink_;
    InstanceOwner& owner_;
    State state_ = State::kGreeting;
    PendingRequests pending_;
    bool renewing_ = false;
    ServerHello hello_;
    ServerVoice voice_;
    QuestionRelay questions_;
    OpenedUrls urls_;
    RepeatedCalls repeats_;
    std::vector<CallHandle> paused_;  ///< to be repeated, though nothing was asked
    std::vector<CallHandle> outdated_;  ///< to be repeated with the next list
    std::optional<MessageLevel> log_level_;  ///< told to it
    Listing listing_;
    UpdateFeed feed_;
    HealthMonitor health_;
    TimePoint heard_;        ///< its last message
    TimePoint busy_since_;   ///< valid while there are calls
    uint64_t greeting_ = 0;  ///< the probe for the era
    uint64_t forgotten_ = 0; ///< a health check whose answer may still come
    bool unauthorized_ = false;
    std::string failure_;  ///< why we end it ourselves; empty: we don't
    EndCause cause_ = EndCause::kAsked;  ///< valid with failure_
    Complaints complaints_;
    Task held_task_;  ///< questions that waited for a call
    Timer held_timer_;
    Timer start_timer_;
    Timer probe_timer_;
    Timer pause_timer_;
    Timer closed_timer_;
    std::unique_ptr<Carrier> carrier_;
};

}  // namespace neuron

#endif
