// HTTP/1.1 for clients. What a request means is the handlers' business; this file makes
// sure that it is well-formed, complete, in time, and answered once and in order.

#include "neurond/front/http_conn.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/wire/json_splice.h"

namespace neuron {

namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kFirstBodyBytes = 4096;
constexpr size_t kShownPathBytes = 128;

/// An id we may repeat in headers, logs and audit lines.
bool is_usable_request_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= kMaxRequestIdBytes &&
           std::all_of(id.begin(), id.end(),
                       [](char c) { return c > ' ' && c < '\x7f'; });
}

/// Whether a message of `size` cannot have `more` memory.
bool full(size_t size, size_t more) noexcept {
    return size > kSmallBytes ? Block::nearly_exhausted(more) : Block::exhausted(more);
}

HeadLimits head_limits(const HttpLimits& limits) noexcept {
    HeadLimits out;
    out.head_bytes = limits.header_max;
    out.target_bytes = std::min(out.target_bytes, limits.header_max);
    return out;
}

}  // namespace

HttpConn::HttpConn(EventLoop& loop, std::unique_ptr<Stream> stream, Peer peer,
                   HandleTable<HttpConn>& table, HttpConnOwner& owner)
    : peer_(std::move(peer)),
      owner_(owner),
      registration_(table, *this),
      parser_(head_limits(owner.http_limits())),
      scan_(owner.http_limits().json_depth),
      deadline_(loop, [this] { on_timeout(); }),
      stall_(loop, [this] { on_stall(); }),
      process_task_(loop, Phase::kSoon, [this] { process(); }),
      channel_(loop, std::move(stream), *this) {
    enter(State::kHead);
}

HttpConn::~HttpConn() = default;

HttpRequest HttpConn::request() const {
    const Caller& caller = caller_ ? *caller_ : peer_.caller;
    return {head_, caller.identity, request_id_, peer_.local, caller.known,
            peer_.strict_names, {}, nullptr};
}

/// The one writer of state_; sets the deadline that belongs to it.
void HttpConn::enter(State next) {
    state_ = next;
    arriving_.hold(0);
    const HttpLimits& limits = owner_.http_limits();
    switch (next) {
        case State::kHead:
            deadline_.arm(in_.empty() ? limits.idle_timeout : limits.header_timeout);
            break;
        case State::kBody:
            body_at_deadline_ = 0;
            deadline_.arm(limits.body_timeout);
            break;
        case State::kAnswering:
        case State::kClosing:
            deadline_.cancel();
            break;
    }
}

// --- input ---------------------------------------------------------------------------

/// The body of a request with a length is read straight to where it will stay.
bool HttpConn::body_direct() const noexcept {
    return state_ == State::kBody && in_.empty() && !skip_body_ && body_ &&
           framing_.kind == BodyFraming::Kind::kLength;
}

WriteSpan HttpConn::input_space() {
    direct_ = {};
    if (body_direct()) {
        const size_t left =
            static_cast<size_t>(framing_.length - decoder_.body_bytes());
        if (body_->room() == 0) {
            const size_t more = std::min(left, std::max(body_->size(), kSmallBytes));
            if (full(body_->size(), body_.growth(more))) {
                fail_busy();
                return {};
            }
            body_.reserve(more);
        }
        direct_ = {body_->data() + body_->size(), std::min(left, body_->room())};
        return direct_;
    }
    const size_t header_max = owner_.http_limits().header_max;
    const size_t most = Block::scarce() ? kSmallBytes : kReadBudgetBytes;
    const bool waits = state_ == State::kAnswering || channel_.congested();
    if (waits && in_.size() >= std::min(header_max, most)) {
        return {};  // pipelined requests wait in the kernel
    }
    return in_.space(std::min(header_max, most));
}

