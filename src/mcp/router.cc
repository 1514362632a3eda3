// The stages of a call, from the request a door made of a client's message to its one
// answer. Knows no socket, no era and no transport.

#include "neurond/mcp/router.h"

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/answer_shape.h"
#include "neurond/mcp/call_clock.h"
#include "neurond/mcp/call_target.h"
#include "neurond/mcp/input_rounds.h"

namespace neuron {

namespace {

/// How long a call may wait for a starting server or for its audit record.
constexpr Millis kMaxUnsentTime{60 * 1000};

}  // namespace

/// A call with what only the router knows of it.
struct Router::Record : Call {
    Record(Router& router, CallRequest asked)
        : clock(router.loop_, [&router, this] { router.on_deadline(*this); }) {
        request = std::move(asked);
    }
    CallClock clock;
    bool audited = false;  ///< a call line was written, so a result line is owed
    bool taken = false;    ///< an answerer has it
    InputRounds rounds;
};

Router::Router(EventLoop& loop, Parties& parties, AuditLog& audit,
               const Directory& directory, CallObserver& observer, RouterLimits limits)
    : loop_(loop),
      parties_(parties),
      audit_(audit),
      directory_(directory),
      observer_(observer),
      limits_(std::move(limits)),
      own_lists_(parties),
      stage_task_(loop, Phase::kStage, [this] { run_stage(); }),
      idle_task_(loop, Phase::kSoon, [this] {
          if (calls_.empty() && idle_) {
              std::exchange(idle_, nullptr)();
          }
      }) {}

Router::~Router() = default;

Router::Record* Router::find(CallHandle handle) const {
    return static_cast<Record*>(handles_.find(handle));
}

CallHandle Router::submit(CallRequest request) {
    auto owned = std::make_unique<Record>(*this, std::move(request));
    Record& record = *owned;
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
        Record* record = find(handle);
        if (record != nullptr && admit(*record)) {
            admitted.push_back(handle);
        }
    }
    audit_.write([this, calls = std::move(admitted)](const Status& status) {
        recorded(calls, status);
    });
}

