// The stages of a call, from the request a door made of a client's message to its one
// answer. Knows no socket, no era and no transport.

#include "neurond/mcp/router.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/answer_shape.h"
#include "neurond/mcp/call_record.h"
#include "neurond/mcp/call_target.h"
#include "neurond/mcp/parked_calls.h"

namespace neuron {

namespace {

/// How long a call may wait for a starting server or for its audit record.
constexpr Millis kMaxUnsentTime{60 * 1000};

/// Calls whose clients are away are bounded by parked_max; the call in question counts.
bool is_full(const Router& router, size_t most) {
    return router.in_flight() > most &&
           router.in_flight() - router.parked().away() > most;
}

}  // namespace

Router::Router(EventLoop& loop, Parties& parties, AuditLog& audit,
               const Directory& directory, CallObserver& observer, RouterLimits limits)
    : loop_(loop),
      parties_(parties),
      audit_(audit),
      directory_(directory),
      observer_(observer),
      limits_(std::move(limits)),
      own_lists_(parties),
      parked_(std::make_unique<ParkedCalls>(loop, *this, limits_.parking)),
      stage_task_(loop, Phase::kStage, [this] { run_stage(); }),
      idle_task_(loop, Phase::kSoon, [this] {
          if (calls_.empty() && idle_) {
              std::exchange(idle_, nullptr)();
          }
      }) {}

Router::~Router() = default;

CallRecord* Router::find(CallHandle handle) const {
    return static_cast<CallRecord*>(handles_.find(handle));
}

CallHandle Router::submit(CallRequest request) {
    auto owned = std::make_unique<CallRecord>(
        loop_, std::move(request), [this](CallRecord& over) { on_deadline(over); });
    CallRecord& record = *owned;
    record.handle = handles_.add(record);
    record.received = monotonic_now();  // finer than a turn: neurond's share is short
    calls_.emplace(record.handle.slot, std::move(owned));
    record.clock.wait(kMaxUnsentTime);
    received_.push_back(record.handle);
    stage_task_.schedule();
    return record.handle;
}

void Router::set_rules(Rules rules) {
    rules_ = std::move(rules);
    own_lists_.set_base(rules_.catalog);
    look_at_waiting();
}

void Router::look_at_waiting() {
    if (!waiting_.empty()) {
        received_.insert(received_.end(), waiting_.begin(), waiting_.end());
        waiting_.clear();
        stage_task_.schedule();
    }
}

void Router::on_own_lists_changed() {
    look_at_waiting();
    own_lists_.look_again();
}

void Router::set_catalog(std::shared_ptr<const Catalog> catalog) {
    set_rules({std::move(catalog), rules_.policy, rules_.lists});
}

void Router::run_stage() {
    std::vector<CallHandle> received;
    received.swap(received_);
    std::vector<CallHandle> admitted;
    for (const CallHandle handle : received) {
        CallRecord* record = find(handle);
        if (record != nullptr && admit(*record)) {
            admitted.push_back(handle);
        }
    }
    audit_.write([this, calls = std::move(admitted)](const Status& status) {
        recorded(calls, status);
    });
}

/// False when the call has been answered by a refusal, or has to wait.
bool Router::admit(CallRecord& record) {
    std::optional<OwnError> refused = claim(record);
    std::optional<Missing> missing;
    if (!refused && record.entry == nullptr) {
        const auto merged = own_lists_.of(record.request);
        record.catalog = merged->seen_as(record.request.view);
        record.entry =
            find_target(*merged, *record.catalog, sightings_, record.request);
    }
    if (!refused && record.entry == nullptr) {
        missing = why_target_missing(directory_, record.request);
        if (!missing && !is_full(*this, limits_.calls_in_flight) &&
            own_lists_.may_appear(record.request)) {
            record.stage = Call::Stage::kWaiting;
            waiting_.push_back(record.handle);
            return false;
        }
    }
    if (!refused) {
        refused = refusal(record, missing);
    }
    if (refused) {
        AuditRecord line = call_line(record);
        line.allowed = false;
        line.result =
            refused->code == JsonRpcError::kInvalidRequest ? "blocked" : "error";
        audit_.add(line);
        finish(record, Answer::failure(std::move(*refused)), line.result);
        return false;
    }
    if (missing) {
        record.stage = Call::Stage::kWaiting;
        waiting_.push_back(record.handle);
        return false;
    }
    const AuditRecord line = call_line(record);
    record.audited = audit_.enabled() && line.event == "call";
    audit_.add(line);
    return true;
}

/// A retry is about what the call it goes on with is about, whatever the lists say now.
std::optional<OwnError> Router::claim(CallRecord& record) {
    if (record.retries != 0) {
        return std::nullopt;
    }
    const Parking::Claim claim = parked_->claim(record);
    if (!claim.problem.empty()) {
        OwnError refused;
        refused.code = JsonRpcError::kInvalidParams;
        refused.message = claim.problem;
        return refused;
    }
    record.retries = claim.id;
    if (const ParkedCall* parked = parked_->find(claim.id);
        parked != nullptr && !parked->again) {
        record.catalog = parked->catalog;
        record.entry = parked->entry;
    }
    return std::nullopt;
}

/// Why the call is refused. What a caller may not use tells it nothing else, not even
/// whether its server is up.
std::optional<OwnError> Router::refusal(CallRecord& record,
                                        const std::optional<Missing>& missing) {
    if (record.entry == nullptr && !missing) {
        return unknown_target(record.request);
    }
    PolicyDecision decision =
        record.entry != nullptr
            ? decide(*rules_.policy, record.request.identity, *record.entry)
            : rules_.policy->decide(record.request.identity.name,
                                    policy_kind(item_kind(record.request.kind)),
                                    missing->full_name);
    record.rule = std::move(decision.rule);
    if (!decision.allowed) {
        return denied_target(record.request);
    }
    if (record.retries != 0) {
        return std::nullopt;  // who comes back adds nothing
    }
    if (is_full(*this, limits_.calls_in_flight)) {
        return OwnError{
            JsonRpcError::kInternal, "Too many calls in flight", "busy", {}, 1};
    }
    if (Block::scarce()) {
        return OwnError{
            JsonRpcError::kInternal, "Too much is in flight", "busy", {}, 1};
    }
    if (missing && !missing->starting) {
        return missing->error;
    }
    return std::nullopt;
}

void Router::recorded(const std::vector<CallHandle>& calls, const Status& status) {
    for (const CallHandle handle : calls) {
        CallRecord* record = find(handle);
        if (record == nullptr) {
            continue;
        }
        record->stage = Call::Stage::kRecorded;
        if (!status && limits_.refuse_unaudited) {
            record->audited = false;
            finish(*record,
                   Answer::failure({JsonRpcError::kInternal,
                                    "Audit logging failed: " + status.error().message,
                                    "audit",
                                    record->entry->downstream,
                                    {}}),
                   "error");
            continue;
        }
        hand_on(*record);
    }
}

void Router::hand_on(CallRecord& record) {
    if (record.retries != 0) {
        record.clock.stop();  // the call it goes on with has one
        record.taken = true;
        if (parked_->go_on(record.retries, record)) {
            return;
        }
        record.retries = 0;
        record.request.state = {};
    }
    Answerer* answerer = parties_.answerers.find(record.entry->answerer);
    if (answerer == nullptr) {
        finish(record,
               Answer::failure({JsonRpcError::kInternal,
                                "Downstream '" + record.entry->downstream +
                                    "' is not available: it has been removed",
                                "unavailable",
                                record.entry->downstream,
                                {}}),
               "error");
        return;
    }
    record.taken = true;
    record.stage = Call::Stage::kQueued;
    record.queued = loop_.now();
    record.clock.begin(answerer->call_timeout(record.entry->own_name));
    answerer->take(record);
}

void Router::cancel(CallHandle handle) {
    CallRecord* record = find(handle);
    if (record == nullptr) {
        return;
    }
    if (Answerer* answerer = answerer_of(*record); answerer != nullptr) {
        answerer->cancel(*record, CancelReason::kClient);
    }
    if (parked_->has(*record)) {
        parked_->forget(*record);
    }
    audit_result(*record, "cancelled", 0);
    count(*record, "cancelled");
    erase(*record);
}

void Router::fail(CallHandle handle, OwnError why) {
    CallRecord* record = find(handle);
    if (record == nullptr) {
        return;
    }
    if (Answerer* answerer = answerer_of(*record); answerer != nullptr) {
        answerer->cancel(*record, CancelReason::kClient);
    }
    finish(*record, Answer::failure(std::move(why)), "error");
}

void Router::finish_retry(CallHandle handle, const Answer& answer) {
    if (CallRecord* record = find(handle); record != nullptr) {
        finish(*record, answer,
               answer.kind == Answer::Kind::kResult ? "success" : "error");
    }
}

/// Null where there is none to be told of it, or any more.
Answerer* Router::answerer_of(const CallRecord& record) const {
    return record.taken && record.retries == 0
               ? parties_.answerers.find(record.entry->answerer)
               : nullptr;
}

/// A call that is asked for in several requests is one call.
void Router::count(const CallRecord& record, std::string_view result,
                   std::string_view why) {
    if (!record.taken || record.retries == 0) {
        observer_.on_call_done(record, {result, loop_.now(), why});
    }
}

void Router::on_notice(CallHandle handle, const Notice& notice) {
    CallRecord* record = find(handle);
    if (record == nullptr) {
        return;
    }
    const bool asked_for = notice.kind == Notice::Kind::kProgress
                               ? !record->request.progress_token.empty()
                               : wants(record->request.log_level, notice.level);
    if (!asked_for) {
        return;
    }
    if (notice.kind == Notice::Kind::kProgress && !record->rounds.asking()) {
        extend_deadline(*record);
    }
    Asker* asker = parties_.askers.find(record->request.asker);
    if (asker != nullptr) {
        asker->on_notice(record->request.tag, notice);
    }
}

void Router::on_deferred(CallHandle handle) {
    CallRecord* record = find(handle);
    Asker* asker =
        record == nullptr ? nullptr : parties_.askers.find(record->request.asker);
    if (asker != nullptr) {
        asker->on_deferred(record->request.tag);
    }
}

/// Progress starts the clock again, up to the downstream's cap.
void Router::extend_deadline(CallRecord& record) {
    if (const Answerer* answerer = answerer_of(record); answerer != nullptr) {
        record.clock.extend(answerer->call_timeout(record.entry->own_name),
                            answerer->call_timeout_max());
    }
}

void Router::want_level(const std::string& party, std::optional<MessageLevel> level) {
    if (levels_.set(party, level)) {
        parties_.answerers.for_each([](Answerer& each) { each.on_wanted_level(); });
    }
}

void Router::on_answer(CallHandle handle, const Answer& answer) {
    CallRecord* record = find(handle);
    if (record == nullptr) {
        return;
    }
    const bool good = answer.kind == Answer::Kind::kResult;
    std::optional<Answer> again = good || record->request.takes_questions
                                      ? std::nullopt
                                      : parked_->read_again(*record, answer);
    finish(*record,
           again ? std::move(*again) : shape_answer(*record, answer, sightings_),
           good ? "success" : "error");
}

void Router::on_deadline(CallRecord& record) {
    if (!record.taken) {
        fail_unsent(record, "it was not ready in time", "timeout");
        return;
    }
    const bool asking = record.rounds.asking();
    Answerer* answerer = parties_.answerers.find(record.entry->answerer);
    if (answerer != nullptr) {
        // A client that does not reply is no failure of its server's.
        answerer->cancel(record,
                         asking ? CancelReason::kClient : CancelReason::kTimeout);
    }
    if (asking && is_parked(record.handle)) {
        parked_->forget(record);  // who does not come back is owed nothing
    }
    const auto waited = record.clock.waited().count();
    finish(record,
           Answer::failure({JsonRpcError::kInternal,
                            (asking ? std::string("The client")
                                    : "Downstream '" + record.entry->downstream + "'") +
                                " did not answer within " + std::to_string(waited) +
                                " ms",
                            "timeout",
                            record.entry->downstream,
                            {}}),
           "timeout");
}

void Router::fail_unsent(CallRecord& record, const std::string& why, const char* type) {
    finish(record,
           Answer::failure({JsonRpcError::kInternal,
                            "The call was not sent: " + why, type, {}, {}}),
           type == std::string_view("timeout") ? "timeout" : "error");
}

void Router::party_gone(const std::string& party) {
    want_level(party, std::nullopt);
    parties_.answerers.for_each(
        [&party](Answerer& answerer) { answerer.forget_party(party); });
}

void Router::refuse_unsent() {
    std::vector<CallHandle> unsent;
    for (const auto& [slot, record] : calls_) {
        if (!record->taken) {
            unsent.push_back(record->handle);
        }
    }
    for (const CallHandle handle : unsent) {
        if (CallRecord* record = find(handle); record != nullptr) {
            fail_unsent(*record, "neurond is stopping", "unavailable");
        }
    }
}

/// The one place where calls end in an answer. `answer` may lie in what is erased here.
void Router::finish(CallRecord& record, const Answer& answer, std::string_view result) {
    audit_result(record, result, answer.body.size);
    Asker* asker = parties_.askers.find(record.request.asker);
    const uint64_t tag = record.request.tag;
    const std::vector<std::string> open = record.rounds.take_open();
    count(record, result, answer.own.message);
    erase(record);
    if (asker != nullptr) {
        for (const std::string& key : open) {
            asker->on_input_withdrawn(tag, key);
        }
        asker->on_answer(tag, answer);
    }
}

bool Router::has_calls_for(AnswererHandle answerer) const {
    return std::any_of(calls_.begin(), calls_.end(), [answerer](const auto& each) {
        return each.second->entry != nullptr && each.second->entry->answerer == answerer;
    });
}

void Router::audit_result(const CallRecord& record, std::string_view result,
                          size_t bytes_out) {
    if (!record.audited) {
        return;
    }
    AuditRecord line = audit_record(record, "result");
    line.result = result;
    line.duration = std::chrono::duration_cast<Millis>(loop_.now() - record.received);
    line.bytes_out = bytes_out;
    audit_.add(line);
    stage_task_.schedule();
}

void Router::erase(CallRecord& record) {
    const CallHandle handle = record.handle;
    if (record.retries != 0) {
        parked_->lost(record.retries, record);
    }
    handles_.remove(handle);
    calls_.erase(handle.slot);
    if (calls_.empty() && idle_) {
        idle_task_.schedule();
    }
}

/// The first line about a request: a retry is of a call that has had its own.
AuditRecord Router::call_line(const CallRecord& record) const {
    AuditRecord out = audit_record(record, "call");
    if (const ParkedCall* parked = parked_->find(record.retries);
        parked != nullptr && !parked->again) {
        out.event = "retry";
        out.continues = parked->request_id;
    }
    return out;
}

void Router::record_refusal(const Identity& who, AuditRecord line) {
    line.event = "call";
    line.client = who.name;
    line.peer = who.peer;
    line.allowed = false;
    audit_.add(line);
    if (line.result == "blocked") {
        observer_.on_blocked(line.rule);
    }
    stage_task_.schedule();
}

AuditRecord Router::audit_record(const Call& call, std::string_view event) {
    AuditRecord out;
    out.event = event;
    out.request_id = call.request.request_id;
    out.client = call.request.identity.name;
    out.peer = call.request.identity.peer;
    out.method = call.request.method;
    out.tool = call.entry != nullptr ? call.entry->full_name : call.request.name;
    out.downstream =
        call.entry != nullptr ? call.entry->downstream : std::string_view();
    out.params = call.request.arguments.in(call.request.text.view());
    out.rule = call.rule;
    out.bytes_in = call.request.text.size;
    return out;
}

}  // namespace neuron
