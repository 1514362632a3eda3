#ifndef NEUROND_NET_CHANNEL_H
#define NEUROND_NET_CHANNEL_H

#include <memory>
#include <optional>
#include <string>

#include "neurond/base/buffer.h"
#include "neurond/base/out_queue.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/stream.h"

namespace neuron {

/// Uses a channel. Callbacks come from the loop, never from inside a call of ours.
class ChannelOwner {
  public:
    /// Where the next bytes shall be put; an empty span stops reading until
    /// resume_input().
    virtual WriteSpan input_space() = 0;
    /// `n` bytes have been put there.
    virtual void on_input(size_t n) = 0;
    /// Nothing more is to be had now: what was set aside for input may be given back.
    virtual void on_input_pause() {}
    /// The peer sends no more; it may still read.
    virtual void on_input_end() = 0;
    /// The output had been over kHighWaterBytes and is under kLowWaterBytes again.
    virtual void on_output_room() = 0;
    /// Of a pipe pair, the peer reads no more; it may still write.
    virtual void on_output_broken() {}
    /// finish() has written everything; only the peer's end is waited for.
    virtual void on_lingering() {}
    /// Closed, by us or by the peer; the last callback. The channel is deaf and may be
    /// retired, not destroyed, from here.
    virtual void on_closed(const std::string& reason) = 0;

  protected:
    ~ChannelOwner() = default;
};

/// A stream with an output queue and its interest in the loop.
///
///     kOpen ──finish()──> kFlushing ──all written──> kLingering ──peer's end──> kClosed
///       └───────────────close(), error, peer gone──────────────────────────────────┘
///
/// Lingering reads and drops what still comes, for at most two seconds: closing with
/// unread input would have the kernel throw away what the peer has not read yet.
/// Flushing goes on for as long as the peer takes something within thirty seconds.
class Channel final {
  public:
    Channel(EventLoop& loop, std::unique_ptr<Stream> stream, ChannelOwner& owner);
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel();

    /// Append here, then flush(). Nothing is written before the flush phase.
    OutQueue& out() noexcept { return out_; }
    void flush();
    /// Bytes taken by the kernel so far: whether the peer makes progress.
    uint64_t written() const noexcept { return written_; }
    /// Over the high-water mark: whoever produces output should stop.
    bool congested() const noexcept { return congested_; }

    void resume_input();
    /// Reads no more until resume_input(); what the kernel holds stays there.
    void pause_input();

    /// Writes what is queued, ends the output, lingers, closes.
    void finish(std::string reason);
    /// Ends the output once what is queued has been written; reading goes on. What is
    /// queued after the end is dropped.
    void end_output();
    /// Closes now. on_closed() is called in the next phase kSoon.
    void close(std::string reason);
    bool closed() const noexcept { return state_ == State::kClosed; }
    bool open() const noexcept { return state_ == State::kOpen; }
    bool lingering() const noexcept { return state_ == State::kLingering; }

    /// Gives the stream up to another protocol, with what is still to be written on it:
    /// the channel is closed without the stream.
    std::unique_ptr<Stream> release(OutQueue& unsent, std::string reason);

    /// Neither bytes nor an end of the peer's wait to be read.
    bool peer_is_silent() { return stream_->is_silent(); }

  private:
    enum class State { kOpen, kFlushing, kLingering, kClosed };

    /// Tells the two descriptors of a pipe pair apart.
    struct Side final : EventHandler {
        Side(Channel& owner, bool input) : channel(owner), is_input(input) {}
        void on_ready(uint32_t events) override { channel.on_ready(*this, events); }
        Channel& channel;
        bool is_input;
    };

    void on_ready(const Side& side, uint32_t events);
    void read_some();
    void read_once(size_t& budget);
    void drop_input();
    void write_some();
    void after_write();
    void output_broke(const std::string& reason);
    void output_flushed();
    void end_output_now();
    void enter(State next);
    void update_interest();
    bool is_socket() const noexcept {
        return stream_->read_fd() == stream_->write_fd();
    }

    std::unique_ptr<Stream> stream_;
    ChannelOwner& owner_;
    OutQueue out_;
    State state_ = State::kOpen;
    bool input_wanted_ = true;
    bool input_ended_;
    bool output_blocked_ = false;    ///< the kernel took less than we had
    bool read_wants_write_ = false;  ///< TLS
    bool write_wants_read_ = false;  ///< TLS
    bool end_output_ = false;        ///< asked for
    bool output_ended_;              ///< done: what is queued from now on is dropped
    bool end_pending_ = false;       ///< done, but the stream has yet to tell the peer
    bool congested_ = false;
    uint64_t written_ = 0;
    std::string reason_;
    Side input_side_{*this, true};
    Side output_side_{*this, false};
    std::optional<Watch> input_watch_;
    std::optional<Watch> output_watch_;  ///< only when the descriptors differ
    Task flush_task_;
    Task closed_task_;
    Task buffered_input_;
    Timer give_up_;
};

}  // namespace neuron

#endif
