#ifndef NEUROND_BACK_RESUMED_ANSWER_H
#define NEUROND_BACK_RESUMED_ANSWER_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "neurond/back/server_stream.h"

namespace neuron {

class ResumedAnswer;

/// Uses resumed answers: a carrier. Callbacks come from the loop; each may close() the
/// answer, and retire it.
class ResumedAnswerOwner {
  public:
    /// The answer, or something the server says before it. answer.answered() tells which.
    virtual void on_resumed_message(ResumedAnswer& answer, const JsonScanner& scan,
                                    const Slice& text) = 0;
    /// It will not come.
    virtual void on_resume_failed(ResumedAnswer& answer, const std::string& why) = 0;

  protected:
    ~ResumedAnswerOwner() = default;
};

/// The rest of what a server says to one request, after the event stream of its POST has
/// ended: read by GET with `Last-Event-ID`, as often as the server hangs up (mcp-protocol
/// 2.4, 2025-11-25).
class ResumedAnswer final : private ServerStreamOwner {
  public:
    using MakeHead = std::function<HttpHeadWriter()>;

    /// `head` makes the head of a GET, without its end.
    ResumedAnswer(EventLoop& loop, HttpPool& pool, const AnswerLimits& limits,
                  uint64_t request, MakeHead head, ResumedAnswerOwner& owner);

    void open(const std::string& last_id, std::optional<uint64_t> retry) {
        stream_.resume(last_id, retry);
    }
    /// No callback comes any more.
    void close() { stream_.close(); }
    uint64_t request() const noexcept { return request_; }
    bool answered() const noexcept { return answered_; }

  private:
    HttpHeadWriter stream_head() override { return head_(); }
    void on_stream_message(const JsonScanner& scan, const Slice& text) override;
    void on_stream_event(std::string_view, std::string_view) override {}
    void on_stream_garbage(const JsonScanner& scan, std::string_view head) override;
    void on_stream_over(int status, const std::string& why) override;

    uint64_t request_;
    MakeHead head_;
    ResumedAnswerOwner& owner_;
    bool answered_ = false;
    ServerStream stream_;
};

}  // namespace neuron

#endif
