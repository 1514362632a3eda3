#ifndef NEUROND_BACK_SERVER_STREAM_H
#define NEUROND_BACK_SERVER_STREAM_H

#include <functional>
#include <optional>
#include <string>

#include "neurond/back/answer_reader.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/http_exchange.h"
#include "neurond/net/http_pool.h"

namespace neuron {

/// Uses an event stream. Callbacks come from the loop.
class ServerStreamOwner {
  public:
    /// The head of a GET, without its end: what this server wants with it.
    virtual HttpHeadWriter stream_head() = 0;
    /// The server has answered the GET by a stream. `resumed`: it was told the last event
    /// that had come, and can repeat what followed.
    virtual void on_stream_open(bool /*resumed*/) {}
    virtual void on_stream_message(const JsonScanner& scan, const Slice& text) = 0;
    virtual void on_stream_event(std::string_view name, std::string_view data) = 0;
    /// One that is not JSON; the stream goes on.
    virtual void on_stream_garbage(const JsonScanner& scan, std::string_view head) = 0;
    /// There is no stream, and it will not be tried again by itself. `status` is 0 where
    /// there was no response, or 200 where the stream has ended.
    virtual void on_stream_over(int status, const std::string& why) = 0;

  protected:
    ~ServerStreamOwner() = default;
};

/// A GET that a server answers by a stream of events without end.
class ServerStream final : public HttpExchange, private AnswerSink {
  public:
    /// `resume`: a stream that ends is opened again, after the time the server has asked
    /// for (a second without), from the last event on; one that fails, too, after pauses
    /// that double.
    ServerStream(EventLoop& loop, HttpPool& pool, const AnswerLimits& limits, bool resume,
                ServerStreamOwner& owner);

    void open();
    /// The same after a pause, which doubles each time until the stream is there.
    void open_later();
    /// Goes on, after `retry` milliseconds, with a stream whose last event was `last_id`;
    /// as an ordinary job, since a call has begun it.
    void resume(const std::string& last_id, std::optional<uint64_t> retry);
    /// No callback comes any more, and the next open() begins a new stream.
    void close();
    bool is_open() const noexcept { return open_; }

  private:
    void on_response(const ResponseHead& head) override;
    void on_content(std::string_view bytes) override;
    void on_complete() override;
    void on_failed(const HttpFailure& failure) override;

    void on_message(const JsonScanner& scan, const Slice& text) override;
    void on_garbage(const JsonScanner& scan, std::string_view head) override;
    void on_oversized() override;
    void on_named_event(std::string_view name, std::string_view data) override;

    void drop();
    void pace(std::optional<uint64_t> retry);
    void ended(const std::string& why);
    void over(int status, const std::string& why);

    HttpPool& pool_;
    AnswerLimits limits_;
    bool resume_;
    bool urgent_ = true;
    ServerStreamOwner& owner_;
    bool asked_ = false;  ///< the pool has our exchange
    bool open_ = false;
    int status_ = 0;
    std::string last_id_;
    Millis wait_;   ///< as the server wants it
    Millis pause_;  ///< before the next attempt
    std::optional<AnswerReader> reader_;
    Timer again_;
};

}  // namespace neuron

#endif
