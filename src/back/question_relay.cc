// What legacy servers ask while they work on a call (mcp-protocol 5.1). Which call that is
// an instance finds out; what becomes of the question is decided here.

#include "neurond/back/question_relay.h"

#include <utility>

namespace neuron {

namespace {

bool is_declared(std::string_view method, ClientCaps caps) {
    if (method == "roots/list") {
        return caps.has(ClientCaps::kRoots);
    }
    if (method == "sampling/createMessage") {
        return caps.has(ClientCaps::kSampling);
    }
    return caps.has(ClientCaps::kElicitationForm) ||
           caps.has(ClientCaps::kElicitationUrl);
}

}  // namespace

void QuestionRelay::on_request(const JsonRpcMessage& message, const Slice& text,
                               std::optional<CallHandle> call, ClientCaps caps) {
    const std::string_view id_raw = message.id.in(text.view());
    if (message.method == "ping") {
        OutQueue answer;
        write_result(answer, id_raw, Slice({}, "{}"));
        say_(std::move(answer));
    } else if (!is_question(message.method)) {
        refuse(id_raw, JsonRpcError::kMethodNotFound, "Method not found");
    } else if (call) {
        ask(message, text, *call);  // who asked knows what its client has declared
    } else if (!is_declared(message.method, caps)) {
        refuse(id_raw, JsonRpcError::kMethodNotFound,
               "neurond declared no capability for this request");
    } else if (message.method == "roots/list") {
        // Servers ask this right after the handshake; none is a valid answer, and within
        // a call they get the client's.
        OutQueue answer;
        write_result(answer, id_raw, Slice({}, R"({"roots":[]})"));
        say_(std::move(answer));
    } else {
        refuse(id_raw, JsonRpcError::kInvalidParams,
               "neurond cannot associate this request with a call");
    }
}

void QuestionRelay::ask(const JsonRpcMessage& message, const Slice& text,
                        CallHandle call) {
    const std::string_view view = text.view();
    InputRound round;
    const std::string key = open_.add(message.id.in(view), message.method, call);
    round.questions.push_back(
        {key, message.method,
         message.params.empty() ? Slice() : text.part(message.params.in(view))});
    const InputOutcome outcome = sink_.on_input(call, round);
    if (outcome == InputOutcome::kAsked) {
        return;
    }
    if (const auto refused = open_.take(key); refused) {
        refuse(refused->id_raw, JsonRpcError::kMethodNotFound,
               "The client of this call cannot be asked");
    }
}

void QuestionRelay::refuse(std::string_view id_raw, JsonRpcError code,
                           std::string_view why) {
    OutQueue answer;
    write_error(answer, id_raw, code, why);
    say_(std::move(answer));
}

void QuestionRelay::on_cancelled(std::string_view id_raw) {
    if (const auto gone = open_.take_id(id_raw); gone) {
        sink_.on_input_withdrawn(gone->call, gone->key);
    }
}

void QuestionRelay::reply(const InputReply& reply) {
    if (const auto asked = open_.take(reply.key); asked) {
        OutQueue answer;
        write_reply(answer, *asked, reply);
        say_(std::move(answer));
    }
}

void QuestionRelay::close(CallHandle call) {
    for (const ServerQuestions::Open& each : open_.take_all(call)) {
        OutQueue answer;
        write_no_reply(answer, each);
        say_(std::move(answer));
    }
}

}  // namespace neuron
