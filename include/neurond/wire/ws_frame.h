#ifndef NEUROND_WIRE_WS_FRAME_H
#define NEUROND_WIRE_WS_FRAME_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/limits.h"
#include "neurond/base/out_queue.h"
#include "neurond/base/text.h"

namespace neuron {

// WebSocket frames, RFC 6455, for either end of a connection without extensions.

/// RFC 6455 section 5.2.
enum class WsOpcode : uint8_t {
    kContinuation = 0,
    kText = 1,
    kBinary = 2,
    kClose = 8,
    kPing = 9,
    kPong = 10,
};

/// Why a connection ends. RFC 6455 section 7.4.1.
enum class WsClose : uint16_t {
    kNone = 0,  ///< a close frame without a code
    kNormal = 1000,
    kGoingAway = 1001,
    kProtocolError = 1002,
    kUnsupported = 1003,  ///< binary data
    kNotUtf8 = 1007,
    kPolicy = 1008,
    kTooLarge = 1009,
    kInternal = 1011,
};

/// Which end of the connection we are: clients mask what they send, servers do not.
enum class WsRole : uint8_t { kServer, kClient };

/// What WsReader::read() found.
struct WsStep {
    enum class Kind {
        kMore,     ///< all bytes were used
        kText,     ///< `bytes`: more of a text message
        kTextEnd,  ///< that message is complete
        kPing,     ///< `bytes`: what the pong has to repeat
        kPong,
        kClose,  ///< `code`, and the reason in `bytes`
        kBad,    ///< the connection has to end with `code`; `why` for people
    };
    Kind kind = Kind::kMore;
    size_t used = 0;
    std::string_view bytes;  ///< unmasked; valid until the next call
    WsClose code = WsClose::kNone;
    const char* why = "";
};

/// Reads frames as they arrive, cut anywhere. Checks everything RFC 6455 asks of a
/// receiver: reserved bits and opcodes, masking (5.1), lengths in their shortest form
/// (5.2), fragments and control frames among them (5.4, 5.5), UTF-8 over fragments (8.1),
/// close codes (7.4). Binary messages are refused: they are not MCP.
class WsReader {
  public:
    /// `message_max`: bytes of one message, all its fragments together.
    WsReader(WsRole role, size_t message_max) noexcept
        : role_(role), message_max_(message_max) {}

    /// Examines `size` bytes, which are unmasked in place. What was used is dropped by the
    /// caller before the next call. After kClose or kBad there is no next call.
    WsStep read(char* bytes, size_t size);

    /// Of a text frame, the bytes that come next and are nothing else: they may be
    /// received right where the message is kept, and be shown to read() alone.
    uint64_t payload_left() const noexcept;
    /// Nothing has begun: neither a frame nor a message of several.
    bool idle() const noexcept {
        return state_ == State::kHead && head_size_ == 0 && !in_message_;
    }

  private:
    enum class State : uint8_t { kHead, kPayload, kEnd };

    WsStep take_head(const char* bytes, size_t size);
    WsStep begin_frame();
    const char* flaw_of_first() const noexcept;
    const char* flaw_of_second() const noexcept;
    const char* flaw_of_length() const noexcept;
    size_t head_wanted() const noexcept;
    WsStep take_text(char* bytes, size_t size);
    WsStep take_control(const char* bytes, size_t size);
    WsStep end_control();
    WsStep end_close();
    void unmask(char* bytes, size_t size) noexcept;
    uint8_t head_byte(size_t at) const noexcept {
        return static_cast<uint8_t>(head_[at]);
    }
    uint64_t length_in_head() const noexcept;
    WsOpcode opcode() const noexcept {
        return static_cast<WsOpcode>(head_byte(0) & 0x0f);
    }
    bool is_control() const noexcept { return (head_byte(0) & 0x08) != 0; }
    bool is_final() const noexcept { return (head_byte(0) & 0x80) != 0; }
    bool is_masked() const noexcept { return (head_byte(1) & 0x80) != 0; }

    WsRole role_;
    State state_ = State::kHead;
    bool in_message_ = false;  ///< a message has begun and its last frame has not
    uint8_t head_size_ = 0;    ///< bytes of head_ that have come
    char head_[14] = {};
    char mask_[4] = {};
    uint64_t left_ = 0;    ///< of this frame's payload
    uint64_t offset_ = 0;  ///< in this frame's payload: where the mask stands
    size_t message_max_;
    uint64_t message_size_ = 0;  ///< announced so far
    Utf8Stream utf8_;
    std::string control_;  ///< payload of a control frame
};

/// Appends one whole, unfragmented frame; masked with `mask` (4 bytes), which a client has
/// to draw at random for each frame (section 5.3).
void write_ws_frame(OutQueue& out, WsOpcode opcode, OutQueue&& payload,
                    const std::optional<std::string>& mask);
/// The payload of a close frame; `reason` is cut to what fits, at a code point.
OutQueue ws_close_payload(WsClose code, std::string_view reason);

}  // namespace neuron

#endif
