#ifndef NEUROND_BACK_ANSWER_READER_H
#define NEUROND_BACK_ANSWER_READER_H

#include <string_view>

#include "neurond/base/block.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/sse.h"

namespace neuron {

/// Gets what an AnswerReader reads. Any of these may stop() the reader.
class AnswerSink {
  public:
    /// One message; `scan` is done with exactly `text`, which has no line breaks.
    virtual void on_message(const JsonScanner& scan, const Slice& text) = 0;
    /// Not JSON: `scan` says why, `head` is its beginning. The reader has stopped, unless
    /// it was one event of several.
    virtual void on_garbage(const JsonScanner& scan, std::string_view head) = 0;
    /// A message over the limit; the reader has stopped.
    virtual void on_oversized() = 0;
    /// An event with another name than `message`.
    virtual void on_named_event(std::string_view name, std::string_view data) = 0;

  protected:
    ~AnswerSink() = default;
};

struct AnswerLimits {
    size_t message_max;  ///< bytes of one message
    unsigned json_depth;
};

/// Takes messages out of the content of HTTP responses, scanned as it comes: one JSON
/// object, or several with blanks between them (mcp-protocol 2.4), or server-sent events.
class AnswerReader {
  public:
    enum class Form { kJson, kEvents };

    AnswerReader(Form form, const AnswerLimits& limits, AnswerSink& sink);

    void feed(std::string_view bytes);
    /// The content ends here.
    void finish();
    /// Whatever else comes is ignored.
    void stop() noexcept { stopped_ = true; }

    /// Of an event stream: the last id it told (empty = none), and its last `retry`.
    const std::string& last_id() const noexcept { return events_.last_id(); }
    std::optional<uint64_t> retry() const noexcept { return events_.retry(); }

  private:
    void feed_json(std::string_view bytes);
    void feed_events(std::string_view bytes);
    void event_done();
    void append(std::string_view bytes);
    bool over(size_t size, const BlockRef& block) const noexcept;
    std::string_view pending() const noexcept;
    void take_objects();
    bool object_ends(size_t& end);
    void deliver(size_t size);
    void garbage(std::string_view text);

    Form form_;
    AnswerLimits limits_;
    AnswerSink& sink_;
    bool stopped_ = false;
    JsonScanner scan_;
    SseDecoder events_;
    BlockRef block_;
    size_t begin_ = 0;  ///< in block_: where the object being read begins
};

}  // namespace neuron

#endif