void HttpConn::on_input(size_t n) {
    if (direct_.size != 0) {
        const std::string_view bytes(direct_.data, n);
        const BodyStep step = decoder_.decode(bytes);
        body_->commit(n);
        if (keep_body({}) && step.state == Scan::kDone) {
            dispatch();
        }
        return;
    }
    const bool first = in_.empty() && state_ == State::kHead;
    in_.commit(n);
    if (first) {
        enter(State::kHead);
    }
    process();
}

void HttpConn::on_input_pause() {
    if (state_ == State::kClosing) {
        in_.consume(in_.size());  // nobody will read it
    }
    in_.settle();
}

void HttpConn::on_input_end() {
    input_ended_ = true;
    if (state_ == State::kAnswering && waiter_ != nullptr) {
        waiter_->on_peer_end();
    } else if (state_ == State::kBody) {
        enter(State::kClosing);
        channel_.finish("closed inside a request");
    } else if (state_ == State::kHead) {
        process();  // requests that came before the end are answered
    }
}

/// Works through what has arrived, until more is needed or an answer is due.
void HttpConn::process() {
    while (!channel_.closed() && !channel_.congested()) {
        const bool progress = (state_ == State::kHead && take_head()) ||
                              (state_ == State::kBody && take_body());
        if (!progress) {
            break;
        }
    }
    if (ends_here()) {
        enter(State::kClosing);
        channel_.finish("closed by the client");
    }
}

/// The client sends no more, and everything it sent has been dealt with.
bool HttpConn::ends_here() const noexcept {
    return input_ended_ && channel_.open() && !channel_.congested() &&
           (state_ == State::kHead || state_ == State::kBody);
}

/// A client that reads what it was sent may ask for more.
void HttpConn::on_output_room() {
    process_task_.schedule();
    channel_.resume_input();
    if (waiter_ != nullptr) {
        waiter_->on_output_room();
    }
}

void HttpConn::flush() {
    channel_.flush();
    if (!stall_.armed()) {
        written_before_ = channel_.written();
        stall_.arm(owner_.http_limits().body_timeout);
    }
}

/// A client may be slow, but not stop reading; and while buffers are scarce it may not be
/// slower than a sender of bodies.
/// Empty when what is not read answers something else than a request, or one before.
std::string HttpConn::shown_operation() const {
    return head_.method.empty() ? std::string()
                                : escape(head_.method, kMaxMethodBytes) + " " +
                                      escape(head_.path, kShownPathBytes);
}

void HttpConn::on_stall() {
    if (channel_.out().empty()) {
        return;
    }
    const uint64_t taken = channel_.written() - written_before_;
    if (taken == 0 || (taken < kReadBudgetBytes && Block::scarce())) {
        log_about_request(LogLevel::kWarn, "http",
                          peer_.caller.identity.peer + ": dropped",
                          {request_id_,
                           {},
                           shown_operation(),
                           "the client does not read (" +
                               std::to_string(channel_.out().bytes()) +
                               " bytes wait for it)"});
        channel_.close("the client does not read");
        return;
    }
    written_before_ = channel_.written();
    stall_.arm(owner_.http_limits().body_timeout);
}

bool HttpConn::take_head() {
    if (in_.empty()) {
        return false;
    }
    const HeadParse parsed = parser_.parse(in_.readable(), head_);
    if (parsed.state != Scan::kDone) {
        head_ = {};  // it points into input that moves
    }
    if (parsed.state == Scan::kMore) {
        return large_head_waits();
    }
    if (parsed.state == Scan::kBad) {
        fail(parsed.status, parsed.why);
        return false;
    }
    head_text_.assign(in_.readable().substr(0, parsed.used));
    in_.consume(parsed.used);
    parser_.reset();
    parser_.parse(head_text_, head_);  // the same again, on bytes that stay
    parser_.reset();
    return begin_request();
}

