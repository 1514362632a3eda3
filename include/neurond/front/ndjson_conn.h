#ifndef NEUROND_FRONT_NDJSON_CONN_H
#define NEUROND_FRONT_NDJSON_CONN_H

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/front/line_subscriptions.h"
#include "neurond/front/request_ids.h"
#include "neurond/mcp/client_questions.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/router.h"
#include "neurond/net/link.h"

namespace neuron {

class NdjsonConn;

struct NdjsonSettings {
    LinkLimits link;
    Millis stall_timeout{30000};  ///< for a client that does not read
    bool strict_names = false;  ///< `names = strict`, unless the client says otherwise
};

/// What a connection needs of its door.
class NdjsonConnOwner {
  public:
    virtual const NdjsonSettings& ndjson_settings() const noexcept = 0;
    virtual std::string new_request_id() = 0;
    /// The last callback; the connection may be retired from here.
    virtual void on_ndjson_closed(NdjsonConn& conn, const std::string& reason) = 0;

  protected:
    ~NdjsonConnOwner() = default;
};

/// MCP as newline-delimited JSON-RPC for one client (mcp-protocol 3). The era is chosen
/// for each message; what `initialize` negotiated belongs to the connection.
///
/// A client that sends no more still gets its answers. One that has gone altogether takes
/// its calls back. One that does not read is not read from either.
///
/// The first line may be a notification of our own that chooses the view (DESIGN 1.5):
///
///     {"jsonrpc":"2.0","method":"notifications/neurond/view",
///      "params":{"names":"strict","namespace":"linux"}}
///
/// What is wrong with it is the answer to every request.
class NdjsonConn final : public Asker,
                         private LinkOwner,
                         private LineSubscriptionsOwner {
  public:
    NdjsonConn(EventLoop& loop, std::unique_ptr<Stream> stream, Identity identity,
               Router& router, Subscriptions& subscriptions, NdjsonConnOwner& owner);
    ~NdjsonConn();

    const Identity& identity() const noexcept { return identity_; }

    /// Takes no more requests, and closes once those in hand have been answered.
    void drain();

    void on_notice(uint64_t tag, const Notice& notice) override;
    InputOutcome on_input(uint64_t tag, const InputRound& round) override;
    void on_input_withdrawn(uint64_t tag, const std::string& key) override;
    void on_answer(uint64_t tag, const Answer& answer) override;

  private:
    /// A request whose answer takes time.
    struct Item {
        std::string id_raw;
        std::string token_raw;  ///< the client's progress token; empty = none wanted
        std::string request_id;
        const Door* door;
        uint64_t batch;  ///< 0 = none
        CallHandle call;
    };
    /// The answers to a batch, which go out together.
    struct Batch {
        OutQueue answers;
        size_t open =
            0;  ///< requests not yet answered; one more while it is being read
    };
    /// One message while it is dealt with.
    struct Incoming {
        const JsonRpcMessage& message;
        const JsonScanner& scan;
        const Slice& text;
        std::string_view id_raw;
    };

    void on_message(const JsonScanner& scan, const Slice& text) override;
    void on_garbage(const JsonScanner& scan, std::string_view head,
                    std::string_view id_raw) override;
    void on_oversized(std::string_view id_raw) override;
    void on_output_room() override;
    bool on_input_end() override;
    void on_link_closed(const std::string& reason) override;

    void say_news(OutQueue&& message) override { send(std::move(message)); }
    bool news_congested() const override { return link_.congested(); }
    bool may_tell_legacy() const override { return initialized_ && !ending_; }

    void take_message(const JsonScanner& scan, const Slice& text);
    void take_batch(const Slice& text);
    void take_request(const Incoming& in);
    void take_notification(const Incoming& in);
    void take_view(const Incoming& in);
    void initialize(const Incoming& in);
    void serve(const Incoming& in, const Door& door, DoorRequest asked);
    void subscribe(const Incoming& in, const DoorRequest& asked);
    void call(const Incoming& in, const Door& door, CallRequest request);
    void cancel(std::string_view id_raw);
    void take_reply(const Incoming& in);
    void withdraw_questions();
    void answer_item(uint64_t tag, const Answer& answer);
    InputOutcome pass_on(uint64_t tag, const InputRound& round);
    void send_question_cancelled(const std::string& id_raw);
    void refuse(std::string_view id_raw, JsonRpcError code, std::string_view message,
                std::string_view data = {});

    void say(OutQueue&& message, uint64_t batch);
    void send(OutQueue&& message);
    void answered(uint64_t batch);
    void end_if_done();
    void on_stall();

    Identity identity_;
    Router& router_;
    NdjsonConnOwner& owner_;
    Registration<Asker> registration_;
    View view_;
    std::string view_error_;  ///< not empty: why there is no such view
    bool first_line_ = true;
    std::string party_;  ///< of legacy requests on this connection
    std::optional<Revision> revision_;  ///< of the handshake, once there was one
    ClientCaps caps_;    ///< declared in that handshake
    std::optional<MessageLevel> log_level_;  ///< of servers' messages it wants
    ClientQuestions questions_;
    uint64_t asked_ = 0;  ///< questions put to it so far
    bool initialized_ = false;          ///< and the client has said that it is over
    bool ending_ = false;               ///< no more requests come, or are taken
    bool draining_ = false;             ///< none are taken
    uint64_t batch_now_ = 0;            ///< whose messages are being read; 0 = none
    uint64_t last_tag_ = 0;
    uint64_t last_batch_ = 0;
    std::map<uint64_t, Item> items_;  ///< by tag
    std::map<uint64_t, Batch> batches_;
    uint64_t written_before_ = 0;  ///< when stall_ was armed
    Timer stall_;                  ///< runs while output waits for the client
    LineLink link_;
    LineSubscriptions subscriptions_;
};

}  // namespace neuron

#endif
