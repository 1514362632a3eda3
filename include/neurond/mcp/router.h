#ifndef NEUROND_MCP_ROUTER_H
#define NEUROND_MCP_ROUTER_H

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "neurond/loop/event_loop.h"
#include "neurond/mcp/audit.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/level_wishes.h"
#include "neurond/mcp/list_pages.h"
#include "neurond/mcp/own_lists.h"
#include "neurond/mcp/parking.h"
#include "neurond/mcp/policy.h"
#include "neurond/mcp/rate_limiter.h"
#include "neurond/mcp/uri_route.h"

namespace neuron {

class ParkedCalls;
struct CallRecord;

/// What decides about calls; replaced as a whole.
struct Rules {
    std::shared_ptr<const Catalog> catalog;
    std::shared_ptr<const Policy> policy;
    ListSettings lists{};
};

/// Why a name that belongs to a configured downstream is not in the catalog.
struct Missing {
    OwnError error;
    std::string full_name;  ///< under which policy and audit know it
    bool starting = false;  ///< it may be there soon: worth waiting for
};

/// Knows the configured downstreams.
class Directory {
  public:
    /// Nothing when the name belongs to no downstream, or to one that is up.
    virtual std::optional<Missing> why_missing(const View& view,
                                               std::string_view name) const = 0;
    /// The same for a URI, by what downstreams that are not up had listed.
    virtual std::optional<Missing> why_missing_uri(const std::string&) const {
        return std::nullopt;
    }
    /// Whether there is a downstream of this name.
    virtual bool has(std::string_view downstream) const = 0;

  protected:
    ~Directory() = default;
};

/// How a call ended.
struct CallEnd {
    std::string_view result;  ///< success, error, blocked, cancelled or timeout
    TimePoint when;
    std::string_view why = {};  ///< of an error of neurond's own
};

/// Is told how calls went.
class CallObserver {
  public:
    virtual void on_call_done(const Call& call, const CallEnd& end) = 0;
    /// Something was refused that never became a call, by this rule; empty: by none.
    virtual void on_blocked(std::string_view rule) = 0;

  protected:
    ~CallObserver() = default;
};

struct RouterLimits {
    size_t calls_in_flight;
    bool refuse_unaudited;  ///< audit.on_failure = deny
    unsigned input_rounds = 8;  ///< times a server may ask the client of one call
    Millis input_timeout{10 * 60 * 1000};  ///< for the client to reply to a round
    RateSettings rates{};
    ParkingLimits parking{1024, Millis{10 * 60 * 1000}};
};

/// Takes calls through their stages. All calls of a turn are resolved, admitted by the
/// policy and recorded with one write before the first of them is handed on; whatever
/// ends a call, its asker gets exactly one answer, and the audit its result. In two files:
/// router.cc the stages, router_questions.cc what servers ask meanwhile.
class Router final : public CallSink {
  public:
    Router(EventLoop& loop, Parties& parties, AuditLog& audit,
           const Directory& directory, CallObserver& observer, RouterLimits limits);
    ~Router();

    Parties& parties() const noexcept { return parties_; }

    /// Calls that wait for a downstream are looked at again.
    void set_rules(Rules rules);
    /// For what comes from now on.
    void set_limits(const RouterLimits& limits) noexcept { limits_ = limits; }
    /// The same with another catalog.
    void set_catalog(std::shared_ptr<const Catalog> catalog);
    const Rules& rules() const noexcept { return rules_; }
    /// What this client is shown; good until the rules change.
    Viewer viewer(const View& view, const Requester& who) const {
        return {*own_lists_.of(who)->seen_as(view), *rules_.policy, who.identity};
    }
    /// The merged list as this client's, before any view.
    std::shared_ptr<const Catalog> catalog_for(const Requester& who) const {
        return own_lists_.of(who);
    }
    OwnLists& own_lists() noexcept { return own_lists_; }
    /// The client of a session says that its roots are others now: told to the servers
    /// that serve it apart.
    void on_roots_changed(const Requester& who) {
        parties_.answerers.for_each([&who](Answerer& each) { each.on_roots_changed(who); });
    }
    /// What serves somebody alone has come up or gone: what waits for it is looked at.
    void on_own_lists_changed();
    const UriSightings& sightings() const noexcept { return sightings_; }
    const Directory& directory() const noexcept { return directory_; }

    /// Counts what a client asks, whatever it is; how long it has to wait before it may
    /// ask again, zero if it need not (limits.rate).
    Millis charge(const Identity& who, unsigned requests = 1) {
        return rates_.take(limits_.rates, who, loop_.now(), requests);
    }
    const RateLimiter& rates() const noexcept { return rates_; }