/// Many who send large heads slowly get no more than those who send bodies so.
bool HttpConn::large_head_waits() {
    const bool large = in_.size() > kSmallBytes;
    arriving_.hold(large ? in_.size() : 0);
    if (large && (arriving_.crowded() || Block::exhausted())) {
        request_id_ = owner_.new_request_id();
        common_.clear();
        fail_busy();
    }
    return false;
}

bool HttpConn::begin_request() {
    const std::string_view given = head_.fields.field("X-Request-Id").value_or("");
    request_id_ =
        is_usable_request_id(given) ? std::string(given) : owner_.new_request_id();
    keep_alive_ =
        keeps_alive(head_.minor_version, head_.fields) && !owner_.draining(*this);
    framing_ = request_framing(head_);
    if (framing_.kind == BodyFraming::Kind::kBad) {
        fail(framing_.status, framing_.why);
        return false;
    }
    decoder_ = BodyDecoder(framing_);
    skip_body_ = false;
    common_ = owner_.answer_fields(head_);
    HttpReply otherwise;
    caller_ = owner_.identify(*this, head_);
    handler_ = owner_.route(*this, request(), otherwise);
    if (handler_ == nullptr) {
        refuse_unread(std::move(otherwise));
        return true;
    }
    if (std::optional<HttpReply> refusal = handler_->on_head(request()); refusal) {
        refuse_unread(std::move(*refusal));
        return true;
    }
    if (framing_.kind == BodyFraming::Kind::kLength &&
        framing_.length > owner_.http_limits().message_max) {
        fail(413, "the body is larger than limits.message_max");
        return false;
    }
    begin_body();
    return true;
}

/// Answers before the body has come; then the body has to be got past, unless the client
/// waits for a word before it sends it: it might send it or not, so the connection ends.
void HttpConn::refuse_unread(HttpReply reply) {
    const bool unread = !decoder_.done();
    const bool expecting = head_.fields.field("Expect").has_value();
    const bool large = framing_.kind == BodyFraming::Kind::kLength &&
                       framing_.length > kReadBudgetBytes;
    if (unread && (expecting || large)) {
        reply.close = true;
    }
    if (!unread || reply.close) {
        enter(State::kAnswering);
        this->reply(std::move(reply));
        return;
    }
    skip_body_ = true;
    enter(State::kBody);
    HttpReply held = std::move(reply);
    write_head(held.status, held.content_type, held.fields, held.body.bytes());
    if (head_.method != "HEAD") {
        channel_.out().append(std::move(held.body));
    }
    flush();
}

void HttpConn::begin_body() {
    const std::optional<std::string_view> expect = head_.fields.field("Expect");
    const bool several = head_.fields.count("Expect") > 1;
    if (expect && (several || !equals_ignoring_case(*expect, "100-continue"))) {
        fail(417, "unknown expectation");
        return;
    }
    scan_.reset();
    body_ = {};
    enter(State::kBody);
    if (decoder_.done()) {
        return;
    }
    if (framing_.kind == BodyFraming::Kind::kLength && framing_.length > kSmallBytes &&
        (arriving_.crowded() || Block::scarce(framing_.length))) {
        fail_busy();
        return;
    }
    const bool counted = framing_.kind == BodyFraming::Kind::kLength;
    body_ = Block::make(counted ? std::min<size_t>(framing_.length, kFirstBodyBytes)
                                : kFirstBodyBytes);
    if (expect && head_.minor_version > 0 && in_.empty()) {
        channel_.out().write("HTTP/1.1 100 Continue\r\n\r\n");
        flush();
    }
}

bool HttpConn::take_body() {
    while (!decoder_.done()) {
        if (in_.empty()) {
            return false;
        }
        const BodyStep step = decoder_.decode(in_.readable());
        const bool kept = keep_body(step.body);
        in_.consume(step.used);
        if (!kept) {
            return false;
        }
        if (step.state == Scan::kBad) {
            fail(400, decoder_.why());
            return false;
        }
    }
    dispatch();
    return true;
}

