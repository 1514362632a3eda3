#include "neurond/wire/ws_frame.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace neuron;
using Kind = WsStep::Kind;

namespace {

constexpr size_t kMax = 1000;
const std::string kMask("\x11\x00\xfe\x37", 4);

std::string frame(WsOpcode opcode, std::string_view payload, bool masked = true) {
    OutQueue out;
    OutQueue body;
    body.write(payload);
    write_ws_frame(out, opcode, std::move(body),
                   masked ? std::optional(kMask) : std::nullopt);
    return out.to_string();
}

/// The same, but not the last of its message.
std::string open_frame(WsOpcode opcode, std::string_view payload) {
    std::string out = frame(opcode, payload);
    out[0] = static_cast<char>(out[0] & 0x7f);
    return out;
}

/// All that is read, when `step` bytes come at a time.
std::string read(std::string in, size_t step, WsRole role = WsRole::kServer) {
    WsReader reader(role, kMax);
    std::string log;
    size_t at = 0;
    while (at < in.size()) {
        size_t size = std::min(step, in.size() - at);
        for (;;) {
            const WsStep got = reader.read(in.data() + at, size);
            REQUIRE(got.used <= size);
            at += got.used;
            size -= got.used;
            if (got.kind == Kind::kMore) {
                CHECK(size == 0);
                break;
            }
            switch (got.kind) {
                case Kind::kText:
                    CHECK_FALSE(got.bytes.empty());
                    log += got.bytes;
                    break;
                case Kind::kTextEnd:
                    log += "|";
                    break;
                case Kind::kPing:
                    log += "[ping " + std::string(got.bytes) + "]";
                    break;
                case Kind::kPong:
                    log += "[pong]";
                    break;
                case Kind::kClose:
                    return log + "[close " +
                           std::to_string(static_cast<unsigned>(got.code)) + " " +
                           std::string(got.bytes) + "]";
                default:
                    return log + "[bad " +
                           std::to_string(static_cast<unsigned>(got.code)) + " " +
                           got.why + "]";
            }
        }
    }
    return log + (reader.idle() ? "" : "...");
}

std::string bytes(std::initializer_list<int> values) {
    std::string out;
    for (const int value : values) {
        out += static_cast<char>(value);
    }
    return out;
}

}  // namespace

TEST_CASE("frames mean the same wherever they are cut") {
    const std::string in = frame(WsOpcode::kText, "{}") +
                           open_frame(WsOpcode::kText, "a\xc3") +
                           frame(WsOpcode::kPing, "p") +
                           open_frame(WsOpcode::kContinuation, "") +
                           frame(WsOpcode::kContinuation, "\xa9z") +
                           frame(WsOpcode::kPong, "") + frame(WsOpcode::kText, "") +
                           frame(WsOpcode::kText, std::string(300, 'x')) +
                           frame(WsOpcode::kClose, "\x03\xe8 bye");
    const std::string told = "{}|a\xc3[ping p]\xa9z|[pong]|" + std::string(300, 'x') +
                             "|[close 1000  bye]";
    for (size_t step = 1; step <= in.size(); ++step) {
        CHECK(read(in, step) == told);
    }
}

