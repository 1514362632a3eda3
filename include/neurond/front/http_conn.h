#ifndef NEUROND_FRONT_HTTP_CONN_H
#define NEUROND_FRONT_HTTP_CONN_H

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/buffer.h"
#include "neurond/base/handle.h"
#include "neurond/base/out_queue.h"
#include "neurond/front/caller.h"
#include "neurond/front/http_reply.h"
#include "neurond/net/channel.h"
#include "neurond/wire/http_body.h"
#include "neurond/wire/http_head.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

class HttpConn;

/// A request whose body has arrived (or, for on_head(), is still to come). Views; valid
/// until the handler returns.
struct HttpRequest {
    const RequestHead& head;
    const Identity& identity;
    const std::string& request_id;  ///< X-Request-Id, taken over or made
    bool local = false;             ///< from this machine: loopback or Unix socket
    bool known = false;             ///< the caller has proved who it is
    bool strict_names = false;      ///< unless the URL says otherwise
    BlockRef body;                  ///< empty without a body, or when `scan` is bad
    /// Done or bad, for a handler that wants_json().
    const JsonScanner* scan = nullptr;
};

/// Serves a path.
class HttpHandler {
  public:
    /// The head has arrived: an answer here refuses the request, and its body is skipped.
    virtual std::optional<HttpReply> on_head(const HttpRequest& request) = 0;
    /// Whether bodies are to be checked as JSON while they arrive.
    virtual bool wants_json() const noexcept = 0;
    /// Answers by conn.reply() or conn.start_stream(), now or later; then by handle.
    virtual void on_request(HttpConn& conn, const HttpRequest& request) = 0;

  protected:
    ~HttpHandler() = default;
};

/// A connection that speaks another protocol from here on.
struct HttpUpgrade {
    std::unique_ptr<Stream> stream;
    OutQueue unsent;    ///< goes out first
    std::string early;  ///< came behind the request
};

/// Whoever has an answer open on a connection.
class HttpWaiter {
  public:
    /// There is room for more output, after congested().
    virtual void on_output_room() {}
    /// The connection is gone, and with it the answer.
    virtual void on_conn_gone() = 0;
    /// The client sends no more; it may still read.
    virtual void on_peer_end() {}
    /// A reload has made somebody else of the client, or nobody, or closed the door it came
    /// through. An answer that is due is still given; one that goes on for ever has to end.
    virtual void on_caller_gone() {}

  protected:
    ~HttpWaiter() = default;
};

struct HttpLimits {
    size_t message_max;
    size_t header_max;
    unsigned json_depth;
    Millis header_timeout;
    Millis body_timeout;
    Millis idle_timeout;
};

/// What a connection needs of its server.
class HttpConnOwner {
  public:
    virtual const HttpLimits& http_limits() const noexcept = 0;
    /// Who makes this request; nothing when it claims to be somebody it is not.
    virtual std::optional<Caller> identify(const HttpConn& conn,
                                           const RequestHead& head) const = 0;
    /// The handler of a path, or the answer when there is none or it may not be used
    /// (404, 401, 403 for a foreign Origin or Host).
    virtual HttpHandler* route(const HttpConn& conn, const HttpRequest& request,
                               HttpReply& otherwise) = 0;
    /// Fields that go into every answer to this request (CORS).
    virtual std::vector<std::pair<std::string, std::string>> answer_fields(
        const RequestHead&) const {
        return {};
    }
    /// The connection is to end after the answer in hand.
    virtual bool draining(const HttpConn& conn) const noexcept = 0;
    virtual std::string new_request_id() = 0;
    /// Everything has been said; only the client's end is waited for.
    virtual void on_conn_lingering() = 0;
    virtual void on_conn_closed(HttpConn& conn, const std::string& reason) = 0;

  protected:
    ~HttpConnOwner() = default;
};

/// The server side of one HTTP/1.1 connection: one request at a time, pipelined ones in
/// order (RFC 9112).
///
///     kHead ──head──> kBody ──body──> kAnswering ──answer written──> kHead …
///       └── malformed, too large, timed out: answer with Connection: close ──> kClosing
///
/// The head deadline runs from a request's first byte, the body deadline from each
/// 64 KiB; both are absolute against slow senders. Between requests idle_timeout runs.
class HttpConn final : private ChannelOwner {
  public:
    /// What the connection itself tells of its peer.
    struct Peer {
        Caller caller;  ///< unless a request says otherwise
        bool local = false;
        unsigned listener = 0;  ///< index the server gave the listener
        bool strict_names = false;
        int socket = -1;  ///< the connection's own
        TlsPeer tls{};
        bool welcome = true;  ///< false: what let it in counts no more
    };