/// Appends to the body and scans what is new of it. False when the request was refused.
bool HttpConn::keep_body(std::string_view bytes) {
    if (decoder_.body_bytes() > owner_.http_limits().message_max) {
        fail(413, "the body is larger than limits.message_max");
        return false;
    }
    if (decoder_.body_bytes() - body_at_deadline_ >= kReadBudgetBytes) {
        body_at_deadline_ = static_cast<size_t>(decoder_.body_bytes());
        deadline_.arm(owner_.http_limits().body_timeout);
    }
    if (skip_body_ || !body_) {
        return true;
    }
    const bool large = body_->size() + bytes.size() > kSmallBytes;
    const size_t more = bytes.empty() ? 0 : body_.growth(bytes.size());
    if (full(body_->size(), more) || (large && arriving_.crowded())) {
        fail_busy();
        return false;
    }
    if (!bytes.empty()) {
        body_.reserve(bytes.size());
        bytes.copy(body_->data() + body_->size(), bytes.size());
        body_->commit(bytes.size());
    }
    if (handler_->wants_json() && scan_.feed(body_->view()) == Scan::kBad) {
        body_ = {};  // no need to keep what cannot be used
    }
    arriving_.hold(body_ ? body_->capacity() : 0);
    return true;
}

void HttpConn::dispatch() {
    if (skip_body_) {
        enter(State::kAnswering);
        answer_done();
        return;
    }
    HttpRequest whole = request();
    if (handler_->wants_json()) {
        if (body_) {
            scan_.finish(body_->view());
            if (scan_.has_line_breaks()) {
                blank_line_breaks(body_->data(), body_->size());
            }
        } else if (scan_.error() == JsonError::kNone) {
            scan_.finish({});
        }
        whole.scan = &scan_;
    }
    whole.body = std::move(body_);
    body_ = {};
    enter(State::kAnswering);
    handler_->on_request(*this, whole);
}

// --- the end -------------------------------------------------------------------------

void HttpConn::on_timeout() {
    if (state_ == State::kHead && !channel_.out().empty()) {
        enter(State::kHead);  // the answer before is still being read
    } else if (state_ == State::kHead && in_.empty()) {
        channel_.close("idle timeout");
    } else {
        fail(408, state_ == State::kHead ? "the head did not arrive in time"
                                         : "the body did not arrive in time");
    }
}

void HttpConn::drain() {
    keep_alive_ = false;
    if (idle()) {
        channel_.finish("draining");
        enter(State::kClosing);
    }
}

void HttpConn::part() {
    keep_alive_ = false;
    if (state_ == State::kAnswering && waiter_ != nullptr) {
        waiter_->on_caller_gone();
    }
    drain();
}

void HttpConn::judge_again(Caller caller, bool welcome) {
    peer_.caller = std::move(caller);
    peer_.welcome = welcome;
    HttpReply otherwise;
    const std::optional<Caller> before = caller_;
    if (state_ == State::kBody && !skip_body_) {
        caller_ = owner_.identify(*this, head_);
        if (owner_.route(*this, request(), otherwise) != handler_) {
            otherwise.close = true;
            body_ = {};
            enter(State::kAnswering);
            reply(std::move(otherwise));
        }
    } else if (state_ == State::kAnswering && waiter_ != nullptr) {
        caller_ = owner_.identify(*this, head_);
        const bool same = caller_ && before && caller_->identity == before->identity &&
                          owner_.route(*this, request(), otherwise) == handler_;
        caller_ = before;
        if (!same) {
            waiter_->on_caller_gone();
        }
    }
    if (!welcome) {
        drain();
    }
}

void HttpConn::on_closed(const std::string& reason) {
    enter(State::kClosing);
    if (waiter_ != nullptr) {
        HttpWaiter* waiter = std::exchange(waiter_, nullptr);
        waiter->on_conn_gone();
    }
    owner_.on_conn_closed(*this, reason);
}

}  // namespace neuron