TEST_CASE("what RFC 6455 does not allow is told with its close code") {
    const std::string big(kMax - 10, 'x');
    const struct {
        std::string in;
        WsRole role;
        const char* told;
    } rows[] = {
        // Masks: by role.
        {frame(WsOpcode::kText, "x", false), WsRole::kServer,
         "[bad 1002 an unmasked frame of a client]"},
        {frame(WsOpcode::kText, "x"), WsRole::kClient,
         "[bad 1002 a masked frame of a server]"},
        {frame(WsOpcode::kText, "x", false), WsRole::kClient, "x|"},
        {frame(WsOpcode::kPing, "", false), WsRole::kClient, "[ping ]"},
        // Bits and opcodes.
        {bytes({0xc1}), WsRole::kServer, "[bad 1002 a reserved bit is set]"},
        {bytes({0x83}), WsRole::kServer, "[bad 1002 a reserved opcode]"},
        {bytes({0x8b}), WsRole::kServer, "[bad 1002 a reserved opcode]"},
        {bytes({0x09}), WsRole::kServer, "[bad 1002 a control frame in fragments]"},
        {bytes({0x89, 0xfe}), WsRole::kServer,
         "[bad 1002 a control frame of more than 125 bytes]"},
        // Fragments.
        {bytes({0x80}), WsRole::kServer, "[bad 1002 a continuation of nothing]"},
        {open_frame(WsOpcode::kText, "") + bytes({0x81}), WsRole::kServer,
         "[bad 1002 a message inside another message]"},
        {open_frame(WsOpcode::kText, "a"), WsRole::kServer, "a..."},
        // Lengths.
        {bytes({0x81, 0xfe, 0, 125, 0, 0, 0, 0}), WsRole::kServer,
         "[bad 1002 a length that is not in its shortest form]"},
        {bytes({0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}),
         WsRole::kServer, "[bad 1002 a length that is not in its shortest form]"},
        {bytes({0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), WsRole::kServer,
         "[bad 1002 a length above 2^63]"},
        {bytes({0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}),
         WsRole::kServer, "[bad 1009 a message larger than limits.message_max]"},
        {bytes({0x81, 0xfe, 0x03, 0xe9, 0, 0, 0, 0}), WsRole::kServer,
         "[bad 1009 a message larger than limits.message_max]"},
        {bytes({0x81, 0xfe, 0x03, 0xe8, 0, 0, 0, 0}), WsRole::kServer, "..."},
        // Kinds of data, and text.
        {frame(WsOpcode::kBinary, ""), WsRole::kServer, "[bad 1003 binary data]"},
        {frame(WsOpcode::kText, "\xff"), WsRole::kServer,
         "[bad 1007 text that is not UTF-8]"},
        {frame(WsOpcode::kText, "\xe2"), WsRole::kServer,
         "[bad 1007 text that is not UTF-8]"},
        // Close frames.
        {frame(WsOpcode::kClose, ""), WsRole::kServer, "[close 0 ]"},
        {frame(WsOpcode::kClose, "\x03"), WsRole::kServer,
         "[bad 1002 a close frame with half a code]"},
        {frame(WsOpcode::kClose, "\x03\xed"), WsRole::kServer,
         "[bad 1002 a close code that cannot be sent]"},
        {frame(WsOpcode::kClose, "\x0f\xa0"), WsRole::kServer, "[close 4000 ]"},
        {frame(WsOpcode::kClose, "\x03\xe8\xff"), WsRole::kServer,
         "[bad 1007 a close reason that is not UTF-8]"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.told);
        CHECK(read(row.in, row.in.size(), row.role) == row.told);
        CHECK(read(row.in, 1, row.role) == row.told);
    }
    CHECK(read(open_frame(WsOpcode::kText, big) +
                   frame(WsOpcode::kContinuation, "12345678901"),
               5000) == big + "[bad 1009 a message larger than limits.message_max]");
}

TEST_CASE("every length is written in its shortest form, and read back") {
    for (const size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 70000u}) {
        const std::string text(size, 'y');
        for (const bool masked : {false, true}) {
            std::string in = frame(WsOpcode::kText, text, masked);
            const size_t head = size < 126 ? 2 : size <= 65535 ? 4 : 10;
            CHECK(in.size() == head + (masked ? 4 : 0) + size);
            WsReader reader(masked ? WsRole::kServer : WsRole::kClient, 100000);
            WsStep step = reader.read(in.data(), in.size());
            if (size > 0) {
                CHECK(step.kind == Kind::kText);
                CHECK(step.bytes == text);
                step = reader.read(nullptr, 0);
            }
            CHECK(step.kind == Kind::kTextEnd);
            CHECK(reader.idle());
        }
    }
}

TEST_CASE("a payload can be received where it stays") {
    WsReader reader(WsRole::kServer, kMax);
    std::string in = frame(WsOpcode::kText, "abcdefghij");
    CHECK(reader.payload_left() == 0);
    CHECK(reader.read(in.data(), 9).bytes == "abc");
    CHECK(reader.payload_left() == 7);
    std::string rest = in.substr(9);
    CHECK(reader.read(rest.data(), 7).bytes == "defghij");
    CHECK(reader.payload_left() == 0);
    CHECK(reader.read(nullptr, 0).kind == Kind::kTextEnd);
}

TEST_CASE("a close reason is cut at a code point, to fit in a control frame") {
    CHECK(ws_close_payload(WsClose::kNone, "x").empty());
    CHECK(ws_close_payload(WsClose::kGoingAway, "x").to_string() == "\x03\xe9x");
    std::string reason(122, 'r');
    reason += "\xc3\xa9";
    CHECK(ws_close_payload(WsClose::kNormal, reason).bytes() == 124);
    CHECK(ws_close_payload(WsClose::kNormal, std::string(500, 'r')).bytes() == 125);
    CHECK(ws_close_payload(WsClose::kNormal, "a\xff").to_string() == "\x03\xe8" "a");
}
