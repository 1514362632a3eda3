// How an answer goes out: its head, whole or in pieces, and what becomes of the
// connection after it.

#include "neurond/front/http_conn.h"

#include <ctime>
#include <utility>

#include "neurond/wire/http_write.h"

namespace neuron {

void HttpConn::write_head(
    int status, std::string_view content_type,
    const std::vector<std::pair<std::string, std::string>>& fields,
    std::optional<size_t> length) {
    HttpHeadWriter head = HttpHeadWriter::response(status);
    head.field("Date", imf_fixdate(std::time(nullptr)));
    if (!content_type.empty()) {
        head.field("Content-Type", content_type);
    }
    if (length && status != 204) {
        head.field("Content-Length", *length);
    }
    if (chunked_) {
        head.field("Transfer-Encoding", "chunked");
    }
    if (!request_id_.empty()) {
        head.field("X-Request-Id", request_id_);
    }
    for (const auto* each : {&std::as_const(common_), &fields}) {
        for (const auto& [name, value] : *each) {
            head.field(name, value);
        }
    }
    if (!keep_alive_) {
        head.field("Connection", "close");
    } else if (head_.minor_version == 0) {
        head.field("Connection", "keep-alive");
    }
    head.finish(channel_.out());
}

void HttpConn::reply(HttpReply reply) {
    chunked_ = false;
    keep_alive_ = keep_alive_ && !reply.close && !owner_.draining(*this);
    write_head(reply.status, reply.content_type, reply.fields, reply.body.bytes());
    if (head_.method != "HEAD") {
        channel_.out().append(std::move(reply.body));
    }
    flush();
    answer_done();
}

void HttpConn::start_stream(
    int status, std::string_view content_type,
    const std::vector<std::pair<std::string, std::string>>& fields) {
    streaming_ = true;
    chunked_ = head_.minor_version > 0;
    keep_alive_ = keep_alive_ && chunked_;
    write_head(status, content_type, fields, std::nullopt);
    flush();
}

void HttpConn::stream(OutQueue&& bytes) {
    if (chunked_) {
        write_chunk(channel_.out(), std::move(bytes));
    } else {
        channel_.out().append(std::move(bytes));
    }
    flush();
}

void HttpConn::end_stream() {
    if (chunked_) {
        write_last_chunk(channel_.out());
        flush();
    }
    streaming_ = false;
    keep_alive_ = keep_alive_ && !owner_.draining(*this);
    answer_done();
}

HttpUpgrade HttpConn::upgrade(
    const std::vector<std::pair<std::string, std::string>>& fields) {
    keep_alive_ = true;
    chunked_ = false;
    write_head(101, {}, fields, std::nullopt);
    enter(State::kClosing);
    HttpUpgrade out{nullptr, {}, std::string(in_.readable())};
    out.stream = channel_.release(out.unsent, "upgraded");
    return out;
}

void HttpConn::answer_done() {
    waiter_ = nullptr;
    chunked_ = false;
    if (!keep_alive_) {
        enter(State::kClosing);
        channel_.finish("answered");
        return;
    }
    enter(State::kHead);
    in_.settle();
    process_task_.schedule();
    channel_.resume_input();
}

/// Answers what cannot be delimited or will not be waited for, and ends the connection.
void HttpConn::fail(int status, std::string_view why) {
    keep_alive_ = false;
    if (request_id_.empty() || state_ == State::kHead) {
        request_id_ = owner_.new_request_id();
        head_.method = {};
        common_.clear();
    }
    if (skip_body_) {  // answered already
        enter(State::kClosing);
        channel_.finish(std::string(why));
        return;
    }
    enter(State::kAnswering);
    reply(HttpReply::text(status, std::to_string(status) + " " + reason_phrase(status) +
                                      ": " + std::string(why)));
}

/// limits.buffer_total: what is not yet work in hand makes room for what is. Small
/// bodies pass, because a reply or a cancellation may end some work.
void HttpConn::fail_busy() {
    HttpReply reply = HttpReply::busy();
    reply.close = true;
    body_ = {};
    enter(State::kAnswering);
    this->reply(std::move(reply));
}

}  // namespace neuron
