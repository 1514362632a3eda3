// Messages out of response bodies. The bytes of a message lie in one block, and are
// scanned once, as they come.

#include "neurond/back/answer_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "neurond/base/limits.h"
#include "neurond/wire/json_splice.h"

namespace neuron {

namespace {

constexpr size_t kGarbageHead = 256;
constexpr size_t kFirstBytes = 4096;

}  // namespace

AnswerReader::AnswerReader(Form form, const AnswerLimits& limits, AnswerSink& sink)
    : form_(form),
      limits_(limits),
      sink_(sink),
      scan_(limits.json_depth),
      events_(limits.message_max) {}

void AnswerReader::feed(std::string_view bytes) {
    if (stopped_ || bytes.empty()) {
        return;
    }
    if (form_ == Form::kJson) {
        feed_json(bytes);
    } else {
        feed_events(bytes);
    }
}

void AnswerReader::garbage(std::string_view text) {
    const std::string head(text.substr(0, kGarbageHead));
    sink_.on_garbage(scan_, head);
}

// --- objects -------------------------------------------------------------------------

/// A message that has grown so far is given up.
bool AnswerReader::over(size_t size, const BlockRef& block) const noexcept {
    const size_t more = block ? block.growth(kReadBudgetBytes) : 0;
    return size > limits_.message_max ||
           (size > kReadBudgetBytes ? Block::nearly_exhausted(more)
                                    : size > kSmallBytes && Block::exhausted(more));
}

std::string_view AnswerReader::pending() const noexcept {
    return block_ ? block_->view().substr(begin_) : std::string_view();
}

/// What has been handed on stays where it is: the rest moves to a block of its own.
void AnswerReader::append(std::string_view bytes) {
    if (!block_) {
        block_ = Block::make(std::max(kFirstBytes, bytes.size()));
    } else if (begin_ > 0) {
        const std::string_view rest = pending();
        BlockRef next = Block::make(std::max(kFirstBytes, rest.size() + bytes.size()));
        std::memcpy(next->data(), rest.data(), rest.size());
        next->commit(rest.size());
        block_ = std::move(next);
        begin_ = 0;
    }
    block_.reserve(bytes.size());
    std::memcpy(block_->data() + block_->size(), bytes.data(), bytes.size());
    block_->commit(bytes.size());
}

void AnswerReader::feed_json(std::string_view bytes) {
    append(bytes);
    take_objects();
    if (!stopped_ && over(pending().size(), block_)) {
        stop();
        const BlockRef dropped = std::exchange(block_, {});
        sink_.on_oversized();
    }
}

void AnswerReader::take_objects() {
    size_t end = 0;
    while (!stopped_ && object_ends(end)) {
        deliver(end);
    }
}

/// Whether the pending bytes begin with a whole object, and what belongs to it. An object
/// is whole when another thing begins behind it, or its line ends.
bool AnswerReader::object_ends(size_t& end) {
    const std::string_view text = pending();
    const Scan state = scan_.feed(text);
    if (state == Scan::kBad && scan_.error() == JsonError::kTrailing) {
        end = scan_.error_offset();
        scan_.reset();
        return scan_.finish(text.substr(0, end)) == Scan::kDone;
    }
    if (state == Scan::kBad) {
        stop();
        garbage(text);
        return false;
    }
    end = text.size();
    const bool line_ended =
        state == Scan::kDone && text.find('\n', scan_.value().end) != text.npos;
    return line_ended && scan_.finish(text) == Scan::kDone;
}

void AnswerReader::deliver(size_t size) {
    const std::string_view text = pending().substr(0, size);
    const BlockRef block = block_;
    begin_ += size;
    if (size > limits_.message_max) {
        stop();
        sink_.on_oversized();
        return;
    }
    if (scan_.has_line_breaks()) {
        blank_line_breaks(block->data() + (text.data() - block->data()), text.size());
    }
    sink_.on_message(scan_, Slice(block, text));
    scan_.reset();
    if (pending().empty()) {
        block_ = {};
        begin_ = 0;
    }
}

// --- events --------------------------------------------------------------------------

void AnswerReader::feed_events(std::string_view bytes) {
    while (!stopped_) {
        const SseStep step = events_.decode(bytes);
        bytes.remove_prefix(step.used);
        if (step.state == Scan::kBad) {
            stop();
            sink_.on_oversized();
        } else if (step.state == Scan::kDone) {
            event_done();
        } else if (over(events_.data().size(), events_.block())) {
            stop();
            const BlockRef dropped = events_.take_data();
            sink_.on_oversized();
        } else {
            scan_.feed(events_.data());
            return;
        }
    }
}

void AnswerReader::event_done() {
    const std::string name(events_.event());
    const BlockRef data = events_.take_data();
    const std::string_view text = data->view();
    if (name != "message") {
        sink_.on_named_event(name, text);
    } else if (scan_.finish(text) == Scan::kDone) {
        if (scan_.has_line_breaks()) {
            blank_line_breaks(data->data(), data->size());
        }
        sink_.on_message(scan_, Slice(data, text));
    } else {
        garbage(text);
    }
    scan_.reset();
}

// --- the end -------------------------------------------------------------------------

/// An event that has not ended does not count (WHATWG HTML section 9.2.6); an object that
/// has, does.
void AnswerReader::finish() {
    const std::string_view text = pending();
    if (stopped_ || form_ == Form::kEvents ||
        text.find_first_not_of(" \t\r\n") == text.npos) {
        return;
    }
    if (scan_.finish(text) == Scan::kDone) {
        deliver(text.size());
    } else {
        garbage(text);
    }
    stop();
}

}  // namespace neuron
