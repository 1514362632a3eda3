// Server-sent events. The reader is a machine of three states over bytes (in a field name,
// just behind its colon, in its value); data goes straight into the block that is handed
// on, so that a large answer is copied once.
#include "neurond/wire/sse.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr std::string_view kBom = "\xef\xbb\xbf";
constexpr std::string_view kLineEnds = "\r\n";
constexpr size_t kLongestName = 5;  // "event", "retry"
constexpr size_t kFirstDataBytes = 1024;

bool is_one_line(std::string_view text) noexcept {
    return text.find_first_of({"\r\n\0", 3}) == std::string_view::npos;
}

void write_line(OutQueue& out, std::string_view name, std::string_view value) {
    out.write(name);
    out.write(value);
    out.write("\n");
}

void write_data_lines(OutQueue& out, std::string_view data) {
    for (;;) {
        const size_t end = std::min(data.find_first_of(kLineEnds), data.size());
        write_line(out, "data: ", data.substr(0, end));
        if (end == data.size()) {
            return;
        }
        data.remove_prefix(end + (data.substr(end, 2) == "\r\n" ? 2 : 1));
    }
}

}  // namespace

void write_sse_message(OutQueue& out, OutQueue&& data, std::string_view id) {
    assert(is_one_line(id));
    if (!id.empty()) {
        write_line(out, "id: ", id);
    }
    out.write("event: message\ndata: ");
    out.append(std::move(data));
    out.write("\n\n");
}

void write_sse_event(OutQueue& out, std::string_view event, std::string_view data,
                     std::string_view id) {
    assert(is_one_line(id) && is_one_line(event));
    if (!id.empty()) {
        write_line(out, "id: ", id);
    }
    if (!event.empty()) {
        write_line(out, "event: ", event);
    }
    write_data_lines(out, data);
    out.write("\n");
}

void write_sse_retry(OutQueue& out, uint32_t milliseconds) {
    write_line(out, "retry: ", std::to_string(milliseconds));
    out.write("\n");
}

void write_sse_comment(OutQueue& out, std::string_view text) {
    assert(is_one_line(text));
    write_line(out, text.empty() ? ":" : ": ", text);
    out.write("\n");
}

SseStep SseDecoder::decode(std::string_view in) {
    start_event();
    size_t used = 0;
    while (used < in.size() && state_ != State::kBad) {
        const std::string_view rest = in.substr(used);
        if (skip_line_feed_ && rest[0] == '\n') {
            ++used;
            skip_line_feed_ = false;
            continue;
        }
        skip_line_feed_ = false;
        if (state_ == State::kBom) {
            used += in_bom(rest);
        } else if (rest[0] == '\r' || rest[0] == '\n') {
            skip_line_feed_ = rest[0] == '\r';
            ++used;
            if (end_of_line()) {
                return {Scan::kDone, used};
            }
        } else {
            used += state_ == State::kName ? in_name(rest) : in_value(rest);
        }
    }
    return {state_ == State::kBad ? Scan::kBad : Scan::kMore, used};
}

/// Forgets an event that was asked for.
void SseDecoder::start_event() {
    if (complete_) {
        complete_ = false;
        has_data_line_ = false;
        kept_bytes_ = 0;
        event_.clear();
        data_ = BlockRef();
    }
}

/// A byte order mark may stand at the very beginning, and may come in pieces.
size_t SseDecoder::in_bom(std::string_view in) {
    if (in[0] == kBom[bom_seen_]) {
        ++bom_seen_;
        if (bom_seen_ == kBom.size()) {
            state_ = State::kName;
        }
        return 1;
    }
    // What looked like one begins a line: a field of an unknown name.
    state_ = State::kName;
    name_.assign(kBom.substr(0, bom_seen_));
    line_empty_ = bom_seen_ == 0;
    return 0;
}

size_t SseDecoder::in_name(std::string_view in) {
    const size_t end = std::min(in.find_first_of(":\r\n"), in.size());
    const size_t room = kLongestName + 1 - std::min(name_.size(), kLongestName + 1);
    name_.append(in.substr(0, std::min(end, room)));
    line_empty_ = false;
    if (end == in.size() || in[end] != ':') {
        return end;
    }
    state_ = State::kBlank;
    begin_value();
    return end + 1;
}

/// The name is complete: decides where the value goes.
void SseDecoder::begin_value() {
    field_ = name_ == "data"    ? Field::kData
             : name_ == "event" ? Field::kEvent
             : name_ == "id"    ? Field::kId
             : name_ == "retry" ? Field::kRetry
                                : Field::kIgnored;
    value_.clear();
    if (field_ == Field::kData && std::exchange(has_data_line_, true)) {
        add_data("\n");
    }
}

size_t SseDecoder::in_value(std::string_view in) {
    if (std::exchange(state_, State::kValue) == State::kBlank && in[0] == ' ') {
        return 1;
    }
    const size_t end = std::min(in.find_first_of(kLineEnds), in.size());
    if (field_ == Field::kData) {
        add_data(in.substr(0, end));
    } else if (field_ != Field::kIgnored && keep(end)) {
        value_.append(in.substr(0, end));
    }
    return end;
}

bool SseDecoder::keep(size_t bytes) noexcept {
    if (bytes > max_bytes_ - kept_bytes_) {
        state_ = State::kBad;
        return false;
    }
    kept_bytes_ += bytes;
    return true;
}

void SseDecoder::add_data(std::string_view bytes) {
    if (bytes.empty() || !keep(bytes.size())) {
        return;
    }
    if (!data_) {
        data_ = Block::make(std::max(bytes.size(), kFirstDataBytes));
    } else if (data_->room() < bytes.size()) {
        data_.reserve(bytes.size());
    }
    std::memcpy(data_->data() + data_->size(), bytes.data(), bytes.size());
    data_->commit(bytes.size());
}

/// True when the line was the empty one that completes an event worth reporting.
bool SseDecoder::end_of_line() {
    const bool empty = std::exchange(line_empty_, true);
    if (empty) {
        return end_of_event();
    }
    if (state_ == State::kName) {
        begin_value();  // a line without a colon is a field without a value
    }
    end_of_field();
    name_.clear();
    if (state_ != State::kBad) {
        state_ = State::kName;
    }
    return false;
}

void SseDecoder::end_of_field() {
    switch (field_) {
        case Field::kEvent:
            event_ = value_;
            break;
        case Field::kId:
            if (value_.find('\0') == std::string::npos) {
                last_id_ = value_;
            }
            break;
        case Field::kRetry:
            if (const std::optional<uint64_t> milliseconds = parse_u64(value_)) {
                retry_ = milliseconds;
            }
            break;
        case Field::kData:
        case Field::kIgnored:
            break;
    }
    field_ = Field::kIgnored;
}

bool SseDecoder::end_of_event() {
    complete_ = true;
    if (data().empty()) {
        start_event();
        return false;
    }
    return true;
}

std::string_view SseDecoder::event() const noexcept {
    return event_.empty() ? std::string_view("message") : event_;
}

std::string_view SseDecoder::data() const noexcept {
    return data_ ? data_->view() : std::string_view();
}

BlockRef SseDecoder::take_data() noexcept {
    return std::move(data_);
}

}  // namespace neuron
