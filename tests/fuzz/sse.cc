// A stream tells the same events however it is split, and an event written anew is read
// back as it was.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "neurond/wire/sse.h"

using namespace neuron;

namespace {

constexpr size_t kMaxEvent = 512;

/// All that a stream tells. With `rewritten`, the events are also written there anew.
std::string read(std::string_view in, size_t step, OutQueue* rewritten) {
    SseDecoder decoder(kMaxEvent);
    std::string all;
    while (!in.empty()) {
        const SseStep found = decoder.decode(in.substr(0, step));
        assert(found.used <= step && found.used <= in.size());
        assert(found.used > 0 || found.state == Scan::kBad);
        in.remove_prefix(found.used);
        if (found.state == Scan::kBad) {
            return all + "!";
        }
        if (found.state == Scan::kDone) {
            const std::string event(decoder.event());
            const BlockRef data = decoder.take_data();
            assert(data && !data->view().empty() && data->size() <= kMaxEvent);
            all += "[" + event + "|" + std::string(data->view()) + "]";
            if (rewritten != nullptr && event.find('\0') == std::string::npos) {
                // The default name is left out: written, it would count as kept.
                write_sse_event(*rewritten, event == "message" ? "" : event,
                                data->view());
            }
        }
    }
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view in(reinterpret_cast<const char*>(data), size);
    OutQueue rewritten;
    const std::string whole = read(in, size + 1, &rewritten);
    assert(read(in, 1, nullptr) == whole);
    assert(read(in, 3, nullptr) == whole);
    if (whole.find('\0') == std::string::npos && whole.find('!') == std::string::npos) {
        const std::string text = rewritten.to_string();
        assert(read(text, text.size() + 1, nullptr) == whole);
    }
    return 0;
}
