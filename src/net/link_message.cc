// What all links do with the bytes of a message, however it is framed.

#include "neurond/net/link_message.h"

#include "neurond/base/limits.h"
#include "neurond/wire/json_splice.h"

namespace neuron {

namespace {

constexpr size_t kGarbageHead = 256;

}  // namespace

LinkMessage::LinkMessage(const LinkLimits& limits, LinkOwner& owner)
    : limits_(limits), owner_(owner), scan_(limits.json_depth) {}

bool LinkMessage::grow(std::string_view so_far, size_t more) {
    if (so_far.size() > limits_.message_max) {
        let_go(Fate::kOversized, so_far);
    } else if (sheds(so_far.size(), more)) {
        let_go(Fate::kShed, so_far);
    } else if (scan_.feed(so_far) == Scan::kBad && so_far.size() > kGarbageHead) {
        let_go(Fate::kGarbage, so_far);
    }
    return kept();
}

/// Small ones pass, because a reply or a cancellation may end some work. What a server
/// says is about work in hand.
bool LinkMessage::sheds(size_t size, size_t more) const {
    if (size <= kSmallBytes) {
        return false;
    }
    const bool large = limits_.serves || size > kReadBudgetBytes;
    return (limits_.serves && arriving_.crowded()) ||
           (large ? Block::nearly_exhausted(more) : Block::exhausted(more));
}

void LinkMessage::end(const BlockRef& block, std::string_view whole) {
    if (!kept()) {
        skip(whole);
    } else if (whole.size() > limits_.message_max) {
        let_go(Fate::kOversized, whole);
    } else if (scan_.finish(whole) == Scan::kDone) {
        deliver(block, whole);
        reset();
        return;
    } else {
        let_go(Fate::kGarbage, whole);
    }
    tell_loss();
    reset();
}

/// What ends without its end mark may be a whole message all the same. Of half a message
/// no id is told: its call ends with the reason why the peer has gone.
void LinkMessage::cut(const BlockRef& block, std::string_view so_far) {
    if (!kept() || so_far.empty()) {
        return;
    }
    if (scan_.finish(so_far) == Scan::kDone) {
        deliver(block, so_far);
    } else {
        owner_.on_garbage(scan_, so_far.substr(0, kGarbageHead), {});
    }
}

void LinkMessage::reset() {
    fate_ = Fate::kKept;
    scan_.reset();
    arriving_.hold(0);
}

void LinkMessage::deliver(const BlockRef& block, std::string_view whole) {
    if (scan_.has_line_breaks()) {
        blank_line_breaks(const_cast<char*>(whole.data()), whole.size());
    }
    owner_.on_message(scan_, Slice(block, whole));
}

/// From here on only the id is looked for.
void LinkMessage::let_go(Fate fate, std::string_view so_far) {
    fate_ = fate;
    head_ = so_far.substr(0, kGarbageHead);
    id_finder_.reset();
    id_finder_.feed(so_far);
}

void LinkMessage::tell_loss() {
    const std::string_view id_raw =
        limits_.serves ? id_finder_.request_id() : id_finder_.id();
    if (fate_ == Fate::kOversized) {
        owner_.on_oversized(id_raw);
    } else if (fate_ == Fate::kShed) {
        owner_.on_shed(id_raw);
    } else {
        owner_.on_garbage(scan_, head_, id_raw);
    }
}

}  // namespace neuron
