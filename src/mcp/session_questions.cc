// Questions of servers that belong to no call, and so find their client by its session.

#include "neurond/mcp/session_questions.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/take_first.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

std::string SessionQuestions::add(const SessionQuestion& question) {
    if (open_.size() >= kMaxSessionQuestions) {
        return {};
    }
    open_.push_back({"\"s" + std::to_string(++last_) + "\"", question.server,
                     question.instance, question.question.key});
    return open_.back().id_raw;
}

std::optional<SessionQuestions::Open> SessionQuestions::take(std::string_view id_raw) {
    return take_first(
        open_, [&](const Open& each) { return same_id(each.id_raw, id_raw); });
}

std::optional<SessionQuestions::Open> SessionQuestions::of(std::string_view id_raw,
                                                           const InputReply& reply) {
    if (!reply.is_progress()) {
        return take(id_raw);
    }
    const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& each) {
        return same_id(each.id_raw, id_raw);
    });
    return found != open_.end() ? std::optional(*found) : std::nullopt;
}

std::string SessionQuestions::id_of(AnswererHandle server, unsigned instance,
                                    std::string_view key) const {
    const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& each) {
        return each.server == server && each.instance == instance && each.key == key;
    });
    return found == open_.end() ? std::string() : found->id_raw;
}

}  // namespace neuron
