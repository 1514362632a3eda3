#ifndef NEUROND_MCP_REPLAY_H
#define NEUROND_MCP_REPLAY_H

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/out_queue.h"

namespace neuron {

/// What the replay buffers of all sessions may hold together.
struct ReplayBudget {
    size_t max_bytes;
    size_t bytes = 0;
};

/// What was sent on the event streams of one session, kept for a client that comes back
/// with `Last-Event-ID` (mcp-protocol 2.4). Bounded: the oldest events go first. A stream
/// is resumed only when nothing that followed the id has gone: there is never a gap that
/// does not show.
///
/// An event id is `TAG-KIND-STREAM-NUMBER`: the tag is this buffer's own and random, so
/// that the id of another session, or of an earlier reactor, means nothing here; the
/// kind says whether the stream was a GET's or a POST's, even when it is known no more.
class ReplayBuffer {
  public:
    enum class Kind : char { kNews = 'g', kPost = 'p' };
    using StreamId = uint64_t;

    /// What an id that a client sends back comes to.
    struct Place {
        enum class State { kFound, kGone, kInvalid };
        State state = State::kInvalid;
        Kind kind = Kind::kNews;  ///< unless kInvalid
        StreamId stream = 0;      ///< for kFound: the stream, and
        uint64_t after = 0;       ///< the number of the last event that arrived
    };

    /// `budget` outlives the buffer.
    ReplayBuffer(size_t max_bytes, ReplayBudget& budget);
    ~ReplayBuffer();
    ReplayBuffer(const ReplayBuffer&) = delete;
    ReplayBuffer& operator=(const ReplayBuffer&) = delete;

    StreamId open(Kind kind);
    /// The id of the stream's next event. keep() what is sent with it, or, for an event
    /// that brings nothing but the id, don't.
    std::string next_id(StreamId stream);
    /// Keeps the bytes of the event that has the last id, as they were sent.
    void keep(StreamId stream, const OutQueue& event);
    /// Nothing more comes on the stream. It can still be replayed for a while.
    void close(StreamId stream);
    /// More comes on it after all.
    void reopen(StreamId stream);
    bool is_open(StreamId stream) const;

    Place find(std::string_view last_event_id) const;
    /// The events of a stream that follow event number `after`, in order.
    std::vector<OutQueue> events_after(StreamId stream, uint64_t after) const;
    size_t bytes() const noexcept { return bytes_; }

  private:
    struct Event {
        StreamId stream;
        uint64_t number;
        std::string small;  ///< all of an event under kSmallBytes
        OutQueue large;     ///< of another one: shared
        size_t bytes() const noexcept { return small.size() + large.bytes(); }
    };
    struct Stream {
        Kind kind;
        bool open = true;
        uint64_t gone = 0;  ///< the last event of it that is kept no more; 0 = none
    };

    void drop_oldest();

    size_t max_bytes_;
    ReplayBudget& budget_;
    std::string tag_;
    StreamId last_stream_ = 0;
    uint64_t last_number_ = 0;
    std::map<StreamId, Stream> streams_;
    std::deque<StreamId> closed_;  ///< in the order they were closed
    std::deque<Event> events_;
    size_t bytes_ = 0;
};

}  // namespace neuron

#endif