    /// Takes a call; its asker is answered later, never before this returns.
    CallHandle submit(CallRequest request);
    /// Something of `who` was refused that never became a call: the audit gets its one
    /// line. What `line` tells is method, target, rule and the like, and its result.
    void record_refusal(const Identity& who, AuditRecord line);
    /// The asker no longer wants an answer and gets none.
    void cancel(CallHandle handle);
    /// What the client says to a question of this call. Nothing happens when the question
    /// is not open any more.
    void reply(CallHandle handle, const InputReply& reply);
    /// Ends a call by an error: its server is told, and its asker.
    void fail(CallHandle handle, OwnError why);
    /// The answer of a parked call, for the retry that waits for it.
    void finish_retry(CallHandle handle, const Answer& answer);
    ParkedCalls& parked() noexcept { return *parked_; }
    const ParkedCalls& parked() const noexcept { return *parked_; }
    /// A session or a connection has ended: no server needs to keep anything for it.
    void party_gone(const std::string& party);
    /// Which messages of servers a session (CallRequest::party) wants; nothing = none.
    void want_level(const std::string& party, std::optional<MessageLevel> level);
    /// The most verbose level that anybody wants.
    std::optional<MessageLevel> wanted_level() const { return levels_.most(); }
    /// … and this session does.
    std::optional<MessageLevel> wanted_level(const std::string& party) const {
        return levels_.of(party);
    }
    /// Answers every call that no server has yet, because none will get it any more.
    void refuse_unsent();
    /// Calls `idle` once, when no call is in flight any more.
    void on_idle(std::function<void()> idle) { idle_ = std::move(idle); }
    size_t in_flight() const noexcept { return calls_.size(); }
    /// Some call has gone to this answerer, or is about to.
    bool has_calls_for(AnswererHandle answerer) const;
    /// Null when it is over.
    Call* find_call(CallHandle handle) const { return handles_.find(handle); }
    /// Its client has been given questions, and has not come back yet.
    bool is_parked(CallHandle handle) const;

    void on_notice(CallHandle handle, const Notice& notice) override;
    void on_deferred(CallHandle handle) override;
    InputOutcome on_input(CallHandle handle, const InputRound& round) override;
    void on_input_withdrawn(CallHandle handle, const std::string& key) override;
    void on_answer(CallHandle handle, const Answer& answer) override;

  private:
    void run_stage();
    void look_at_waiting();
    bool admit(CallRecord& record);
    std::optional<OwnError> claim(CallRecord& record);
    Answerer* answerer_of(const CallRecord& record) const;
    void count(const CallRecord& record, std::string_view result,
               std::string_view why = {});
    std::optional<OwnError> refusal(CallRecord& record,
                                    const std::optional<Missing>& missing);
    void fail_unsent(CallRecord& record, const std::string& why, const char* type);
    void recorded(const std::vector<CallHandle>& calls, const Status& status);
    void hand_on(CallRecord& record);
    InputOutcome refuse_round(CallRecord& record, const InputRound& round,
                              const std::string& why);
    void settle_round(CallRecord& record, const InputRound& round, InputOutcome outcome);
    void pass_on(CallRecord& record, size_t bytes_out);
    void on_deadline(CallRecord& record);
    void extend_deadline(CallRecord& record);
    void finish(CallRecord& record, const Answer& answer, std::string_view result);
    void audit_result(const CallRecord& record, std::string_view result, size_t bytes_out);
    void erase(CallRecord& record);
    AuditRecord call_line(const CallRecord& record) const;
    CallRecord* find(CallHandle handle) const;
    static AuditRecord audit_record(const Call& call, std::string_view event);

    EventLoop& loop_;
    Parties& parties_;
    AuditLog& audit_;
    const Directory& directory_;
    CallObserver& observer_;
    RouterLimits limits_;
    Rules rules_;
    RateLimiter rates_;
    OwnLists own_lists_;
    UriSightings sightings_;
    std::unique_ptr<ParkedCalls> parked_;
    HandleTable<Call> handles_;
    std::unordered_map<uint32_t, std::unique_ptr<CallRecord>> calls_;  ///< by handle slot
    std::vector<CallHandle> received_;
    LevelWishes levels_;
    std::vector<CallHandle> waiting_;  ///< for a downstream that is starting
    std::function<void()> idle_;
    Task stage_task_;
    Task idle_task_;
};

}  // namespace neuron

#endif
