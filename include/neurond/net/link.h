#ifndef NEUROND_NET_LINK_H
#define NEUROND_NET_LINK_H

#include <memory>
#include <string>
#include <string_view>

#include "neurond/base/block.h"
#include "neurond/base/out_queue.h"
#include "neurond/net/channel.h"
#include "neurond/wire/id_finder.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

/// Uses a link. Callbacks come from the loop.
class LinkOwner {
  public:
    /// One message. `scan` is done with exactly `text`, which has no line breaks. Keep a
    /// copy of a small text rather than the slice: its block may be much larger.
    virtual void on_message(const JsonScanner& scan, const Slice& text) = 0;
    /// What came is not JSON: `scan` says why, `head` is its beginning, `id_raw` the id
    /// of the message it may have been meant as. The link goes on with the next one.
    virtual void on_garbage(const JsonScanner& scan, std::string_view head,
                            std::string_view id_raw) = 0;
    /// A message over the limit was dropped; its raw id, if it could be told.
    virtual void on_oversized(std::string_view id_raw) = 0;
    /// The same, because limits.buffer_total was used up.
    virtual void on_shed(std::string_view id_raw) { on_oversized(id_raw); }
    virtual void on_output_room() = 0;
    /// Nobody reads what is sent any more; messages may still come.
    virtual void on_output_broken() {}
    /// The peer sends no more. True keeps the link open for answers, until finish() or
    /// close(), or until the peer has gone altogether.
    virtual bool on_input_end() { return false; }
    /// The last callback; the link may be retired from here.
    virtual void on_link_closed(const std::string& reason) = 0;

  protected:
    ~LinkOwner() = default;
};

/// A framed JSON-RPC pipe; knows neither eras nor roles.
class Link {
  public:
    virtual ~Link() = default;
    /// Queues one message: JSON on one line. Nothing happens once it is closed.
    virtual void send(OutQueue&& message) = 0;
    /// Enough is queued; wait for on_output_room().
    virtual bool congested() const noexcept = 0;
    /// Ends our side once everything has been written (a child sees end of file).
    virtual void end_output() = 0;
    virtual void close(std::string reason) = 0;
    /// Closes once everything has been written; the peer is told that we go.
    virtual void finish(std::string reason) = 0;
    /// Hands on no message and reads nothing until resume_input().
    virtual void pause_input() = 0;
    virtual void resume_input() = 0;
    /// Bytes taken by the kernel so far: whether the peer makes progress.
    virtual uint64_t written() const noexcept = 0;
};

struct LinkLimits {
    size_t message_max;  ///< bytes of one message
    unsigned json_depth;
    /// The peer is a client, one of many: no buffer is held while nothing comes, and the
    /// ids that are told of what is no message are those of requests, not of answers.
    bool serves = false;
    /// For each 64 KiB of a message, from its first byte on; zero = for ever.
    Millis line_timeout{0};
};

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
    /// What becomes of the bytes of the line being read.
    enum class Mode { kKeep, kDropGarbage, kDropOversized, kDropShed };

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
    void deliver(std::string_view line);
    void line_grows();
    void time_line();
    void drop_from(Mode mode, std::string_view line);
    void line_dropped();
    std::string_view pending() const noexcept;
    std::string_view found_id() const noexcept;

    LinkLimits limits_;
    LinkOwner& owner_;
    BlockRef block_;
    size_t line_begin_ = 0;  ///< in block_
    size_t looked_ = 0;      ///< in block_: no line end before this
    Mode mode_ = Mode::kKeep;
    bool paused_ = false;
    std::string garbage_head_;
    JsonScanner scan_;
    IdFinder id_finder_;
    size_t timed_bytes_ = 0;  ///< since slow_ was armed
    Timer slow_;              ///< runs while a line is incomplete
    Task resume_task_;
    Channel channel_;
};

}  // namespace neuron

#endif
