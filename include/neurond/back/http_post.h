#ifndef NEUROND_BACK_HTTP_POST_H
#define NEUROND_BACK_HTTP_POST_H

#include <optional>
#include <string>
#include <vector>

#include "neurond/back/answer_reader.h"
#include "neurond/back/carrier.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/http_exchange.h"

namespace neuron {

class HttpPost;

/// Uses posts: a carrier. Callbacks come from the loop.
class HttpPostOwner {
  public:
    /// The head of the response, before any message.
    virtual void on_post_response(HttpPost& post, const ResponseHead& head) = 0;
    /// The answer, or something the server says before it. post.answered() tells which.
    virtual void on_post_message(HttpPost& post, const JsonScanner& scan,
                                 const Slice& text) = 0;
    /// What was sent has failed: at most once, and never after the answer.
    virtual void on_post_failed(HttpPost& post, const RequestFailure& failure) = 0;
    /// Instead of a failure: the stream has ended before the answer, which the server tells
    /// who comes back for what follows `last_id`, after `retry` milliseconds.
    virtual void on_post_cut(HttpPost& post, const std::string& last_id,
                             std::optional<uint64_t> retry) {
        static_cast<void>(post), static_cast<void>(last_id), static_cast<void>(retry);
    }
    /// The exchange is over, well or not. The last callback; cancel and retire it.
    virtual void on_post_over(HttpPost& post) = 0;

  protected:
    ~HttpPostOwner() = default;
};

/// One message on a POST of its own, and what comes back: for a request its answer as
/// JSON or at the end of an event stream, for the rest nothing but a status. Also used
/// for the DELETE of a session.
class HttpPost final : public HttpExchange, private AnswerSink {
  public:
    struct Expect {
        uint64_t request = 0;  ///< id of the request it carries; 0: no answer is expected
        bool probe = false;    ///< `server/discover`: an overloaded server is no answer
        bool session = false;  ///< it carried a session id: 404 means that this is gone
        bool resumable = false;  ///< a stream with event ids may end before the answer
        /// What of its head nobody else may see: a session's id, fields of the client. A
        /// failure's reason does not repeat it.
        std::vector<std::string> secrets;
    };

    HttpPost(EventLoop& loop, Expect expect, const AnswerLimits& limits,
             HttpPostOwner& owner);

    uint64_t request() const noexcept { return expect_.request; }
    bool answered() const noexcept { return answered_; }
    /// Its answer has come by another way.
    void mark_answered();

  private:
    void on_response(const ResponseHead& head) override;
    void on_content(std::string_view bytes) override;
    void on_complete() override;
    void on_failed(const HttpFailure& failure) override;

    void on_message(const JsonScanner& scan, const Slice& text) override;
    void on_garbage(const JsonScanner& scan, std::string_view head) override;
    void on_oversized() override;
    void on_named_event(std::string_view, std::string_view) override {}

    void on_answer(const JsonScanner& scan, const Slice& text);
    void note_error(const JsonScanner& scan, std::string_view text);
    bool refused() const noexcept { return status_ >= 300; }
    bool answer_counts() const noexcept;
    bool cut_off();
    void fail(RequestFailure::Kind kind, std::string why, bool executed = true);
    void fail_refused();
    void over();

    Expect expect_;
    AnswerLimits limits_;
    HttpPostOwner& owner_;
    int status_ = 0;
    std::string location_;
    std::string content_type_;
    std::string said_;  ///< an error that belongs to no request, for people
    bool about_session_ = false;
    bool answered_ = false;
    bool concluded_ = false;  ///< answered, failed, or nothing was expected
    std::optional<AnswerReader> reader_;
    Timer rest_;  ///< how long the rest of a response may take once it has told all
};

}  // namespace neuron

#endif
