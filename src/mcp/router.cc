// The stages of a call, from the request a door made of a client's message to its one
// answer. Knows no socket, no era and no transport.

#include "neurond/mcp/router.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

/// How long a call may wait for a starting server or for its audit record.
constexpr Millis kMaxUnsentTime{60 * 1000};

}  // namespace

/// A call with what only the router knows of it.
struct Router::Record : Call {
    Record(Router& router, CallRequest asked)
        : deadline(router.loop_, [&router, this] { router.on_deadline(*this); }) {
        request = std::move(asked);
    }
    Timer deadline;
    TimePoint handed_on;   ///< when the answerer took it
    bool audited = false;  ///< a call line was written, so a result line is owed
    bool taken = false;    ///< an answerer has it
};

Router::Router(EventLoop& loop, Parties& parties, AuditLog& audit,
               const Directory& directory, CallObserver& observer, RouterLimits limits)
    : loop_(loop),
      parties_(parties),
      audit_(audit),
      directory_(directory),
      observer_(observer),
      limits_(limits),
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
    record.deadline.arm(kMaxUnsentTime);
    received_.push_back(record.handle);
    stage_task_.schedule();
    return record.handle;
}

void Router::set_rules(Rules rules) {
    rules_ = std::move(rules);
    if (!waiting_.empty()) {
        received_.insert(received_.end(), waiting_.begin(), waiting_.end());
        waiting_.clear();
        stage_task_.schedule();
    }
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
    record.catalog = rules_.catalog->seen_as(record.request.view);
    record.entry = record.catalog->find(record.request.name);
    const std::optional<Missing> missing =
        record.entry != nullptr
            ? std::nullopt
            : directory_.why_missing(record.request.view, record.request.name);
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
    const std::string& used = record.request.name;
    if (record.entry == nullptr && !missing) {
        return OwnError{
            JsonRpcError::kInvalidParams, "Unknown tool: " + escape(used, 128), {}, {}, {}};
    }
    const std::string& full =
        record.entry != nullptr ? record.entry->full_name : missing->full_name;
    PolicyDecision decision =
        rules_.policy->decide(record.request.identity.name, PolicyKind::kTool, full);
    record.rule = std::move(decision.rule);
    if (!decision.allowed) {
        return OwnError{JsonRpcError::kInvalidRequest,
                        "Access denied to tool " + escape(used, 128) +
                            " by security policy",
                        {},
                        {},
                        {}};
    }
    if (calls_.size() > limits_.calls_in_flight ||
        Block::total_bytes() > kMaxBufferBytes) {
        return OwnError{
            JsonRpcError::kInternal, "Too many calls in flight", "busy", {}, 1};
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
    record.handed_on = loop_.now();
    record.deadline.arm(answerer->call_timeout(record.entry->own_name));
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
    if (record == nullptr || record->request.progress_token.empty()) {
        return;  // nobody asked for progress
    }
    extend_deadline(*record);
    Asker* asker = parties_.askers.find(record->request.asker);
    if (asker != nullptr) {
        asker->on_notice(record->request.tag, notice);
    }
}

/// Progress starts the clock again, up to the downstream's cap.
void Router::extend_deadline(Record& record) {
    const Answerer* answerer = parties_.answerers.find(record.entry->answerer);
    if (answerer == nullptr) {
        return;
    }
    const auto left = std::chrono::ceil<Millis>(
        record.handed_on + answerer->call_timeout_max() - loop_.now());
    record.deadline.arm(std::min(answerer->call_timeout(record.entry->own_name), left));
}

void Router::on_answer(CallHandle handle, const Answer& answer) {
    Record* record = find(handle);
    if (record != nullptr) {
        finish(*record, answer,
               answer.kind == Answer::Kind::kResult ? "success" : "error");
    }
}

void Router::on_deadline(Record& record) {
    if (!record.taken) {
        fail_unsent(record, "it was not ready in time", "timeout");
        return;
    }
    Answerer* answerer = parties_.answerers.find(record.entry->answerer);
    if (answerer != nullptr) {
        answerer->cancel(record, CancelReason::kTimeout);
    }
    const auto waited =
        std::chrono::duration_cast<Millis>(loop_.now() - record.handed_on).count();
    finish(record,
           Answer::failure({JsonRpcError::kInternal,
                            "Downstream '" + record.entry->downstream +
                                "' did not answer within " + std::to_string(waited) +
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
    observer_.on_call_done(record, result, loop_.now());
    erase(record);
    if (asker != nullptr) {
        asker->on_answer(tag, answer);
    }
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
