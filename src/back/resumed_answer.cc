// A server that makes its clients poll hangs up before it has answered; the answer is
// fetched here, so that nobody else needs to know.

#include "neurond/back/resumed_answer.h"

#include <utility>

#include "neurond/base/text.h"

namespace neuron {

ResumedAnswer::ResumedAnswer(EventLoop& loop, HttpPool& pool, const AnswerLimits& limits,
                             uint64_t request, MakeHead head, ResumedAnswerOwner& owner)
    : request_(request),
      head_(std::move(head)),
      owner_(owner),
      stream_(loop, pool, limits, true, static_cast<ServerStreamOwner&>(*this)) {}

void ResumedAnswer::on_stream_message(const JsonScanner& scan, const Slice& text) {
    const JsonEnvelope& envelope = scan.envelope();
    answered_ = envelope.method.empty() &&
                envelope.id.in(text.view()) == std::to_string(request_);
    owner_.on_resumed_message(*this, scan, text);
}

void ResumedAnswer::on_stream_garbage(const JsonScanner& scan, std::string_view head) {
    owner_.on_resume_failed(
        *this, "it sent what is not JSON (" + scan.message() + "): " + escape(head, 128));
}

void ResumedAnswer::on_stream_over(int, const std::string& why) {
    owner_.on_resume_failed(*this, why);
}

}  // namespace neuron
