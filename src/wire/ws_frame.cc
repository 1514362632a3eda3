// The framing of RFC 6455, one byte at a time where it must be and in long runs where it
// can. The reader keeps no text: that is unmasked where it lies and told in pieces.

#include "neurond/wire/ws_frame.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace neuron {

namespace {

constexpr uint8_t kFinalBit = 0x80;
constexpr uint8_t kReservedBits = 0x70;
constexpr uint8_t kMaskBit = 0x80;
constexpr uint8_t kLengthBits = 0x7f;
constexpr uint8_t kLength16 = 126;
constexpr uint8_t kLength64 = 127;
constexpr size_t kMaskBytes = 4;
constexpr size_t kMaxControlBytes = 125;
constexpr size_t kCodeBytes = 2;

WsStep bad(WsClose code, const char* why) {
    WsStep step;
    step.kind = WsStep::Kind::kBad;
    step.code = code;
    step.why = why;
    return step;
}

bool is_known(WsOpcode opcode) noexcept {
    return opcode <= WsOpcode::kBinary ||
           (opcode >= WsOpcode::kClose && opcode <= WsOpcode::kPong);
}

/// Whether a peer may send this code: those of section 7.4.1 that can stand in a frame,
/// those registered since, and the ranges for libraries and applications.
bool may_be_sent(unsigned code) noexcept {
    return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
           (code >= 3000 && code <= 4999);
}

/// `at`: how far into the payload `bytes` begins.
void mask_bytes(char* bytes, size_t size, const char* mask, uint64_t at) noexcept {
    char turned[8];
    for (size_t i = 0; i < sizeof turned; ++i) {
        turned[i] = mask[(at + i) % kMaskBytes];
    }
    uint64_t wide = 0;
    std::memcpy(&wide, turned, sizeof wide);
    size_t done = 0;
    for (; size - done >= sizeof wide; done += sizeof wide) {
        uint64_t word = 0;
        std::memcpy(&word, bytes + done, sizeof word);
        word ^= wide;
        std::memcpy(bytes + done, &word, sizeof word);
    }
    for (; done < size; ++done) {
        bytes[done] = static_cast<char>(bytes[done] ^ turned[done % sizeof turned]);
    }
}

void append_big_endian(std::string& out, uint64_t value, size_t bytes) {
    for (size_t i = bytes; i-- > 0;) {
        out += static_cast<char>(value >> (8 * i) & 0xff);
    }
}

}  // namespace

uint64_t WsReader::payload_left() const noexcept {
    return state_ == State::kPayload && !is_control() ? left_ : 0;
}

WsStep WsReader::read(char* bytes, size_t size) {
    WsStep step;
    while (step.used < size || state_ == State::kEnd) {
        char* rest = bytes + step.used;
        const size_t room = size - step.used;
        WsStep next;
        if (state_ == State::kEnd) {
            state_ = State::kHead;
            next.kind = WsStep::Kind::kTextEnd;
        } else if (state_ == State::kHead) {
            next = take_head(rest, room);
        } else if (is_control()) {
            unmask(rest, static_cast<size_t>(std::min<uint64_t>(room, left_)));
            next = take_control(rest, room);
        } else {
            next = take_text(rest, room);
        }
        next.used += step.used;
        step = next;
        if (step.kind != WsStep::Kind::kMore) {
            break;
        }
    }
    return step;
}

// --- the head ------------------------------------------------------------------------

size_t WsReader::head_wanted() const noexcept {
    if (head_size_ < 2) {
        return 2;
    }
    const uint8_t length = head_byte(1) & kLengthBits;
    return 2 + (length == kLength16 ? 2 : length == kLength64 ? 8 : 0) +
           (is_masked() ? kMaskBytes : 0);
}

/// Each byte is judged as soon as it has come: no need to wait for what is wrong anyway.
WsStep WsReader::take_head(const char* bytes, size_t size) {
    WsStep step;
    while (step.used < size && head_size_ < head_wanted()) {
        head_[head_size_++] = bytes[step.used++];
        const char* flaw = head_size_ == 1   ? flaw_of_first()
                           : head_size_ == 2 ? flaw_of_second()
                                             : nullptr;
        if (flaw != nullptr) {
            return bad(WsClose::kProtocolError, flaw);
        }
    }
    if (head_size_ < 2 || head_size_ < head_wanted()) {
        return step;
    }
    WsStep begun = begin_frame();
    begun.used += step.used;
    return begun;
}

const char* WsReader::flaw_of_first() const noexcept {
    if ((head_byte(0) & kReservedBits) != 0) {
        return "a reserved bit is set";
    }
    if (!is_known(opcode())) {
        return "a reserved opcode";
    }
    if (is_control()) {
        return is_final() ? nullptr : "a control frame in fragments";
    }
    const bool continues = opcode() == WsOpcode::kContinuation;
    if (continues != in_message_) {
        return continues ? "a continuation of nothing"
                         : "a message inside another message";
    }
    return nullptr;
}

const char* WsReader::flaw_of_second() const noexcept {
    if (is_masked() != (role_ == WsRole::kServer)) {
        return is_masked() ? "a masked frame of a server"
                           : "an unmasked frame of a client";
    }
    const bool large = (head_byte(1) & kLengthBits) > kMaxControlBytes;
    return is_control() && large ? "a control frame of more than 125 bytes" : nullptr;
}

uint64_t WsReader::length_in_head() const noexcept {
    const uint8_t length = head_byte(1) & kLengthBits;
    const size_t bytes = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
    if (bytes == 0) {
        return length;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) {
        value = value << 8 | head_byte(2 + i);
    }
    return value;
}

