#ifndef NEUROND_NET_LINE_LINK_H
#define NEUROND_NET_LINE_LINK_H

#include <memory>
#include <string>
#include <string_view>

#include "neurond/net/channel.h"
#include "neurond/net/link.h"
#include "neurond/net/link_message.h"

namespace neuron {

/// Newline-delimited JSON over a stream: stdio children, the Unix socket.
class LineLink final : public Link, private ChannelOwner {
  public:
    LineLink(EventLoop& loop, std::unique_ptr<Stream> stream, const LinkLimits& limits,
             LinkOwner& owner);

    void send(OutQueue&& message) override;
    bool congested() const noexcept override { return channel_.congested(); }
    void end_output() override { channel_.end_output(); }
    void close(std::string reason) override { channel_.close(std::move(reason)); }
    void finish(std::string reason) override { channel_.finish(std::move(reason)); }
    void pause_input() override;
    void resume_input() override;
    uint64_t written() const noexcept override { return channel_.written(); }

  private:
    WriteSpan input_space() override;
    void on_input(size_t n) override;
    void on_input_end() override;
    void on_output_room() override { owner_.on_output_room(); }
    void on_output_broken() override { owner_.on_output_broken(); }
    /// What a Unix socket or a pipe has taken is not lost with our end of it.
    void on_lingering() override { channel_.close("everything has been said"); }
    void on_closed(const std::string& reason) override {
        owner_.on_link_closed(reason);
    }

    void take_lines();
    void drop_idle_block();
    void line_done(size_t end);
    void line_grows();
    void time_line();
    std::string_view pending() const noexcept;
    size_t next_capacity() const noexcept;

    LinkLimits limits_;
    LinkOwner& owner_;
    BlockRef block_;
    size_t line_begin_ = 0;  ///< in block_
    size_t looked_ = 0;      ///< in block_: no line end before this
    bool paused_ = false;
    LinkMessage message_;
    size_t timed_bytes_ = 0;  ///< since slow_ was armed
    Timer slow_;              ///< runs while a line is incomplete
    Task resume_task_;
    Channel channel_;
};

}  // namespace neuron

#endif
