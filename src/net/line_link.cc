// NDJSON framing. A line is scanned as it arrives, at most one read budget a turn, and
// handed on as a slice of the block it was read into.

#include "neurond/net/line_link.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kMinRoom = 4096;
/// A block larger than that is not kept for the next message.
constexpr size_t kMaxKeptBytes = 4 * kReadBudgetBytes;

std::string_view without_cr(std::string_view line) noexcept {
    return line.substr(0, line.size() - (ends_with(line, "\r") ? 1 : 0));
}

}  // namespace

LineLink::LineLink(EventLoop& loop, std::unique_ptr<Stream> stream,
                   const LinkLimits& limits, LinkOwner& owner)
    : limits_(limits),
      owner_(owner),
      message_(limits_, owner),
      slow_(loop, [this] { channel_.close("a message did not arrive in time"); }),
      resume_task_(loop, Phase::kSoon,
                   [this] {
                       take_lines();
                       if (!paused_) {
                           channel_.resume_input();
                       }
                   }),
      channel_(loop, std::move(stream), *this) {}

void LineLink::send(OutQueue&& message) {
    channel_.out().append(std::move(message));
    channel_.out().write("\n");
    channel_.flush();
}

std::string_view LineLink::pending() const noexcept {
    return block_ ? block_->view().substr(line_begin_) : std::string_view();
}

/// Of the block for what comes next; 0 where the one at hand has room.
size_t LineLink::next_capacity() const noexcept {
    const bool room = block_ && block_->room() >= kMinRoom;
    return room ? 0 : std::max(kReadBudgetBytes, 2 * pending().size());
}

/// Bytes handed out as slices stay where they are: a block that is shared, or full, is
/// left behind and what is pending of the current line moves to a new one.
WriteSpan LineLink::input_space() {
    const std::string_view line = pending();
    if (block_ && line.empty() && block_.sole_owner()) {
        block_->clear();
        line_begin_ = looked_ = 0;
    }
    if (const size_t capacity = next_capacity(); capacity != 0) {
        BlockRef next = Block::make(capacity);
        if (!line.empty()) {
            std::memcpy(next->data(), line.data(), line.size());
            next->commit(line.size());
        }
        looked_ -= std::min(looked_, line_begin_);
        line_begin_ = 0;
        block_ = std::move(next);
    }
    return {block_->data() + block_->size(), block_->room()};
}

void LineLink::on_input(size_t n) {
    block_->commit(n);
    timed_bytes_ += n;
    take_lines();
}

void LineLink::pause_input() {
    paused_ = true;
    slow_.cancel();
    channel_.pause_input();
}

void LineLink::resume_input() {
    if (std::exchange(paused_, false)) {
        resume_task_.schedule();
    }
}

/// Between two reads there may be many who have said nothing, or little.
void LineLink::drop_idle_block() {
    const bool large = block_ && block_->capacity() > kMaxKeptBytes;
    const std::string_view line = pending();
    if ((limits_.serves || large) && line.empty()) {
        block_ = {};
        line_begin_ = looked_ = 0;
    } else if (limits_.serves && line.size() <= kSmallBytes &&
               block_->capacity() > 2 * kSmallBytes) {
        block_ = Block::copy_of(line);
        line_begin_ = 0;
        looked_ = line.size();
    }
    message_.hold(block_ && !line.empty() ? block_->capacity() : 0);
}

void LineLink::take_lines() {
    while (block_ && !channel_.closed() && !paused_) {
        const std::string_view fresh = block_->view().substr(looked_);
        const void* newline = std::memchr(fresh.data(), '\n', fresh.size());
        if (newline == nullptr) {
            looked_ = block_->size();
            line_grows();
            time_line();
            drop_idle_block();
            return;
        }
        const size_t end =
            static_cast<size_t>(static_cast<const char*>(newline) - block_->data());
        looked_ = end + 1;
        line_done(end);
    }
}

void LineLink::line_done(size_t end) {
    const std::string_view line =
        without_cr(block_->view().substr(line_begin_, end - line_begin_));
    line_begin_ = end + 1;
    slow_.cancel();
    if (line.empty() && message_.kept()) {
        message_.reset();
    } else {
        message_.end(block_, line);
    }
}

/// The line has not ended: scan what there is, and drop what cannot become a message. A
/// carriage return at the end waits: it may prove to belong to the line end.
void LineLink::line_grows() {
    const std::string_view line = without_cr(pending());
    if (!message_.kept()) {
        message_.skip(line);
    } else if (message_.grow(line, next_capacity())) {
        return;
    }
    line_begin_ = looked_ = block_->size();
}

/// A peer may be slow, but not for ever, and not by single bytes.
void LineLink::time_line() {
    const bool begun = !message_.kept() || !pending().empty();
    if (!begun || limits_.line_timeout == Millis{0} || paused_) {
        return;
    }
    if (!slow_.armed() || timed_bytes_ >= kReadBudgetBytes) {
        timed_bytes_ = 0;
        slow_.arm(limits_.line_timeout);
    }
}

void LineLink::on_input_end() {
    message_.cut(block_, without_cr(pending()));
    if (!owner_.on_input_end()) {
        channel_.close("end of input");
    }
}

}  // namespace neuron
