#ifndef NEUROND_MCP_CLIENT_CAPS_H
#define NEUROND_MCP_CLIENT_CAPS_H

#include <cstdint>
#include <string>

#include "neurond/wire/json_view.h"

namespace neuron {

/// What a client declared, in `initialize` or with a modern request, that neurond can act
/// on. A set of bits.
struct ClientCaps {
    enum Bit : uint16_t {
        kRoots = 1,
        kRootsListChanged = 2,
        kSampling = 4,
        kSamplingTools = 8,
        kSamplingContext = 16,
        kElicitationForm = 32,
        kElicitationUrl = 64,
    };
    uint16_t bits = 0;

    bool has(Bit bit) const noexcept { return (bits & bit) != 0; }
    /// `capabilities` may be absent. `elicitation: {}` means forms (mcp-protocol 4.2).
    static ClientCaps parse(const JsonView& capabilities);
    /// The capabilities object that declares just these.
    std::string to_json() const;
};

/// What of it may be declared to a server: what neurond carries to the client and back.
ClientCaps relayable(ClientCaps declared) noexcept;

}  // namespace neuron

#endif
