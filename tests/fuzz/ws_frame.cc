// A stream of frames tells the same however it is split, and a text told is well-formed and
// within its bound.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "neurond/base/text.h"
#include "neurond/wire/ws_frame.h"

using namespace neuron;

namespace {

constexpr size_t kMaxMessage = 300;

/// All that the reader tells. Texts of a message are told as one.
std::string read(std::string in, size_t step, WsRole role) {
    WsReader reader(role, kMaxMessage);
    std::string all;
    std::string text;
    size_t at = 0;
    for (size_t room = 0; at < in.size() || room > 0;) {
        room = std::min(step, in.size() - at);
        for (;;) {
            const uint64_t left = reader.payload_left();
            const WsStep got = reader.read(in.data() + at, room);
            assert(got.used <= room);
            at += got.used;
            room -= got.used;
            if (got.kind == WsStep::Kind::kMore) {
                assert(room == 0);
                break;
            }
            if (got.kind == WsStep::Kind::kText) {
                assert(!got.bytes.empty() && (left == 0 || got.bytes.size() <= left));
                text += got.bytes;
                assert(text.size() <= kMaxMessage);
                continue;
            }
            if (got.kind == WsStep::Kind::kTextEnd) {
                assert(is_utf8(text));
                all += "text " + text + ";";
                text.clear();
                continue;
            }
            all += std::to_string(static_cast<int>(got.kind)) + " " +
                   std::to_string(static_cast<unsigned>(got.code)) + " " + got.why;
            if (got.kind == WsStep::Kind::kBad) {
                return all;
            }
            assert(got.bytes.size() <= 125);
            all += std::string(got.bytes) + ";";
            if (got.kind == WsStep::Kind::kClose) {
                assert(is_utf8(got.bytes));
                return all;
            }
        }
    }
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string in(reinterpret_cast<const char*>(data), size);
    for (const WsRole role : {WsRole::kServer, WsRole::kClient}) {
        const std::string whole = read(in, size + 1, role);
        assert(read(in, 1, role) == whole);
        assert(read(in, 3, role) == whole);
        assert(read(in, 7, role) == whole);
    }
    return 0;
}
