#ifndef NEUROND_NET_COUNTED_STREAM_H
#define NEUROND_NET_COUNTED_STREAM_H

#include <cstdint>
#include <memory>

#include "neurond/net/stream.h"

namespace neuron {

/// Bytes that went over streams; of TLS, those inside.
struct ByteCounts {
    uint64_t in = 0;
    uint64_t out = 0;
};

/// The same stream; what it moves is added to `counts`, which outlives its last use.
std::unique_ptr<Stream> counted(std::unique_ptr<Stream> stream, ByteCounts& counts);

}  // namespace neuron

#endif
