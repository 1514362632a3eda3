// A body comes out the same however its bytes are split. The first byte of the input
// chooses the framing.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "neurond/wire/http_body.h"

using namespace neuron;

namespace {

struct Decoded {
    Scan state = Scan::kMore;
    size_t used = 0;
    std::string body;
};

Decoded decode(const BodyFraming& framing, std::string_view in, size_t step) {
    BodyDecoder decoder(framing);
    Decoded all;
    while (!in.empty() && all.state == Scan::kMore) {
        const std::string_view piece = in.substr(0, step);
        const BodyStep found = decoder.decode(piece);
        assert(found.used <= piece.size());
        assert(found.used > 0 || found.state != Scan::kMore);
        assert(found.body.size() <= found.used);
        assert(found.body.empty() ||
               (found.body.data() >= piece.data() &&
                found.body.data() + found.body.size() <= piece.data() + found.used));
        all.state = found.state;
        all.used += found.used;
        all.body += found.body;
        in.remove_prefix(found.used);
    }
    assert(decoder.body_bytes() == all.body.size());
    assert((all.state == Scan::kBad) == (decoder.why()[0] != '\0'));
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) {
        return 0;
    }
    BodyFraming framing;
    framing.kind = data[0] % 4 == 0   ? BodyFraming::Kind::kLength
                   : data[0] % 4 == 1 ? BodyFraming::Kind::kUntilClose
                                      : BodyFraming::Kind::kChunked;
    framing.length = data[0] / 4U;
    const std::string_view in(reinterpret_cast<const char*>(data + 1), size - 1);
    const Decoded whole = decode(framing, in, in.size());
    for (const size_t step : {size_t{1}, size_t{3}}) {
        const Decoded pieces = decode(framing, in, step);
        assert(pieces.state == whole.state);
        assert(pieces.used == whole.used);
        assert(pieces.body == whole.body);
    }
    return 0;
}