const char* WsReader::flaw_of_length() const noexcept {
    const uint8_t length = head_byte(1) & kLengthBits;
    const uint64_t value = length_in_head();
    if ((length == kLength16 && value < kLength16) ||
        (length == kLength64 && value <= UINT16_MAX)) {
        return "a length that is not in its shortest form";
    }
    return value > INT64_MAX ? "a length above 2^63" : nullptr;
}

WsStep WsReader::begin_frame() {
    if (const char* flaw = flaw_of_length(); flaw != nullptr) {
        return bad(WsClose::kProtocolError, flaw);
    }
    if (opcode() == WsOpcode::kBinary) {
        return bad(WsClose::kUnsupported, "binary data");
    }
    left_ = length_in_head();
    offset_ = 0;
    std::memcpy(mask_, head_ + head_size_ - kMaskBytes, is_masked() ? kMaskBytes : 0);
    head_size_ = 0;
    state_ = State::kPayload;
    if (is_control()) {
        control_.clear();
        return left_ == 0 ? end_control() : WsStep();
    }
    if (!std::exchange(in_message_, true)) {
        message_size_ = 0;
        utf8_.reset();
    }
    if (left_ > message_max_ - std::min<uint64_t>(message_size_, message_max_)) {
        return bad(WsClose::kTooLarge, "a message larger than limits.message_max");
    }
    message_size_ += left_;
    return left_ == 0 ? take_text(nullptr, 0) : WsStep();
}

// --- the payload ---------------------------------------------------------------------

void WsReader::unmask(char* bytes, size_t size) noexcept {
    if (is_masked()) {
        mask_bytes(bytes, size, mask_, offset_);
    }
    offset_ += size;
}

WsStep WsReader::take_text(char* bytes, size_t size) {
    WsStep step;
    step.used = static_cast<size_t>(std::min<uint64_t>(size, left_));
    unmask(bytes, step.used);
    step.bytes = std::string_view(bytes, step.used);
    left_ -= step.used;
    if (!utf8_.feed(step.bytes)) {
        return bad(WsClose::kNotUtf8, "text that is not UTF-8");
    }
    step.kind = step.used > 0 ? WsStep::Kind::kText : WsStep::Kind::kMore;
    if (left_ == 0 && is_final()) {
        if (!utf8_.complete()) {
            return bad(WsClose::kNotUtf8, "text that is not UTF-8");
        }
        in_message_ = false;
        state_ = State::kEnd;
    } else if (left_ == 0) {
        state_ = State::kHead;
    }
    return step;
}

WsStep WsReader::take_control(const char* bytes, size_t size) {
    const size_t used = static_cast<size_t>(std::min<uint64_t>(size, left_));
    control_.append(bytes, used);
    left_ -= used;
    WsStep step = left_ == 0 ? end_control() : WsStep();
    step.used = used;
    return step;
}

WsStep WsReader::end_control() {
    state_ = State::kHead;
    WsStep step;
    step.bytes = control_;
    switch (opcode()) {
        case WsOpcode::kPing:
            step.kind = WsStep::Kind::kPing;
            return step;
        case WsOpcode::kPong:
            step.kind = WsStep::Kind::kPong;
            return step;
        default:
            return end_close();
    }
}

WsStep WsReader::end_close() {
    WsStep step;
    step.kind = WsStep::Kind::kClose;
    if (control_.empty()) {
        return step;
    }
    if (control_.size() < kCodeBytes) {
        return bad(WsClose::kProtocolError, "a close frame with half a code");
    }
    const unsigned code = static_cast<unsigned>(static_cast<uint8_t>(control_[0])) << 8 |
                          static_cast<uint8_t>(control_[1]);
    if (!may_be_sent(code)) {
        return bad(WsClose::kProtocolError, "a close code that cannot be sent");
    }
    step.code = static_cast<WsClose>(code);
    step.bytes = std::string_view(control_).substr(kCodeBytes);
    if (!is_utf8(step.bytes)) {
        return bad(WsClose::kNotUtf8, "a close reason that is not UTF-8");
    }
    return step;
}

// --- writing -------------------------------------------------------------------------

void write_ws_frame(OutQueue& out, WsOpcode opcode, OutQueue&& payload,
                    const std::optional<std::string>& mask) {
    const size_t size = payload.bytes();
    const uint8_t mask_bit = mask ? kMaskBit : 0;
    std::string head(1, static_cast<char>(kFinalBit | static_cast<uint8_t>(opcode)));
    if (size < kLength16) {
        head += static_cast<char>(mask_bit | size);
    } else if (size <= UINT16_MAX) {
        head += static_cast<char>(mask_bit | kLength16);
        append_big_endian(head, size, 2);
    } else {
        head += static_cast<char>(mask_bit | kLength64);
        append_big_endian(head, size, 8);
    }
    if (!mask) {
        out.write(head);
        out.append(std::move(payload));
        return;
    }
    assert(mask->size() == kMaskBytes);
    out.write(head + *mask);
    BlockRef masked = Block::copy_of(payload.to_string());
    mask_bytes(masked->data(), masked->size(), mask->data(), 0);
    out.append(Slice(masked, masked->view()));
}

OutQueue ws_close_payload(WsClose code, std::string_view reason) {
    OutQueue out;
    if (code == WsClose::kNone) {
        return out;
    }
    std::string text;
    append_big_endian(text, static_cast<uint16_t>(code), kCodeBytes);
    while (text.size() < kMaxControlBytes && !reason.empty()) {
        const size_t length = utf8_length(reason);
        if (length == 0 || text.size() + length > kMaxControlBytes) {
            break;
        }
        text += reason.substr(0, length);
        reason.remove_prefix(length);
    }
    out.write(text);
    return out;
}

}  // namespace neuron
