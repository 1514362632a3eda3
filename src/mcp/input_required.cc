// How modern servers ask: by a result that is none, and a call that comes again.

#include "neurond/mcp/input_required.h"

#include <algorithm>
#include <utility>

#include "neurond/base/text.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

std::optional<InputRound> read_input_required(const Slice& result) {
    const std::string_view text = result.view();
    if (text.find("input_required") == std::string_view::npos) {
        return std::nullopt;  // most are none, and some are large
    }
    const JsonView view(text);
    if (!view.find("resultType").is_string("input_required")) {
        return std::nullopt;
    }
    InputRound round;
    round.result = result;
    for (const JsonPair& each : view.find("inputRequests").members()) {
        const JsonView params = each.value.find("params");
        round.questions.push_back(
            {each.key.as_string().value_or(""),
             each.value.find("method").as_string().value_or(""),
             params.is_object() ? result.part(params.raw()) : Slice()});
    }
    return round;
}

void RepeatedCalls::begin(CallHandle call, const InputRound& round) {
    erase(call);
    Waiting waiting;
    waiting.call = call;
    waiting.open = round.questions.size();
    waiting.state = JsonView(round.result.view()).find("requestState").raw();
    for (const Question& question : round.questions) {
        waiting.methods.emplace_back(question.key, question.method);
    }
    waiting_.push_back(std::move(waiting));
}

/// An error cannot be told to the server: a form counts as cancelled, and without a
/// message or roots the call cannot go on.
RepeatedCalls::Step RepeatedCalls::add(CallHandle call, const InputReply& reply) {
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [call](const Waiting& w) { return w.call == call; });
    if (found == waiting_.end()) {
        return {};
    }
    std::string_view body = reply.body.view();
    if (reply.failed) {
        const bool form = std::any_of(
            found->methods.begin(), found->methods.end(), [&reply](const auto& each) {
                return each.first == reply.key && each.second == "elicitation/create";
            });
        if (!form) {
            waiting_.erase(found);
            return {Step::Kind::kFail, "got no reply from its client: " +
                                           escape(body, 256)};
        }
        body = R"({"action":"cancel"})";
    }
    found->responses += found->responses.empty() ? "" : ",";
    append_json_quoted(found->responses, reply.key);
    found->responses += ":";
    found->responses += body;
    if (--found->open > 0) {
        return {};
    }
    std::string members = "\"inputResponses\":{" + found->responses + "}";
    if (!found->state.empty()) {
        members += ",\"requestState\":" + found->state;
    }
    waiting_.erase(found);
    return {Step::Kind::kRepeat, std::move(members)};
}

RepeatedCalls::Step RepeatedCalls::resume(CallHandle call) {
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [call](const Waiting& w) { return w.call == call; });
    if (found == waiting_.end()) {
        return {};
    }
    const std::string state = std::move(found->state);
    waiting_.erase(found);
    return state.empty() ? Step{Step::Kind::kFail, {}}
                         : Step{Step::Kind::kRepeat, "\"requestState\":" + state};
}

void RepeatedCalls::erase(CallHandle call) {
    waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                  [call](const Waiting& w) { return w.call == call; }),
                   waiting_.end());
}

std::vector<CallHandle> RepeatedCalls::take_all() {
    std::vector<CallHandle> calls;
    for (const Waiting& each : waiting_) {
        calls.push_back(each.call);
    }
    waiting_.clear();
    return calls;
}

bool RepeatedCalls::has(CallHandle call) const {
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [call](const Waiting& w) { return w.call == call; });
}

}  // namespace neuron
