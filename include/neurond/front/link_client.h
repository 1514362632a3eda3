#ifndef NEUROND_FRONT_LINK_CLIENT_H
#define NEUROND_FRONT_LINK_CLIENT_H

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/front/credentials.h"
#include "neurond/front/link_calls.h"
#include "neurond/front/link_subscriptions.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/router.h"
#include "neurond/net/link.h"

namespace neuron {

class LinkClient;

/// Opens the link of a client that is about to be.
using LinkMaker = std::function<std::unique_ptr<Link>(LinkOwner& owner)>;

/// What a client needs of its door.
class LinkClientOwner {
  public:
    /// For the log.
    virtual const char* door_name() const noexcept = 0;
    /// How long a client may read nothing of what waits for it.
    virtual Millis stall_timeout() const noexcept = 0;
    virtual std::string new_request_id() = 0;
    /// The last callback; the client may be retired from here.
    virtual void on_link_client_closed(LinkClient& client,
                                       const std::string& reason) = 0;

  protected:
    ~LinkClientOwner() = default;
};

/// MCP with one client over a link, whatever carries that: lines, WebSocket, or the
/// streams of 2024-11-05 (mcp-protocol 2.6, 3). The era is chosen for each message; what
/// `initialize` negotiated belongs to the link.
///
/// A client that sends no more still gets its answers. One that has gone altogether takes
/// its calls back. One that does not read is not read from either.
///
/// The first message may be a notification of our own that chooses the view (DESIGN 1.5):
///
///     {"jsonrpc":"2.0","method":"notifications/neurond/view",
///      "params":{"names":"strict","namespace":"linux"}}
///
/// What is wrong with it is the answer to every request.
class LinkClient final : private LinkOwner,
                         private LinkVoice,
                         private LinkCallsOwner {
  public:
    LinkClient(EventLoop& loop, const LinkMaker& make_link, Credentials shown,
               View view, Router& router, Subscriptions& subscriptions,
               LinkClientOwner& owner);
    ~LinkClient();

    const Identity& identity() const noexcept { return peer_.identity; }
    /// By what it was let in.
    const Credentials& shown() const noexcept { return shown_; }
    /// Of the handshake; nothing before it, and of a client that is modern only.
    std::optional<Revision> revision() const noexcept { return peer_.revision; }

    /// Takes no more requests, and closes once those in hand have been answered.
    void drain();

  private:
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
    void on_shed(std::string_view id_raw) override;
    void on_output_room() override;
    void on_output_broken() override;
    bool on_input_end() override;
    void on_link_closed(const std::string& reason) override;

    void say(OutQueue&& message) override;
    bool congested() const override { return link_->congested(); }
    void on_call_over() override;
    void on_list_shown(ItemKind kind) override {
        subscriptions_.legacy()->has_seen(kind);
    }

    void take_message(const JsonScanner& scan, const Slice& text);
    void take_batch(const Slice& text);
    void take_request(const Incoming& in);
    void take_notification(const Incoming& in);
    void take_reply(std::string_view id_raw, const InputReply& reply);
    void take_view(const Incoming& in);
    void initialize(const Incoming& in);
    void serve(const Incoming& in, const Door& door, DoorRequest asked);
    void listen(const Incoming& in, const DoorRequest& asked);
    void subscribe(const Incoming& in, const DoorRequest& asked);
    void refuse(std::string_view id_raw, JsonRpcError code, std::string_view message,
                std::string_view data = {}, std::string_view request_id = {});
    void refuse_busy(std::string_view id_raw, const char* message, Millis wait);
    void on_stall();

    Router& router_;
    LinkClientOwner& owner_;
    Credentials shown_;
    LinkPeer peer_;
    std::string view_error_;  ///< not empty: why there is no such view
    bool first_message_ = true;
    bool draining_ = false;
    uint64_t written_before_ = 0;  ///< when stall_ was armed
    Timer stall_;                  ///< runs while output waits for the client
    LinkCalls calls_;
    LinkSubscriptions subscriptions_;
    std::unique_ptr<Link> link_;
};

}  // namespace neuron

#endif
