// Whoever hands a call on must be able to finish its own work before the answer comes back
// to it.

#include "neurond/back/late_answers.h"

namespace neuron {

LateAnswers::LateAnswers(EventLoop& loop, CallSink& sink)
    : sink_(sink), task_(loop, Phase::kSoon, [this] { deliver(); }) {}

void LateAnswers::fail(CallHandle call, OwnError error) {
    failed_.emplace_back(call, std::move(error));
    task_.schedule();
}

void LateAnswers::deliver() {
    std::vector<std::pair<CallHandle, OwnError>> failed;
    failed.swap(failed_);
    for (auto& [call, error] : failed) {
        sink_.on_answer(call, Answer::failure(std::move(error)));
    }
}

}  // namespace neuron
