// A WebSocket as a link. Frames are taken apart as they arrive; what is large is received
// where it will stay, and unmasked there.

#include "neurond/net/ws_link.h"

#include <algorithm>
#include <utility>

#include "neurond/base/crypto.h"
#include "neurond/base/limits.h"

namespace neuron {

namespace {

constexpr size_t kInputBytes = 16 * 1024;
constexpr size_t kFirstTextBytes = 1024;

}  // namespace

WsLink::WsLink(EventLoop& loop, std::unique_ptr<Stream> stream,
               const WsSettings& settings, OutQueue&& unsent, std::string_view early,
               LinkOwner& owner)
    : loop_(loop),
      settings_(settings),
      owner_(owner),
      heard_(loop.now()),
      reader_(settings.role, settings.limits.message_max),
      message_(settings_.limits, owner),
      resume_task_(loop, Phase::kSoon, [this] { read_frames(); }),
      slow_(loop, [this] { on_slow(); }),
      tick_(loop, [this] { on_tick(); }),
      channel_(loop, std::move(stream), *this) {
    channel_.out().append(std::move(unsent));
    channel_.flush();
    if (!early.empty()) {
        early.copy(in_.space(early.size()).data, early.size());
        in_.commit(early.size());
        resume_task_.schedule();
    }
    tick_.arm(settings_.ping_interval);
}

// --- input ---------------------------------------------------------------------------

WriteSpan WsLink::input_space() {
    direct_ = {};
    if (!reads()) {
        return {};
    }
    if (in_.empty() && text_ && message_.kept() && reader_.payload_left() > 0) {
        const size_t left = static_cast<size_t>(reader_.payload_left());
        if (text_->room() == 0) {
            text_.reserve(std::min(left, std::max(text_->size(), kSmallBytes)));
        }
        direct_ = {text_->data() + text_->size(), std::min(left, text_->room())};
        return direct_;
    }
    return in_.space(Block::scarce() ? kSmallBytes : kInputBytes);
}

void WsLink::on_input(size_t n) {
    heard_ = loop_.now();
    received_ += n;
    if (direct_.size == 0) {
        in_.commit(n);
        read_frames();
        return;
    }
    size_t used = 0;
    take_frames(direct_.data, n, used);
    watch_progress();
}

/// Goes on in the input buffer.
void WsLink::read_frames() {
    if (reads()) {
        size_t used = 0;
        take_frames(const_cast<char*>(in_.readable().data()), in_.size(), used);
        in_.consume(used);
    }
    in_.settle();  // there may be many who say nothing
    watch_progress();
    if (reads()) {
        channel_.resume_input();
    }
}

/// Counts in `used` what was read before the end, or before nothing more is to be read.
void WsLink::take_frames(char* bytes, size_t size, size_t& used) {
    for (bool more = true; more && reads();) {
        const WsStep step = reader_.read(bytes + used, size - used);
        used += step.used;
        more = take(step);
    }
}

/// False when there is nothing more to read, now or ever.
bool WsLink::take(const WsStep& step) {
    switch (step.kind) {
        case WsStep::Kind::kMore:
            return false;
        case WsStep::Kind::kPong:
            return true;
        case WsStep::Kind::kText:
            keep(step.bytes);
            return true;
        case WsStep::Kind::kTextEnd:
            end_message();
            return true;
        case WsStep::Kind::kPing: {
            OutQueue payload;
            payload.write(step.bytes);
            write_frame(WsOpcode::kPong, std::move(payload));
            return true;
        }
        case WsStep::Kind::kClose:
            lose(step.code, {}, "closed by the peer");
            return false;
        case WsStep::Kind::kBad:
            lose(step.code, step.why, std::string("WebSocket: ") + step.why);
            return false;
    }
    return false;
}

void WsLink::keep(std::string_view bytes) {
    if (!message_.kept()) {
        message_.skip(bytes);
        return;
    }
    if (!text_) {
        const size_t left = static_cast<size_t>(reader_.payload_left());
        text_ = Block::make(
            std::max(bytes.size() + std::min(left, kSmallBytes), kFirstTextBytes));
    }
    if (direct_.size == 0) {
        text_.reserve(bytes.size());
        bytes.copy(text_->data() + text_->size(), bytes.size());
    }
    text_->commit(bytes.size());
    if (!message_.grow(text_->view(), text_.growth(kSmallBytes))) {
        text_ = {};
    }
    message_.hold(text_ ? text_->capacity() : 0);
}

void WsLink::end_message() {
    slow_.cancel();
    const BlockRef text = std::exchange(text_, {});
    message_.end(text, text ? text->view() : std::string_view());
}

void WsLink::pause_input() {
    paused_ = true;
    channel_.pause_input();
}

void WsLink::resume_input() {
    if (std::exchange(paused_, false)) {
        heard_ = loop_.now();
        resume_task_.schedule();
    }
}

void WsLink::on_output_room() {
    resume_task_.schedule();
    if (!ending_) {
        owner_.on_output_room();
    }
}

void WsLink::on_input_end() {
    channel_.close("the peer hung up without a close frame");
}

// --- time ----------------------------------------------------------------------------

/// A message, or a frame, that has begun must come on.
void WsLink::watch_progress() {
    if (ending_ || (reader_.idle() && in_.empty())) {
        slow_.cancel();
        return;
    }
    if (settings_.limits.line_timeout == Millis{0}) {
        return;
    }
    if (!slow_.armed() || received_ >= kReadBudgetBytes) {
        received_ = 0;
        slow_.arm(settings_.limits.line_timeout);
    }
}

void WsLink::on_slow() {
    if (!reads()) {
        slow_.arm(settings_.limits.line_timeout);  // it is we who do not read
        return;
    }
    lose(WsClose::kPolicy, "the message did not arrive in time",
         "a message did not arrive in time");
}

/// Where nothing is heard, is anybody there? Where we do not read, because the peer does
/// not, what it reads is its sign of life.
void WsLink::on_tick() {
    const bool progress = channel_.written() != written_before_;
    if (!reads() && (progress || !channel_.congested())) {
        heard_ = loop_.now();
    }
    const TimePoint::duration silent = loop_.now() - heard_;
    if (silent >= settings_.dead_after) {
        channel_.close(channel_.congested() ? "the peer does not read"
                                            : "the peer is silent");
        return;
    }
    if (silent >= settings_.ping_interval && reads()) {
        write_frame(WsOpcode::kPing, {});
    }
    written_before_ = channel_.written();
    tick_.arm(settings_.ping_interval);
}

// --- output --------------------------------------------------------------------------

void WsLink::write_frame(WsOpcode opcode, OutQueue&& payload) {
    const bool masked = settings_.role == WsRole::kClient;
    write_ws_frame(channel_.out(), opcode, std::move(payload),
                   masked ? std::optional(random_bytes(4)) : std::nullopt);
    channel_.flush();
}

void WsLink::send(OutQueue&& message) {
    if (!ending_ && !channel_.closed()) {
        write_frame(WsOpcode::kText, std::move(message));
    }
}

void WsLink::finish(std::string reason) {
    end(WsClose::kGoingAway, reason, reason);
}

/// The channel waits for the peer's end, and so for its close frame; what else it still
/// says is of no interest.
void WsLink::end(WsClose code, std::string_view told, std::string reason) {
    if (std::exchange(ending_, true) || channel_.closed()) {
        return;
    }
    slow_.cancel();
    tick_.cancel();
    text_ = {};
    write_frame(WsOpcode::kClose, ws_close_payload(code, told));
    channel_.finish(std::move(reason));
}

/// The peer wants no more, or cannot be understood any more.
void WsLink::lose(WsClose code, std::string_view told, std::string reason) {
    end(code, told, std::move(reason));
    owner_.on_output_broken();
}

void WsLink::on_closed(const std::string& reason) {
    slow_.cancel();
    tick_.cancel();
    resume_task_.cancel();
    owner_.on_link_closed(reason);
}

}  // namespace neuron
