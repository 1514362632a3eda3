#ifndef NEUROND_FRONT_MCP_STREAMS_H
#define NEUROND_FRONT_MCP_STREAMS_H

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/front/event_writer.h"
#include "neurond/front/http_server.h"
#include "neurond/front/mcp_head.h"
#include "neurond/mcp/client_questions.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/session.h"

namespace neuron {

class EventStream;
class PostExchange;

/// Owns the streams of an MCP endpoint.
class StreamOwner {
  public:
    /// Everything has been answered or taken back; retire it.
    virtual void on_exchange_done(PostExchange& exchange) = 0;
    virtual void on_stream_gone(EventStream& stream) = 0;
    /// Nothing was said for a while.
    virtual void on_stream_idle(EventStream& stream) = 0;

  protected:
    ~StreamOwner() = default;
};

/// A request for a list that has to wait, and what its answer needs.
struct LateList {
    ItemKind kind;
    std::optional<std::string> cursor;
    View view;
    Requester who;
};

/// The calls of one POST and the answer to it: one JSON object if the first thing to say
/// is the answer, server-sent events if a notice comes first or the POST is a batch. It
/// asks on behalf of the session and outlives its connection: for a legacy client a
/// lost connection is no cancellation. For a modern one it is: nothing else asks.
class PostExchange final : public Asker, private HttpWaiter {
  public:
    PostExchange(EventLoop& loop, HttpServer& server, SessionStore& sessions,
                 Router& router, StreamOwner& owner, HttpConn& conn, const Door& door,
                 Handle<Session> session, Accepts accepts, Millis keepalive);
    ~PostExchange();

    /// Several answers are due: one event each.
    void expect_batch();

    /// Hands a call to the router. `id_raw` is the client's own id.
    void add_call(CallRequest request, std::string_view id_raw);
    /// Waits for what a list depends on (OwnLists), then answers with it.
    void add_list(LateList list, std::string_view id_raw);
    /// Subscribes; the answer is its server's.
    void add_subscribe(Subscriber& news, const std::string& uri, std::string_view id_raw);
    /// An answer that is there already (part of a batch).
    void add_message(OutQueue&& message);
    /// Everything of the POST has been added.
    void start();
    /// Takes back the call with this id, if it is one of these. Ids compare with type.
    bool cancel(std::string_view id_raw);
    /// The client's reply to a question with this id, if it is one of these.
    void reply(std::string_view id_raw, InputReply reply);
    /// Takes back everything and ends the answer.
    void abandon();

    Handle<Session> session() const noexcept { return events_.session(); }
    /// Its stream in the session's replay buffer; 0 = none.
    ReplayBuffer::StreamId stream() const noexcept { return events_.stream(); }
    /// The client has come back on another connection.
    void resume(HttpConn& conn, uint64_t after);

    void on_notice(uint64_t tag, const Notice& notice) override;
    void on_deferred(uint64_t tag) override;
    InputOutcome on_input(uint64_t tag, const InputRound& round) override;
    void on_input_withdrawn(uint64_t tag, const std::string& key) override;
    void on_answer(uint64_t tag, const Answer& answer) override;
    void on_lists_ready(uint64_t tag) override;

  private:
    struct Item {
        std::string id_raw;
        std::string token_raw;  ///< the client's progress token; empty = none wanted
        CallHandle call;
        std::unique_ptr<LateList> list{};  ///< instead of a call
        bool open = true;
    };

    void on_conn_gone() override;
    void on_peer_end() override;
    void on_keepalive();
    void deliver(OutQueue&& message);
    void send_event(OutQueue&& message);
    InputOutcome pass_on(Item& item, const InputRound& round);
    void send_question_cancelled(const std::string& id_raw);
    bool all_answered() const;
    HttpReply json_reply();
    void end_if_answered();

    SessionStore& sessions_;
    Router& router_;
    StreamOwner& owner_;
    const Door& door_;
    EventWriter events_;
    Accepts accepts_;
    Millis keepalive_;
    std::string request_id_;
    Registration<Asker> registration_;
    bool started_ = false;
    bool ended_ = false;
    std::vector<Item> items_;
    ClientQuestions questions_;
    OutQueue json_;         ///< what goes out as JSON at the end
    bool batch_ = false;    ///< several answers are due
    bool has_json_ = false; ///< json_ holds an answer
    int status_ = 200;      ///< … and the status that goes with it
    Timer keepalive_timer_;
};

/// The stream of a GET: what the server has to say outside any call.
class EventStream final : private HttpWaiter {
  public:
    EventStream(EventLoop& loop, StreamOwner& owner, EventWriter events,
                Millis keepalive);
    /// Begins a new stream.
    void open(HttpConn& conn);
    /// Goes on with one, over another connection.
    void resume(HttpConn& conn, uint64_t after);

    Handle<Session> session() const noexcept { return events_.session(); }
    ReplayBuffer::StreamId stream() const noexcept { return events_.stream(); }
    /// The client does not read as fast as it is told.
    bool congested() const;
    void send(OutQueue&& message);
    /// Ends the answer; on_stream_gone() follows.
    void end();

  private:
    void on_conn_gone() override;
    void on_caller_gone() override { end(); }
    void on_keepalive();

    StreamOwner& owner_;
    EventWriter events_;
    Millis keepalive_;
    Timer keepalive_timer_;
};

}  // namespace neuron

#endif
