#ifndef NEUROND_NET_WS_LINK_H
#define NEUROND_NET_WS_LINK_H

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/buffer.h"
#include "neurond/net/channel.h"
#include "neurond/net/link.h"
#include "neurond/net/link_message.h"
#include "neurond/wire/ws_frame.h"

namespace neuron {

struct WsSettings {
    LinkLimits limits;  ///< line_timeout: of a message, or a frame, that has begun
    WsRole role = WsRole::kServer;
    Millis ping_interval{25000};  ///< of a peer that says nothing
    Millis dead_after{75000};     ///< when it does not even answer a ping
};

/// JSON-RPC over a WebSocket whose handshake is done, at either end of it: one message a
/// text frame, or several fragments (RFC 6455).
///
///     open ──peer's close, its error, finish()──> our close frame ──> the channel's end
///
/// A message over the limit ends the link, so on_oversized() is never called. So does a
/// connection that ends without a close frame.
class WsLink final : public Link, private ChannelOwner {
  public:
    /// `unsent` goes out first (the answer to the handshake); `early` came behind the
    /// handshake.
    WsLink(EventLoop& loop, std::unique_ptr<Stream> stream, const WsSettings& settings,
           OutQueue&& unsent, std::string_view early, LinkOwner& owner);

    void send(OutQueue&& message) override;
    bool congested() const noexcept override { return channel_.congested(); }
    /// The same as finish(): nothing half-open is left.
    void end_output() override { finish("ended"); }
    void close(std::string reason) override { channel_.close(std::move(reason)); }
    void finish(std::string reason) override;
    void pause_input() override;
    void resume_input() override;
    uint64_t written() const noexcept override { return channel_.written(); }

  private:
    WriteSpan input_space() override;
    void on_input_pause() override { in_.settle(); }
    void on_input(size_t n) override;
    void on_input_end() override;
    void on_output_room() override;
    void on_closed(const std::string& reason) override;

    void read_frames();
    void take_frames(char* bytes, size_t size, size_t& used);
    bool take(const WsStep& step);
    void keep(std::string_view bytes);
    void end_message();
    void write_frame(WsOpcode opcode, OutQueue&& payload);
    void end(WsClose code, std::string_view told, std::string reason);
    void lose(WsClose code, std::string_view told, std::string reason);
    void watch_progress();
    void on_slow();
    void on_tick();
    bool reads() const noexcept {
        return !ending_ && !paused_ && !channel_.congested() && !channel_.closed();
    }

    EventLoop& loop_;
    WsSettings settings_;
    LinkOwner& owner_;
    Buffer in_;
    WriteSpan direct_;  ///< where a payload is being received straight into text_
    BlockRef text_;     ///< of the message being read
    bool paused_ = false;
    bool ending_ = false;  ///< our close frame is among the output, or sent
    size_t received_ = 0;   ///< since slow_ was armed
    uint64_t written_before_ = 0;  ///< at the last tick
    TimePoint heard_;
    WsReader reader_;
    LinkMessage message_;
    Task resume_task_;
    Timer slow_;
    Timer tick_;
    Channel channel_;
};

}  // namespace neuron

#endif
