// What servers ask the clients of their calls, and what these reply. The other file of the
// router has the stages of a call.

#include "neurond/mcp/call_record.h"
#include "neurond/mcp/parked_calls.h"
#include "neurond/mcp/router.h"

namespace neuron {

InputOutcome Router::on_input(CallHandle handle, const InputRound& round) {
    CallRecord* record = find(handle);
    if (record == nullptr) {
        return InputOutcome::kPassedOn;
    }
    if (!round.result.empty() && record->request.kind > CallKind::kResource) {
        return refuse_round(*record, round, "asks about what nobody is asked about");
    }
    if (!record->request.takes_questions && round.result.empty()) {
        parked_->adopt(*record);
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
InputOutcome Router::refuse_round(CallRecord& record, const InputRound& round,
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

void Router::settle_round(CallRecord& record, const InputRound& round,
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
void Router::pass_on(CallRecord& record, size_t bytes_out) {
    audit_result(record, "success", bytes_out);
    count(record, "success");
    erase(record);
}

void Router::reply(CallHandle handle, const InputReply& reply) {
    CallRecord* record = find(handle);
    if (record == nullptr || !(reply.is_progress() ? record->rounds.has(reply.key)
                                                   : record->rounds.close(reply.key))) {
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

bool Router::is_parked(CallHandle handle) const {
    const CallRecord* record = find(handle);
    if (record == nullptr || !parked_->has(*record)) {
        return false;
    }
    const ParkedCall* parked = parked_->find(record->request.tag);
    return parked != nullptr && parked->parked();
}

void Router::on_input_withdrawn(CallHandle handle, const std::string& key) {
    CallRecord* record = find(handle);
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

}  // namespace neuron