/// False when the call has been answered by a refusal, or has to wait.
bool Router::admit(Record& record) {
    const auto merged = own_lists_.of(record.request);
    record.catalog = merged->seen_as(record.request.view);
    record.entry = find_target(*merged, *record.catalog, sightings_, record.request);
    const std::optional<Missing> missing =
        record.entry != nullptr ? std::nullopt
                                : why_target_missing(directory_, record.request);
    if (record.entry == nullptr && !missing &&
        calls_.size() <= limits_.calls_in_flight &&
        own_lists_.may_appear(record.request)) {
        record.stage = Call::Stage::kWaiting;
        waiting_.push_back(record.handle);
        return false;
    }
    if (std::optional<OwnError> refused = refusal(record, missing); refused) {
        AuditRecord line = audit_record(record, "call");
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
    record.audited = audit_.enabled();
    audit_.add(audit_record(record, "call"));
    return true;
}

/// Why the call is refused. What a caller may not use tells it nothing else, not even
/// whether its server is up.
std::optional<OwnError> Router::refusal(Record& record,
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
    if (calls_.size() > limits_.calls_in_flight) {
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
        Record* record = find(handle);
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

void Router::hand_on(Record& record) {
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
    record.clock.begin(answerer->call_timeout(record.entry->own_name));
    answerer->take(record);
}

void Router::cancel(CallHandle handle) {
    Record* record = find(handle);
    if (record == nullptr) {
        return;
    }
    Answerer* answerer =
        record->taken ? parties_.answerers.find(record->entry->answerer) : nullptr;
    if (answerer != nullptr) {
        answerer->cancel(*record, CancelReason::kClient);
    }
    audit_result(*record, "cancelled", 0);
    observer_.on_call_done(*record, "cancelled", loop_.now());
    erase(*record);
}

void Router::on_notice(CallHandle handle, const Notice& notice) {
    Record* record = find(handle);
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
    Record* record = find(handle);
    Asker* asker =
        record == nullptr ? nullptr : parties_.askers.find(record->request.asker);
    if (asker != nullptr) {
        asker->on_deferred(record->request.tag);
    }
}

/// Progress starts the clock again, up to the downstream's cap.
void Router::extend_deadline(Record& record) {
    const Answerer* answerer = parties_.answerers.find(record.entry->answerer);
    if (answerer != nullptr) {
        record.clock.extend(answerer->call_timeout(record.entry->own_name),
                            answerer->call_timeout_max());
    }
}

InputOutcome Router::on_input(CallHandle handle, const InputRound& round) {
    Record* record = find(handle);
    if (record == nullptr) {
        return InputOutcome::kPassedOn;
    }
    Asker* asker = parties_.askers.find(record->request.asker);
    if (asker == nullptr) {
        return refuse_round(*record, round, "asks a client that has gone");
    }
    std::vector<std::string> keys;
    for (const Question& question : round.questions) {
        keys.push_back(question.key);
    }
    const bool asking = record->rounds.asking();
    if (!record->rounds.open(keys, limits_.input_rounds)) {
        return refuse_round(*record, round, "asks its client too often");
    }
    if (!asking) {
        record->clock.ask(limits_.input_timeout);
    }
    const InputOutcome outcome = asker->on_input(record->request.tag, round);
    if (record = find(handle); record != nullptr) {
        settle_round(*record, round, outcome);
    }
    return outcome;
}

/// Where the server waits, the refusal is its to deal with; where it has ended the call,
/// that is the end.
InputOutcome Router::refuse_round(Record& record, const InputRound& round,
                                  const std::string& why) {
    if (!round.result.empty()) {
        const std::string& server = record.entry->downstream;
        finish(record,
               Answer::failure({JsonRpcError::kInternal,
                                "Downstream '" + server + "' " + why, "unavailable",
                                server, {}}),
               "error");
    }
    return InputOutcome::kRefused;
}

void Router::settle_round(Record& record, const InputRound& round,
                          InputOutcome outcome) {
    if (outcome == InputOutcome::kPassedOn && !round.result.empty()) {
        pass_on(record, round.result.size);
        return;
    }
    if (outcome != InputOutcome::kAsked) {
        for (const Question& question : round.questions) {
            record.rounds.close(question.key);
        }
    }
    if (!record.rounds.asking()) {
        record.clock.go_on();
    }
    if (outcome != InputOutcome::kAsked) {
        refuse_round(record, round, "asks for input that this client cannot give");
    }
}

/// The asker has made the answer of it.
void Router::pass_on(Record& record, size_t bytes_out) {
    audit_result(record, "success", bytes_out);
    observer_.on_call_done(record, "success", loop_.now());
    erase(record);
}

void Router::reply(CallHandle handle, const InputReply& reply) {
    Record* record = find(handle);
    if (record == nullptr || !record->rounds.close(reply.key)) {
        return;
    }
    if (!record->rounds.asking()) {
        record->clock.go_on();
    }
    Answerer* answerer = parties_.answerers.find(record->entry->answerer);
    if (answerer != nullptr) {
        answerer->reply(*record, reply);
    }
}

void Router::on_input_withdrawn(CallHandle handle, const std::string& key) {
    Record* record = find(handle);
    if (record == nullptr || !record->rounds.close(key)) {
        return;
    }
    if (!record->rounds.asking()) {
        record->clock.go_on();
    }
    Asker* asker = parties_.askers.find(record->request.asker);
    if (asker != nullptr) {
        asker->on_input_withdrawn(record->request.tag, key);
    }
}

void Router::want_level(const std::string& party, std::optional<MessageLevel> level) {
    if (levels_.set(party, level)) {
        parties_.answerers.for_each([](Answerer& each) { each.on_wanted_level(); });
    }
}

void Router::on_answer(CallHandle handle, const Answer& answer) {
    Record* record = find(handle);
    if (record != nullptr) {
        finish(*record, shape_answer(*record, answer, sightings_),
               answer.kind == Answer::Kind::kResult ? "success" : "error");
    }
}

void Router::on_deadline(Record& record) {
    if (!record.taken) {
        fail_unsent(record, "it was not ready in time", "timeout");
        return;
    }
    const bool asking = record.rounds.asking();
    Answerer* answerer = parties_.answerers.find(record.entry->answerer);
    if (answerer != nullptr) {
        answerer->cancel(record, CancelReason::kTimeout);
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

void Router::fail_unsent(Record& record, const std::string& why, const char* type) {
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
        if (Record* record = find(handle); record != nullptr) {
            fail_unsent(*record, "neurond is stopping", "unavailable");
        }
    }
}

/// The one place where calls end in an answer. `answer` may lie in what is erased here.
void Router::finish(Record& record, const Answer& answer, std::string_view result) {
    audit_result(record, result, answer.body.size);
    Asker* asker = parties_.askers.find(record.request.asker);
    const uint64_t tag = record.request.tag;
    const std::vector<std::string> open = record.rounds.take_open();
    observer_.on_call_done(record, result, loop_.now());
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

void Router::audit_result(const Record& record, std::string_view result,
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

void Router::erase(Record& record) {
    const CallHandle handle = record.handle;
    handles_.remove(handle);
    calls_.erase(handle.slot);
    if (calls_.empty() && idle_) {
        idle_task_.schedule();
    }
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
