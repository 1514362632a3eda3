// HTTP/1.1 towards servers. What a response means is the exchange's business; this file
// sees to it that it is well-formed and belongs to its request.

#include "neurond/net/http_client_conn.h"

#include <algorithm>
#include <chrono>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr Millis kConnectTimeout{5000};
constexpr Millis kTlsTimeout{5000};
constexpr Millis kIdleMargin{1000};
constexpr Millis kMaxIdleTime{60 * 1000};

/// How long the server says it keeps the connection (`Keep-Alive: timeout=5`), less what
/// the way may take.
Millis idle_time(const HttpFields& fields, Millis otherwise) {
    constexpr std::string_view kTimeout = "timeout=";
    for (const std::string_view part :
         split(fields.field("Keep-Alive").value_or(""), ',')) {
        const std::string_view word = trim(part);
        const auto seconds = starts_with(word, kTimeout)
                                 ? parse_u64(word.substr(kTimeout.size()))
                                 : std::nullopt;
        if (seconds) {
            const auto bounded = std::min<uint64_t>(*seconds, 3600);
            return std::min(Millis{static_cast<int64_t>(bounded) * 1000} - kIdleMargin,
                            std::max(kMaxIdleTime, otherwise));
        }
    }
    return otherwise;
}

HeadLimits head_limits(const HttpTarget& target) {
    HeadLimits out;
    out.head_bytes = target.header_max;
    return out;
}

}  // namespace

HttpClientConn::HttpClientConn(EventLoop& loop, ResolverCache& names,
                               const HttpTarget& target, HttpJob job,
                               HttpClientConnOwner& owner)
    : loop_(loop),
      target_(target),
      owner_(owner),
      job_(std::move(job)),
      parser_(head_limits(target)),
      idle_timer_(loop,
                  [this] {
                      enter(State::kClosed);
                      owner_.on_conn_end(*this);
                  }),
      connector_(loop, names, {target.url.host, target.url.port, target.loopback_only},
                 kConnectTimeout, *this) {
    connector_.start();
}

HttpClientConn::~HttpClientConn() = default;

/// The one writer of state_.
void HttpClientConn::enter(State next) {
    state_ = next;
    idle_timer_.cancel();
    switch (next) {
        case State::kIdle:
            idle_timer_.arm(idle_time_);
            break;
        case State::kClosed:
            job_ = {};
            if (handshake_) {
                loop_.retire(std::move(handshake_));
            }
            if (channel_) {
                channel_->close("done");
            }
            break;
        case State::kConnecting:
        case State::kHead:
        case State::kBody:
            break;
    }
}

void HttpClientConn::on_connected(Fd socket) {
    if (state_ != State::kConnecting) {
        return;
    }
    if (target_.tls == nullptr) {
        connected(make_socket_stream(std::move(socket)));
        return;
    }
    tls_ = target_.tls;
    handshake_ = std::make_unique<TlsHandshake>(loop_, std::move(socket), tls_,
                                                kTlsTimeout, target_.url.host,
                                                static_cast<TlsHandshakeOwner&>(*this));
}

void HttpClientConn::on_tls_ready(TlsHandshake&, std::unique_ptr<Stream> stream,
                                  TlsPeer) {
    loop_.retire(std::move(handshake_));
    connected(std::move(stream));
}

void HttpClientConn::on_tls_failed(TlsHandshake&, const std::string& why) {
    loop_.retire(std::move(handshake_));
    fail(HttpFailure::Kind::kUnreachable,
         "connect " + authority_of(target_.url) + ": " + why);
}

void HttpClientConn::connected(std::unique_ptr<Stream> stream) {
    channel_ = std::make_unique<Channel>(loop_, std::move(stream),
                                         static_cast<ChannelOwner&>(*this));
    send();
}

void HttpClientConn::on_connect_failed(const std::string& why) {
    if (state_ == State::kConnecting) {
        fail(HttpFailure::Kind::kUnreachable, why);
    }
}

void HttpClientConn::begin(HttpJob job) {
    job_ = std::move(job);
    send();
}

/// A connection that was kept may turn out to be dead: the request is kept until then.
void HttpClientConn::send() {
    answered_ = false;
    written_before_ = channel_->written();
    parser_.reset();
    enter(State::kHead);
    channel_->out().append(++exchanges_ > 1 ? job_.bytes.share()
                                            : std::move(job_.bytes));
    channel_->flush();
}

bool HttpClientConn::usable() const {
    const bool same = tls_ == nullptr ? target_.tls == nullptr
                                      : target_.tls != nullptr &&
                                            tls_->trust() == target_.tls->trust();
    return same && state_ == State::kIdle && !channel_->closed() &&
           channel_->peer_is_silent();
}

