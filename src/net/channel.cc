// Reading and writing on behalf of connections, children and tunnels: budgets, marks,
// and the one place where "closed" happens.

#include "neurond/net/channel.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "neurond/base/limits.h"

namespace neuron {

namespace {

constexpr Millis kLingerTime{2000};
constexpr Millis kStallTime{30 * 1000};
constexpr int kMaxParts = 64;

}  // namespace

Channel::Channel(EventLoop& loop, std::unique_ptr<Stream> stream, ChannelOwner& owner)
    : stream_(std::move(stream)),
      owner_(owner),
      input_ended_(stream_->read_fd() < 0),
      output_ended_(stream_->write_fd() < 0),
      flush_task_(loop, Phase::kFlush, [this] { write_some(); }),
      closed_task_(loop, Phase::kSoon, [this] { owner_.on_closed(reason_); }),
      buffered_input_(loop, Phase::kSoon, [this] { read_some(); }),
      give_up_(loop, [this] { close(reason_); }) {
    if (stream_->read_fd() >= 0) {
        input_watch_.emplace(loop, stream_->read_fd(), input_side_);
    }
    if (stream_->write_fd() != stream_->read_fd() && stream_->write_fd() >= 0) {
        output_watch_.emplace(loop, stream_->write_fd(), output_side_);
    }
    update_interest();
    if (stream_->has_buffered_input()) {
        buffered_input_.schedule();  // came along with the end of a handshake
    }
}

Channel::~Channel() = default;

void Channel::flush() {
    if (state_ == State::kClosed || output_ended_) {
        out_.clear();
        return;
    }
    // Where memory is scarce, many who do not read may not hold that much each.
    const size_t high_water = Block::scarce() ? kSmallBytes : kHighWaterBytes;
    congested_ = congested_ || out_.bytes() > high_water;
    if (!output_blocked_) {
        flush_task_.schedule();
    }
}

void Channel::resume_input() {
    input_wanted_ = true;
    update_interest();
    if (stream_->has_buffered_input()) {
        buffered_input_.schedule();
    }
}

void Channel::pause_input() {
    input_wanted_ = false;
    update_interest();
}

void Channel::finish(std::string reason) {
    if (state_ != State::kOpen) {
        return;
    }
    reason_ = std::move(reason);
    enter(State::kFlushing);
    flush_task_.schedule();
}

void Channel::end_output() {
    if (state_ != State::kClosed) {
        end_output_ = true;
        flush_task_.schedule();
    }
}

void Channel::close(std::string reason) {
    if (state_ == State::kClosed) {
        return;
    }
    reason_ = std::move(reason);
    enter(State::kClosed);
}

std::unique_ptr<Stream> Channel::release(OutQueue& unsent, std::string reason) {
    unsent = std::move(out_);
    close(std::move(reason));
    return std::move(stream_);
}

/// The one place that writes state_, and so the one that sets timers and interest.
void Channel::enter(State next) {
    state_ = next;
    switch (next) {
        case State::kOpen:
            break;
        case State::kFlushing:
            give_up_.arm(kStallTime);
            break;
        case State::kLingering:
            end_output_now();
            give_up_.arm(kLingerTime);
            owner_.on_lingering();
            break;
        case State::kClosed:
            input_watch_.reset();  // deaf at once, even to this batch of events
            output_watch_.reset();
            flush_task_.cancel();
            buffered_input_.cancel();
            give_up_.cancel();
            out_.clear();
            closed_task_.schedule();
            return;
    }
    update_interest();
}

void Channel::update_interest() {
    if (state_ == State::kClosed) {
        return;
    }
    const bool reads = !input_ended_ && (input_wanted_ || state_ != State::kOpen);
    uint32_t input = reads || write_wants_read_ ? uint32_t{EPOLLIN} : 0;
    const uint32_t output =
        output_blocked_ || read_wants_write_ ? uint32_t{EPOLLOUT} : 0;
    if (output_watch_) {
        output_watch_->set(output);
    } else {
        input |= output;
    }
    if (input_ended_ && is_socket()) {
        input |= EPOLLHUP;  // tells when the peer does not even read any more
    }
    if (input_watch_) {
        input_watch_->set(input);
    }
}

void Channel::on_ready(const Side& side, uint32_t events) {
    const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    if (broken && input_ended_ && is_socket()) {
        close(state_ == State::kOpen ? "the peer has gone" : reason_);
        return;
    }
    const bool readable = (events & EPOLLIN) != 0 || (broken && side.is_input);
    const bool writable = (events & EPOLLOUT) != 0 || broken;
    if (readable && write_wants_read_) {
        write_wants_read_ = false;
        output_blocked_ = false;
        write_some();
    }
    if ((writable && read_wants_write_) || readable) {
        read_wants_write_ = false;
        read_some();
    }
    if (state_ != State::kClosed && writable && output_blocked_) {
        output_blocked_ = false;
        write_some();
    }
}

void Channel::read_some() {
    size_t budget = kReadBudgetBytes;
    while (budget > 0 && state_ != State::kClosed && !input_ended_) {
        if (state_ != State::kOpen) {
            drop_input();
            break;
        }
        if (!input_wanted_) {
            break;
        }
        read_once(budget);
    }
    if (state_ != State::kClosed) {
        owner_.on_input_pause();
    }
    if (state_ != State::kClosed && input_wanted_ && stream_->has_buffered_input()) {
        buffered_input_.schedule();
    }
    update_interest();
}

/// Sets the budget to 0 when nothing more is to be had now.
void Channel::read_once(size_t& budget) {
    const WriteSpan space = owner_.input_space();
    if (space.size == 0) {
        input_wanted_ = false;
        return;
    }
    const size_t want = std::min(space.size, budget);
    const Io got = stream_->read(space.data, want);
    switch (got.state) {
        case Io::State::kDone:
            budget = got.bytes < want ? 0 : budget - got.bytes;
            owner_.on_input(got.bytes);
            return;
        case Io::State::kWantRead:
            break;
        case Io::State::kWantWrite:
            read_wants_write_ = true;
            break;
        case Io::State::kEnd:
            input_ended_ = true;
            owner_.on_input_end();
            break;
        case Io::State::kFailed:
            close(stream_->reason());
            break;
    }
    budget = 0;
}

void Channel::drop_input() {
    char waste[16 * 1024];
    const Io got = stream_->read(waste, sizeof waste);
    if (got.state == Io::State::kEnd || got.state == Io::State::kFailed) {
        input_ended_ = true;
        if (state_ == State::kLingering || got.state == Io::State::kFailed) {
            close(reason_);
        }
    }
}

/// One writev a turn, of at most kWriteBudgetBytes.
void Channel::write_some() {
    if (end_pending_) {
        end_pending_ = !stream_->end_output();
        output_blocked_ = end_pending_;
        update_interest();
        return;
    }
    if (out_.empty()) {
        output_flushed();
        update_interest();
        return;
    }
    iovec parts[kMaxParts];
    int count = out_.gather(parts, kMaxParts);
    size_t bytes = 0;
    for (int i = 0; i < count; ++i) {
        parts[i].iov_len = std::min(parts[i].iov_len, kWriteBudgetBytes - bytes);
        bytes += parts[i].iov_len;
        if (bytes == kWriteBudgetBytes) {
            count = i + 1;
        }
    }
    const Io put = stream_->write(parts, count);
    switch (put.state) {
        case Io::State::kDone:
            out_.consume(put.bytes);
            written_ += put.bytes;
            output_blocked_ = put.bytes < bytes;
            after_write();
            break;
        case Io::State::kWantRead:
            write_wants_read_ = true;
            output_blocked_ = true;
            break;
        case Io::State::kWantWrite:
            output_blocked_ = true;
            break;
        case Io::State::kEnd:
        case Io::State::kFailed:
            output_broke(stream_->reason());
            return;
    }
    update_interest();
}

/// The peer takes no more, but what it has said before that still counts. Of a pipe pair
/// only this direction is gone: a child that has closed its stdin is heard to its end.
void Channel::output_broke(const std::string& reason) {
    output_ended_ = true;
    out_.clear();
    if (output_watch_ && !input_ended_ && state_ == State::kOpen) {
        output_watch_.reset();
        stream_->end_output();
        owner_.on_output_broken();
        return;
    }
    read_some();
    close(reason);
}

void Channel::after_write() {
    if (state_ == State::kFlushing) {
        give_up_.arm(kStallTime);
    }
    if (congested_ && out_.bytes() < kLowWaterBytes) {
        congested_ = false;
        owner_.on_output_room();
    }
    if (state_ == State::kClosed) {
        return;
    }
    if (out_.empty()) {
        output_flushed();
    } else if (!output_blocked_) {
        flush_task_.schedule();  // the rest of a large answer, after everybody's turn
    }
}

/// A pipe is closed by this, so its watch has to go first.
void Channel::end_output_now() {
    output_watch_.reset();
    if (!std::exchange(output_ended_, true) && !stream_->end_output()) {
        output_blocked_ = true;  // TLS: its last word has to wait for room
        end_pending_ = true;
    }
}

void Channel::output_flushed() {
    if (end_output_ && state_ == State::kOpen) {
        end_output_now();
    }
    if (state_ == State::kFlushing) {
        if (input_ended_) {
            close(reason_);
        } else {
            enter(State::kLingering);
        }
    }
}

}  // namespace neuron
