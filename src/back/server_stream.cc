// The stream on which a server says what belongs to no request: the GET of Streamable
// HTTP, and the one leg of the transport before it.

#include "neurond/back/server_stream.h"

#include <algorithm>

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr Millis kDefaultWait{1000};
constexpr Millis kMinWait{100};
constexpr Millis kMaxWait{60 * 1000};

bool is_event_stream(const ResponseHead& head) {
    const std::string_view type = head.fields.field("Content-Type").value_or("");
    return equals_ignoring_case(trim(type.substr(0, type.find(';'))),
                                "text/event-stream");
}

}  // namespace

ServerStream::ServerStream(EventLoop& loop, HttpPool& pool, const AnswerLimits& limits,
                         bool resume, ServerStreamOwner& owner)
    : pool_(pool),
      limits_(limits),
      resume_(resume),
      owner_(owner),
      wait_(kDefaultWait),
      pause_(kDefaultWait),
      again_(loop, [this] { open(); }) {}

void ServerStream::open() {
    drop();
    HttpHeadWriter head = owner_.stream_head();
    head.field("Accept", "text/event-stream");
    if (!last_id_.empty()) {
        head.try_field("Last-Event-ID", last_id_);
    }
    HttpJob job;
    head.finish(job.bytes);
    job.exchange = this;
    job.safe = true;
    job.urgent = urgent_;
    asked_ = true;
    pool_.start(std::move(job));
}

void ServerStream::open_later() {
    again_.arm(pause_);
    pause_ = std::min(pause_ * 2, kMaxWait);
}

void ServerStream::resume(const std::string& last_id, std::optional<uint64_t> retry) {
    urgent_ = false;
    last_id_ = last_id;
    pace(retry);
    open_later();
}

/// Comes back as the server wants it.
void ServerStream::pace(std::optional<uint64_t> retry) {
    if (retry) {
        const auto asked = std::min<uint64_t>(*retry, 3600 * 1000);
        wait_ = std::clamp(Millis{static_cast<int64_t>(asked)}, kMinWait, kMaxWait);
        pause_ = wait_;
    }
}

void ServerStream::close() {
    drop();
    last_id_.clear();
    wait_ = pause_ = kDefaultWait;
}

void ServerStream::drop() {
    again_.cancel();
    if (std::exchange(asked_, false)) {
        pool_.cancel(*this);
    }
    open_ = false;
    status_ = 0;
    if (reader_) {
        reader_->stop();  // not destroyed: it may be on the stack
    }
}

void ServerStream::on_response(const ResponseHead& head) {
    status_ = head.status;
    open_ = status_ == 200 && is_event_stream(head);
    if (open_) {
        pause_ = wait_;
        reader_.emplace(AnswerReader::Form::kEvents, limits_,
                        static_cast<AnswerSink&>(*this));
        owner_.on_stream_open(!last_id_.empty());
    }
}

void ServerStream::on_content(std::string_view bytes) {
    if (open_) {
        reader_->feed(bytes);
    }
}

void ServerStream::on_complete() {
    if (open_) {
        ended("the event stream ended");
    } else if (status_ >= 500 && resume_) {
        ended("HTTP " + std::to_string(status_));
    } else {
        over(status_, "HTTP " + std::to_string(status_) + " instead of an event stream");
    }
}

void ServerStream::on_failed(const HttpFailure& failure) {
    if (failure.kind == HttpFailure::Kind::kUnreachable) {
        over(0, failure.why);
    } else {
        ended(failure.why);
    }
}

/// Comes back later, where that is wanted.
void ServerStream::ended(const std::string& why) {
    if (!resume_) {
        over(status_, why);
        return;
    }
    if (open_ && !reader_->last_id().empty()) {
        last_id_ = reader_->last_id();
    }
    if (open_) {
        pace(reader_->retry());
    }
    drop();
    open_later();
}

void ServerStream::over(int status, const std::string& why) {
    drop();
    owner_.on_stream_over(status, why);
}

void ServerStream::on_message(const JsonScanner& scan, const Slice& text) {
    owner_.on_stream_message(scan, text);
}

void ServerStream::on_garbage(const JsonScanner& scan, std::string_view head) {
    owner_.on_stream_garbage(scan, head);
}

void ServerStream::on_oversized() {
    ended("it sent an event over limits.message_max");
}

void ServerStream::on_named_event(std::string_view name, std::string_view data) {
    owner_.on_stream_event(name, data);
}

}  // namespace neuron
