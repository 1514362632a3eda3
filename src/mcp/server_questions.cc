// Requests of legacy servers: which call they belong to is for the leg to find out, which
// reply they get is here.

#include "neurond/mcp/server_questions.h"

#include <algorithm>
#include <utility>

#include "neurond/base/take_first.h"
#include "neurond/mcp/door.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

const std::string& ServerQuestions::add(std::string_view id_raw,
                                        const Question& question, CallHandle call) {
    const JsonView token =
        JsonView(question.params.view()).find("_meta").find("progressToken");
    open_.push_back({"q" + std::to_string(++last_), std::string(id_raw), question.method,
                     call, std::string(token.raw())});
    return open_.back().key;
}

const ServerQuestions::Open* ServerQuestions::find(
    const std::string& key) const noexcept {
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [&](const Open& each) { return each.key == key; });
    return found != open_.end() ? &*found : nullptr;
}

std::optional<ServerQuestions::Open> ServerQuestions::take(const std::string& key) {
    return take_first(open_, [&](const Open& each) { return each.key == key; });
}

std::optional<ServerQuestions::Open> ServerQuestions::take_id(std::string_view id_raw) {
    const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& each) {
        return same_id(each.id_raw, id_raw);
    });
    return found == open_.end() ? std::nullopt : take(std::string(found->key));
}

std::vector<ServerQuestions::Open> ServerQuestions::take_all(CallHandle call) {
    std::vector<Open> taken;
    std::vector<Open> rest;
    for (Open& each : open_) {
        (each.call == call ? taken : rest).push_back(std::move(each));
    }
    open_ = std::move(rest);
    return taken;
}

bool ServerQuestions::has(CallHandle call) const noexcept {
    return std::any_of(open_.begin(), open_.end(),
                       [call](const Open& each) { return each.call == call; });
}

void ServerQuestions::overtake(CallHandle call) {
    for (Open& each : open_) {
        each.overtaken = each.overtaken || each.call == call;
    }
}

bool ServerQuestions::overtaken(CallHandle call) const noexcept {
    return std::any_of(open_.begin(), open_.end(), [call](const Open& each) {
        return each.call == call && each.overtaken;
    });
}

std::vector<std::string> ServerQuestions::keys_of(CallHandle call) const {
    std::vector<std::string> keys;
    for (const Open& each : open_) {
        if (each.call == call) {
            keys.push_back(each.key);
        }
    }
    return keys;
}

bool is_question(std::string_view method) noexcept {
    return method == "elicitation/create" || method == "sampling/createMessage" ||
           method == "roots/list";
}

void write_reply(OutQueue& out, const ServerQuestions::Open& question,
                 const InputReply& reply) {
    if (reply.is_progress()) {
        write_notice(out, {reply.body, reply.progress_token}, question.token_raw);
    } else if (reply.failed) {
        write_error(out, question.id_raw, reply.body);
    } else {
        write_result(out, question.id_raw, reply.body);
    }
}

void write_no_reply(OutQueue& out, const ServerQuestions::Open& question) {
    if (question.method == "elicitation/create") {
        write_result(out, question.id_raw, Slice({}, R"({"action":"cancel"})"));
    } else if (question.method == "sampling/createMessage") {
        write_error(out, question.id_raw, JsonRpcError::kUserRejected,
                    "The client has gone");
    } else {
        write_error(out, question.id_raw, JsonRpcError::kInternal,
                    "The client has gone");
    }
}

}  // namespace neuron
