// The memory of a session's event streams. A connection may break at any byte; what the
// client has not seen is told by the last id it has seen.

#include "neurond/mcp/replay.h"

#include <algorithm>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kTagBytes = 9;  // 72 random bits, no padding in base64

/// Takes off and returns what stands behind the last '-'; the tag may have some itself.
std::string_view take_last_part(std::string_view& id) {
    const size_t at = id.rfind('-');
    if (at == std::string_view::npos) {
        return {};
    }
    const std::string_view part = id.substr(at + 1);
    id = id.substr(0, at);
    return part;
}

}  // namespace

ReplayBuffer::ReplayBuffer(size_t max_bytes, ReplayBudget& budget)
    : max_bytes_(max_bytes),
      budget_(budget),
      tag_(base64url_encode(random_bytes(kTagBytes))) {}

ReplayBuffer::~ReplayBuffer() {
    budget_.bytes -= bytes_;
}

ReplayBuffer::StreamId ReplayBuffer::open(Kind kind) {
    streams_[++last_stream_].kind = kind;
    return last_stream_;
}

std::string ReplayBuffer::next_id(StreamId stream) {
    const auto found = streams_.find(stream);
    const Kind kind = found == streams_.end() ? Kind::kPost : found->second.kind;
    return tag_ + "-" + static_cast<char>(kind) + "-" + std::to_string(stream) + "-" +
           std::to_string(++last_number_);
}

void ReplayBuffer::keep(StreamId stream, const OutQueue& event) {
    const bool small = event.bytes() < kSmallBytes;
    events_.push_back({stream, last_number_, small ? event.to_string() : std::string(),
                       small ? OutQueue() : event.share()});
    bytes_ += event.bytes();
    budget_.bytes += event.bytes();
    while (!events_.empty() &&
           (bytes_ > max_bytes_ || budget_.bytes > budget_.max_bytes)) {
        drop_oldest();
    }
}

void ReplayBuffer::drop_oldest() {
    const Event& oldest = events_.front();
    bytes_ -= oldest.bytes();
    budget_.bytes -= oldest.bytes();
    if (const auto found = streams_.find(oldest.stream); found != streams_.end()) {
        found->second.gone = oldest.number;
    }
    events_.pop_front();
}

void ReplayBuffer::close(StreamId stream) {
    const auto found = streams_.find(stream);
    if (found == streams_.end() || !std::exchange(found->second.open, false)) {
        return;
    }
    closed_.push_back(stream);
    if (closed_.size() > kMaxClosedStreams) {
        streams_.erase(closed_.front());
        closed_.pop_front();
    }
}

void ReplayBuffer::reopen(StreamId stream) {
    const auto found = streams_.find(stream);
    if (found != streams_.end() && !std::exchange(found->second.open, true)) {
        closed_.erase(std::find(closed_.begin(), closed_.end(), stream));
    }
}

bool ReplayBuffer::is_open(StreamId stream) const {
    const auto found = streams_.find(stream);
    return found != streams_.end() && found->second.open;
}

ReplayBuffer::Place ReplayBuffer::find(std::string_view last_event_id) const {
    Place place;
    std::string_view tag = last_event_id;
    const std::optional<uint64_t> number = parse_u64(take_last_part(tag));
    const std::optional<uint64_t> stream = parse_u64(take_last_part(tag));
    const std::string_view kind = take_last_part(tag);
    if (!number || !stream || (kind != "g" && kind != "p")) {
        return place;
    }
    place.kind = static_cast<Kind>(kind[0]);
    place.state = Place::State::kGone;
    const auto found = streams_.find(*stream);
    if (tag != tag_ || found == streams_.end() || found->second.kind != place.kind ||
        *number > last_number_ || *number < found->second.gone) {
        return place;
    }
    place.state = Place::State::kFound;
    place.stream = *stream;
    place.after = *number;
    return place;
}

std::vector<OutQueue> ReplayBuffer::events_after(StreamId stream,
                                                 uint64_t after) const {
    std::vector<OutQueue> out;
    for (const Event& event : events_) {
        if (event.stream == stream && event.number > after) {
            out.push_back(event.large.share());
            out.back().write(event.small);
        }
    }
    return out;
}

}  // namespace neuron
