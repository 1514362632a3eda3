// What legacy servers ask while they work on a call (mcp-protocol 5.1). Which call that is
// an instance finds out; what becomes of the question is decided here.

#include "neurond/back/question_relay.h"

#include <algorithm>
#include <utility>

#include "neurond/base/take_first.h"

namespace neuron {

namespace {

constexpr const char* kRoots = "roots/list";
constexpr size_t kMaxHeld = 4;  // a server asks once

bool is_declared(std::string_view method, ClientCaps caps) {
    if (method == kRoots) {
        return caps.has(ClientCaps::kRoots);
    }
    if (method == "sampling/createMessage") {
        return caps.has(ClientCaps::kSampling);
    }
    return caps.has(ClientCaps::kElicitationForm) ||
           caps.has(ClientCaps::kElicitationUrl);
}

Slice params_of(const JsonRpcMessage& message, const Slice& text) {
    return message.params.empty() ? Slice() : text.part(message.params.in(text.view()));
}

}  // namespace

void QuestionRelay::on_request(const JsonRpcMessage& message, const Slice& text,
                               std::optional<CallHandle> call, ClientCaps caps) {
    const std::string_view id_raw = message.id.in(text.view());
    const Question question = {{}, message.method, params_of(message, text)};
    if (message.method == "ping") {
        OutQueue answer;
        write_result(answer, id_raw, Slice({}, "{}"));
        say_(std::move(answer));
    } else if (!is_question(message.method)) {
        refuse(id_raw, JsonRpcError::kMethodNotFound, "Method not found");
    } else if (call) {
        ask(id_raw, question, *call);  // who asked knows what its client has declared
    } else if (!is_declared(message.method, caps)) {
        refuse(id_raw, JsonRpcError::kMethodNotFound,
               "neurond declared no capability for this request");
    } else {
        ask_outside(id_raw, question);
    }
}

void QuestionRelay::ask_outside(std::string_view id_raw, Question question) {
    question.key = open_.add(id_raw, question, CallHandle());
    if (session_.ask_session(question)) {
        return;
    }
    open_.take(question.key);
    if (question.method != kRoots) {
        refuse(id_raw, JsonRpcError::kInvalidParams,
               "neurond cannot associate this request with a call");
    } else if (held_.size() < kMaxHeld) {
        question.params = Slice::copy_of(question.params.view());
        held_.push_back({std::string(id_raw), std::move(question)});
    } else {
        say_no_roots(id_raw);
    }
}

void QuestionRelay::release(CallHandle call) {
    for (Held& each : std::exchange(held_, {})) {
        lend(std::move(each), call);
    }
    for (const std::string& key : open_.keys_of(CallHandle())) {
        if (auto question = session_.reclaim_from_session(key); question) {
            lend({open_.take(key)->id_raw, std::move(*question)}, call);
        }
    }
}

/// The call may be over before its client replies: then the question is asked elsewhere.
void QuestionRelay::lend(Held held, CallHandle call) {
    held.question.key = open_.add(held.id_raw, held.question, call);
    lent_.push_back(held);
    if (sink_.on_input(call, {{held.question}, {}}) == InputOutcome::kAsked) {
        return;
    }
    if (open_.take(held.question.key) && take_lent(held.question.key)) {
        ask_outside(held.id_raw, held.question);
    }
}

std::optional<QuestionRelay::Held> QuestionRelay::take_lent(const std::string& key) {
    return take_first(lent_, [&](const Held& each) { return each.question.key == key; });
}

void QuestionRelay::give_up(bool all) {
    for (const Held& each : std::exchange(held_, {})) {
        say_no_roots(each.id_raw);
    }
    for (const std::string& key :
         all ? open_.keys_of(CallHandle()) : std::vector<std::string>()) {
        session_.withdraw_from_session(key);
        if (const auto open = open_.take(key); open->method == kRoots) {
            say_no_roots(open->id_raw);
        } else {
            OutQueue answer;
            write_no_reply(answer, *open);
            say_(std::move(answer));
        }
    }
}

/// None is a valid answer.
void QuestionRelay::say_no_roots(std::string_view id_raw) {
    OutQueue answer;
    write_result(answer, id_raw, Slice({}, R"({"roots":[]})"));
    say_(std::move(answer));
    owes_roots_ = true;
}

void QuestionRelay::ask(std::string_view id_raw, Question question, CallHandle call) {
    const std::string key = open_.add(id_raw, question, call);
    question.key = key;
    InputRound round;
    round.questions.push_back(std::move(question));
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
    held_.erase(std::remove_if(
                    held_.begin(), held_.end(),
                    [&](const Held& each) { return same_id(each.id_raw, id_raw); }),
                held_.end());
    const auto gone = open_.take_id(id_raw);
    if (gone && gone->call) {
        if (!take_lent(gone->key)) {
            open_.overtake(gone->call);
        }
        sink_.on_input_withdrawn(gone->call, gone->key);
    } else if (gone) {
        session_.withdraw_from_session(gone->key);
    }
}

void QuestionRelay::clear() {
    for (const std::string& key : open_.keys_of(CallHandle())) {
        session_.withdraw_from_session(key);
    }
    open_.clear();
    held_.clear();
    lent_.clear();
    owes_roots_ = false;
}

void QuestionRelay::reply(const InputReply& reply) {
    if (reply.is_progress()) {
        tell_progress(reply);
        return;
    }
    if (const auto asked = open_.take(reply.key); asked) {
        if (!take_lent(reply.key)) {
            open_.overtake(asked->call);
        }
        OutQueue answer;
        write_reply(answer, *asked, reply);
        say_(std::move(answer));
    }
}

/// To a server that has not asked to hear of it nothing is said.
void QuestionRelay::tell_progress(const InputReply& progress) {
    const ServerQuestions::Open* asked = open_.find(progress.key);
    if (asked != nullptr && !asked->token_raw.empty()) {
        OutQueue message;
        write_reply(message, *asked, progress);
        say_(std::move(message));
    }
}

bool QuestionRelay::awaits_reply(CallHandle call) const {
    if (open_.overtaken(call)) {
        return false;
    }
    const std::vector<std::string> keys = open_.keys_of(call);
    return std::any_of(keys.begin(), keys.end(), [this](const std::string& key) {
        return std::none_of(lent_.begin(), lent_.end(), [&key](const Held& each) {
            return each.question.key == key;
        });
    });
}

void QuestionRelay::close(CallHandle call) {
    for (const ServerQuestions::Open& each : open_.take_all(call)) {
        if (auto lent = take_lent(each.key); lent) {
            ask_outside(lent->id_raw, std::move(lent->question));
            continue;
        }
        OutQueue answer;
        write_no_reply(answer, each);
        say_(std::move(answer));
    }
}

}  // namespace neuron
