// What became of one message sent by POST. Every status and every kind of body ends in
// one answer or one failure (mcp-protocol 2.3).

#include "neurond/back/http_post.h"

#include <utility>

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/wire/http_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

constexpr Millis kRestTime{1000};
constexpr Millis kAcceptTime{30 * 1000};
constexpr size_t kMaxSaidBytes = 256;

std::string media_type(const ResponseHead& head) {
    const std::string_view value = head.fields.field("Content-Type").value_or("");
    return to_lower(trim(value.substr(0, value.find(';'))));
}

std::string status_line(int status) {
    return "HTTP " + std::to_string(status) + " " + reason_phrase(status);
}

}  // namespace

HttpPost::HttpPost(EventLoop& loop, Expect expect, const AnswerLimits& limits,
                   HttpPostOwner& owner)
    : expect_(std::move(expect)),
      limits_(limits),
      owner_(owner),
      rest_(loop, [this] { over(); }) {
    if (expect_.request == 0) {
        rest_.arm(kAcceptTime);  // a request has its caller's deadline
    }
}

void HttpPost::on_response(const ResponseHead& head) {
    status_ = head.status;
    const std::string location(head.fields.field("Location").value_or(""));
    location_ = escape(mask_secrets(location, expect_.secrets), kMaxSaidBytes);
    content_type_ = media_type(head);
    if (content_type_ == "application/json") {
        reader_.emplace(AnswerReader::Form::kJson, limits_,
                        static_cast<AnswerSink&>(*this));
    } else if (content_type_ == "text/event-stream") {
        reader_.emplace(AnswerReader::Form::kEvents, limits_,
                        static_cast<AnswerSink&>(*this));
    }
    owner_.on_post_response(*this, head);
    if (refused() && !reader_) {
        fail_refused();
    } else if (!refused() && expect_.request == 0) {
        concluded_ = true;  // accepted; what else it says is not for us
        reader_.reset();
        rest_.arm(kRestTime);
    }
}

void HttpPost::on_content(std::string_view bytes) {
    if (reader_ && (!concluded_ || answered_)) {
        reader_->feed(bytes);
    }
}

void HttpPost::on_complete() {
    if (reader_ && !concluded_) {
        reader_->finish();
    }
    if (concluded_) {
        over();
        return;
    }
    if (refused()) {
        fail_refused();
    } else if (cut_off()) {
        // told
    } else if (expect_.request != 0 && content_type_ == "text/event-stream") {
        fail(RequestFailure::Kind::kLost, "the event stream ended without an answer");
    } else if (expect_.request != 0) {
        fail(RequestFailure::Kind::kProtocol,
             "it answered " + status_line(status_) + " without a JSON-RPC answer" +
                 (said_.empty() ? "" : ": " + said_));
    }
    over();
}

void HttpPost::on_failed(const HttpFailure& failure) {
    switch (failure.kind) {
        case HttpFailure::Kind::kUnreachable:
            fail(RequestFailure::Kind::kUnreachable, failure.why, false);
            break;
        case HttpFailure::Kind::kLost:
            if (!cut_off()) {
                fail(RequestFailure::Kind::kLost, failure.why, failure.sent);
            }
            break;
        case HttpFailure::Kind::kProtocol:
            fail(RequestFailure::Kind::kProtocol, failure.why);
            break;
    }
    over();
}

// --- messages ------------------------------------------------------------------------

void HttpPost::on_message(const JsonScanner& scan, const Slice& text) {
    if (scan.envelope().method.empty()) {
        on_answer(scan, text);
    } else if (!refused()) {
        owner_.on_post_message(*this, scan, text);
    }
}

/// Whether an answer with this status answers the request, rather than telling us
/// something about the way to it.
bool HttpPost::answer_counts() const noexcept {
    if (!refused()) {
        return true;
    }
    const bool session_gone = status_ == 404 && expect_.session;
    const bool overloaded = status_ == 408 || status_ == 429 || status_ >= 500;
    return status_ >= 400 && status_ != 401 && status_ != 403 && !session_gone &&
           !(expect_.probe && overloaded);
}

