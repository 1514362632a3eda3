#ifndef NEUROND_WIRE_SSE_H
#define NEUROND_WIRE_SSE_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/block.h"
#include "neurond/base/out_queue.h"
#include "neurond/wire/scan.h"

namespace neuron {

// Server-sent events, as WHATWG HTML section 9.2 has them and MCP uses them: one JSON
// message an event.

/// Appends one event "message" with `data` on one line. `data` holds no line feed and no
/// carriage return (a JSON text after blank_line_breaks()). An `id` that is not empty is
/// sent too; it holds no line break and no NUL.
void write_sse_message(OutQueue& out, OutQueue&& data, std::string_view id = {});
/// The same with another event name and data that may have several lines. `event`, `id`
/// and `data` may be empty; an event without data only tells its id.
void write_sse_event(OutQueue& out, std::string_view event, std::string_view data,
                     std::string_view id = {});
/// `retry: 1000`: how long the client shall wait before it comes back.
void write_sse_retry(OutQueue& out, uint32_t milliseconds);
/// A keep-alive comment: a line that readers ignore.
void write_sse_comment(OutQueue& out, std::string_view text = {});

/// What one call of SseDecoder::decode() found.
struct SseStep {
    Scan state = Scan::kMore;
    size_t used = 0;
};

/// Reads a stream of events as it arrives: LF, CRLF or CR line ends, a leading byte order
/// mark, several data lines joined by LF, comments and unknown fields ignored. Events
/// without data are not reported, but their id counts.
///
///     for (;;) {
///         const SseStep step = decoder.decode(in);
///         in.remove_prefix(step.used);
///         if (step.state != Scan::kDone) break;     // kMore: all of `in` was used
///         handle(decoder.event(), decoder.take_data());
///     }
class SseDecoder {
  public:
    /// `max_event_bytes` bounds what one event makes us keep: data, name and id.
    explicit SseDecoder(size_t max_event_bytes) noexcept
        : max_bytes_(max_event_bytes) {}

    /// kDone: one event is complete; ask for it before the next call. kMore: all of `in`
    /// was used. kBad: an event is too large; that stays.
    SseStep decode(std::string_view in);

    /// The name of the event just completed; "message" when it has none.
    std::string_view event() const noexcept;
    /// The data of the event just completed; afterwards it is gone from here.
    BlockRef take_data() noexcept;
    /// What has come of the data so far, for whoever scans it as it arrives.
    std::string_view data() const noexcept;
    /// Where that lies; empty before it begins.
    const BlockRef& block() const noexcept { return data_; }
    /// The last id the stream told; empty = none.
    const std::string& last_id() const noexcept { return last_id_; }
    /// The last `retry` the stream told, in milliseconds.
    std::optional<uint64_t> retry() const noexcept { return retry_; }

  private:
    enum class State : uint8_t { kBom, kName, kBlank, kValue, kBad };
    enum class Field : uint8_t { kData, kEvent, kId, kRetry, kIgnored };

    size_t in_bom(std::string_view in);
    size_t in_name(std::string_view in);
    size_t in_value(std::string_view in);
    void begin_value();
    bool end_of_line();
    bool end_of_event();
    void start_event();
    void end_of_field();
    bool keep(size_t bytes) noexcept;
    void add_data(std::string_view bytes);

    size_t max_bytes_;
    size_t kept_bytes_ = 0;
    State state_ = State::kBom;
    Field field_ = Field::kIgnored;
    bool skip_line_feed_ = false;
    bool line_empty_ = true;
    bool has_data_line_ = false;
    bool complete_ = false;  // the event asked for is to be forgotten at the next call
    uint8_t bom_seen_ = 0;
    std::string name_;   // of the field being read, cut short when it is none we know
    std::string value_;  // of a field other than data
    std::string event_;
    std::string last_id_;
    std::optional<uint64_t> retry_;
    BlockRef data_;
};

}  // namespace neuron

#endif