void HttpClientConn::abort() {
    enter(State::kClosed);
}

// --- input ---------------------------------------------------------------------------

WriteSpan HttpClientConn::input_space() {
    return in_.space(kReadBudgetBytes);
}

void HttpClientConn::on_input(size_t n) {
    in_.commit(n);
    answered_ = true;
    process();
}

void HttpClientConn::process() {
    while ((state_ == State::kHead && take_head()) ||
           (state_ == State::kBody && take_body())) {
    }
    if (state_ == State::kIdle && !in_.empty()) {
        enter(State::kClosed);  // it speaks without being asked
        owner_.on_conn_end(*this);
    }
}

bool HttpClientConn::take_head() {
    if (in_.empty()) {
        return false;
    }
    const HeadParse parsed = parser_.parse(in_.readable(), head_);
    if (parsed.state == Scan::kMore) {
        return false;
    }
    if (parsed.state == Scan::kBad) {
        fail(HttpFailure::Kind::kProtocol,
             std::string("read the response: ") + parsed.why);
        return false;
    }
    if (head_.status < 200 && head_.status != 101) {
        in_.consume(parsed.used);
        parser_.reset();
        return true;
    }
    const BodyFraming framing = response_framing(head_, false);
    if (framing.kind == BodyFraming::Kind::kBad || head_.status == 101) {
        fail(HttpFailure::Kind::kProtocol,
             std::string("read the response: ") +
                 (head_.status == 101 ? "it switches protocols" : framing.why));
        return false;
    }
    decoder_ = BodyDecoder(framing);
    keep_alive_ = keeps_alive(head_.minor_version, head_.fields) &&
                  framing.kind != BodyFraming::Kind::kUntilClose;
    idle_time_ = idle_time(head_.fields, target_.idle_time);
    job_.bytes.clear();
    enter(State::kBody);
    job_.exchange->on_response(head_);
    in_.consume(parsed.used);
    parser_.reset();
    return state_ == State::kBody;
}

/// The exchange may be cancelled from inside on_content().
bool HttpClientConn::take_body() {
    if (decoder_.done()) {
        whole();
        return false;
    }
    if (in_.empty()) {
        return false;
    }
    const BodyStep step = decoder_.decode(in_.readable());
    if (!step.body.empty()) {
        job_.exchange->on_content(step.body);
    }
    in_.consume(step.used);
    if (state_ == State::kBody && step.state == Scan::kBad) {
        fail(HttpFailure::Kind::kProtocol,
             std::string("read the response: ") + decoder_.why());
    }
    return state_ == State::kBody;
}

/// A response that is there before the request has gone out ends the connection too.
void HttpClientConn::whole() {
    HttpExchange* exchange = std::exchange(job_.exchange, nullptr);
    const bool keep = keep_alive_ && channel_->out().empty() && in_.empty() &&
                      channel_->open() && idle_time_ > Millis{0};
    enter(keep ? State::kIdle : State::kClosed);
    if (keep) {
        owner_.on_conn_idle(*this);
    } else {
        owner_.on_conn_end(*this);
    }
    exchange->on_complete();  // last: what it sends next may go on this connection
}

void HttpClientConn::on_input_end() {
    if (state_ == State::kBody && decoder_.finish() == Scan::kDone) {
        keep_alive_ = false;
        whole();
    } else if (state_ == State::kBody) {
        fail(HttpFailure::Kind::kLost, "the connection was closed inside the response");
    } else if (state_ == State::kHead) {
        fail(HttpFailure::Kind::kLost, "the connection was closed before a response came");
    } else {
        on_closed("idle");
    }
}

void HttpClientConn::on_closed(const std::string& reason) {
    if (state_ == State::kIdle) {
        enter(State::kClosed);
        owner_.on_conn_end(*this);
    } else if (state_ != State::kClosed) {
        fail(HttpFailure::Kind::kLost, "the connection broke: " + reason);
    }
}

/// RFC 9110 section 9.2.2: a POST that a server may have read is never sent twice by us.
bool HttpClientConn::may_repeat() const noexcept {
    const bool sent = channel_ && channel_->written() > written_before_;
    return exchanges_ > 1 && !answered_ && !job_.repeated && (job_.safe || !sent);
}

void HttpClientConn::fail(HttpFailure::Kind kind, const std::string& why) {
    const bool sent = channel_ && channel_->written() > written_before_;
    const bool repeat = kind == HttpFailure::Kind::kLost && may_repeat();
    HttpJob job = std::move(job_);
    enter(State::kClosed);
    if (repeat) {
        owner_.on_conn_repeat(std::move(job));
    } else {
        job.exchange->on_failed({kind, sent, why});
    }
    owner_.on_conn_end(*this);
}

}  // namespace neuron