void HttpPost::on_answer(const JsonScanner& scan, const Slice& text) {
    if (concluded_) {
        return;
    }
    const std::string_view id = scan.envelope().id.in(text.view());
    if (answer_counts() && id == std::to_string(expect_.request)) {
        mark_answered();
        owner_.on_post_message(*this, scan, text);
        return;
    }
    note_error(scan, text.view());
    const bool without_id = id.empty() || id == "null";
    if (!refused() && !without_id) {
        reader_->stop();
        fail(RequestFailure::Kind::kProtocol,
             "it answered with the id " + escape(id, 64) + ", not with " +
                 std::to_string(expect_.request));
    }
}

/// What a refusal says, for people; and whether it is the session that it refuses: some
/// servers answer 400 where 404 is meant.
void HttpPost::note_error(const JsonScanner& scan, std::string_view text) {
    const auto error = read_error_object(scan.envelope().error.in(text));
    if (!error) {
        return;
    }
    const std::string message = mask_secrets(error->message, expect_.secrets);
    said_ = escape(message, kMaxSaidBytes) + " (" + std::to_string(error->code) +
            ")";
    const bool transport =
        error->code == static_cast<int>(JsonRpcError::kTransport) ||
        error->code == static_cast<int>(JsonRpcError::kSessionNotFound);
    about_session_ = transport && to_lower(error->message).find("session") !=
                                      std::string::npos;
}

void HttpPost::mark_answered() {
    answered_ = true;
    concluded_ = true;
    rest_.arm(kRestTime);
}

void HttpPost::on_garbage(const JsonScanner& scan, std::string_view head) {
    if (refused() || concluded_) {
        return;  // an error page
    }
    fail(RequestFailure::Kind::kProtocol,
         "it sent what is not JSON (" + scan.message() +
             "): " + escape(mask_cut_secrets(head, expect_.secrets), 128));
}

void HttpPost::on_oversized() {
    fail(RequestFailure::Kind::kTooLarge,
         Block::exhausted() ? "it sent more than limits.buffer_total leaves room for"
                            : "it sent a message over limits.message_max");
    rest_.arm(Millis{0});  // the rest is not worth reading
}

// --- the end -------------------------------------------------------------------------

void HttpPost::fail_refused() {
    const std::string line = status_line(status_) + (said_.empty() ? "" : ": " + said_);
    if (status_ == 401 || status_ == 403) {
        fail(RequestFailure::Kind::kUnauthorized, line, false);
    } else if (expect_.session &&
               (status_ == 404 || (status_ == 400 && about_session_))) {
        fail(RequestFailure::Kind::kSessionExpired, "its session has expired: " + line,
             false);
    } else if (status_ < 400) {
        fail(RequestFailure::Kind::kStatus,
             line + ": redirected to " + (location_.empty() ? "nowhere" : location_) +
                 ", and redirects are not followed");
    } else {
        fail(RequestFailure::Kind::kStatus, line);
    }
}

/// Whether the rest can be asked for (mcp-protocol 2.4: a server may hang up early, too).
bool HttpPost::cut_off() {
    if (!expect_.resumable || concluded_ || refused() || !reader_ ||
        reader_->last_id().empty()) {
        return false;
    }
    concluded_ = true;
    owner_.on_post_cut(*this, reader_->last_id(), reader_->retry());
    return true;
}

void HttpPost::fail(RequestFailure::Kind kind, std::string why, bool executed) {
    if (std::exchange(concluded_, true)) {
        return;
    }
    rest_.arm(kRestTime);
    owner_.on_post_failed(*this, {kind, status_, executed, std::move(why)});
}

void HttpPost::over() {
    rest_.cancel();
    owner_.on_post_over(*this);
}

}  // namespace neuron