    HttpConn(EventLoop& loop, std::unique_ptr<Stream> stream, Peer peer,
             HandleTable<HttpConn>& table, HttpConnOwner& owner);
    ~HttpConn();

    Handle<HttpConn> handle() const noexcept { return registration_.handle(); }
    const Peer& peer() const noexcept { return peer_; }
    /// Who is taken to make requests from the next one on; `welcome`: or that there are to
    /// be none. The request in hand is judged again.
    void judge_again(Caller caller, bool welcome);
    /// Who makes the request in hand; nothing when its token is wrong.
    const std::optional<Caller>& caller() const noexcept { return caller_; }
    const std::string& request_id() const noexcept { return request_id_; }
    /// No request in hand.
    bool idle() const noexcept { return state_ == State::kHead && in_.empty(); }
    /// Everything has been said.
    bool finished() const noexcept { return channel_.lingering() || channel_.closed(); }
    /// More output is queued than should be; what can be dropped should be.
    bool congested() const noexcept { return channel_.congested(); }
    /// Bytes taken by the kernel so far.
    uint64_t written() const noexcept { return channel_.written(); }

    /// Who is told when the connection goes before its answer is complete.
    void set_waiter(HttpWaiter* waiter) noexcept { waiter_ = waiter; }
    /// The whole answer to the request in hand.
    void reply(HttpReply reply);
    /// Begins an answer that comes in pieces (server-sent events).
    void start_stream(int status, std::string_view content_type,
                      const std::vector<std::pair<std::string, std::string>>& fields);
    void stream(OutQueue&& bytes);
    void end_stream();

    /// Answers with 101 and `fields`, and gives the connection up to another protocol.
    HttpUpgrade upgrade(
        const std::vector<std::pair<std::string, std::string>>& fields);

    void close(const std::string& reason) { channel_.close(reason); }
    /// Ends after the answer in hand; at once when there is none.
    void drain();
    /// The same, and an answer that goes on for ever is ended.
    void part();

  private:
    enum class State { kHead, kBody, kAnswering, kClosing };

    WriteSpan input_space() override;
    void on_input_pause() override;
    void on_input(size_t n) override;
    void on_input_end() override;
    void on_output_room() override;
    void on_lingering() override { owner_.on_conn_lingering(); }
    void on_closed(const std::string& reason) override;

    void enter(State next);
    void process();
    bool take_head();
    bool large_head_waits();
    std::string shown_operation() const;
    bool begin_request();
    void refuse_unread(HttpReply reply);
    void begin_body();
    bool take_body();
    bool keep_body(std::string_view bytes);
    bool body_direct() const noexcept;
    void dispatch();
    void fail(int status, std::string_view why);
    void fail_busy();
    void on_timeout();
    void on_stall();
    void flush();
    bool ends_here() const noexcept;
    void write_head(int status, std::string_view content_type,
                    const std::vector<std::pair<std::string, std::string>>& fields,
                    std::optional<size_t> length);
    void answer_done();
    HttpRequest request() const;

    Peer peer_;
    HttpConnOwner& owner_;
    Registration<HttpConn> registration_;
    State state_ = State::kHead;
    Buffer in_;
    RequestHeadParser parser_;
    std::string head_text_;  ///< what head_ points into
    RequestHead head_;
    std::optional<Caller> caller_;
    std::string request_id_;
    std::vector<std::pair<std::string, std::string>> common_;  ///< of all its answers
    BodyDecoder decoder_;
    BodyFraming framing_;
    BlockRef body_;
    Arriving arriving_;  ///< of body_, while it comes
    WriteSpan direct_;  ///< where body bytes are being read straight into body_
    JsonScanner scan_;
    HttpHandler* handler_ = nullptr;
    HttpWaiter* waiter_ = nullptr;
    bool skip_body_ = false;  ///< refused already; the body is read only to get past it
    bool keep_alive_ = true;
    bool chunked_ = false;
    bool streaming_ = false;
    bool input_ended_ = false;
    size_t body_at_deadline_ = 0;
    uint64_t written_before_ = 0;  ///< when stall_ was armed
    Timer deadline_;
    Timer stall_;  ///< runs while output waits for the client
    Task process_task_;
    Channel channel_;
};

}  // namespace neuron

#endif
