#ifndef NEUROND_MCP_IDENTITY_H
#define NEUROND_MCP_IDENTITY_H

#include <string>

namespace neuron {

/// Who is calling, as policy and audit see it (DESIGN 1.4).
struct Identity {
    std::string name;  ///< "anonymous", "uid:1000"
    std::string peer;  ///< where from: "127.0.0.1:51234", "unix uid 7 pid 4711"

    friend bool operator==(const Identity& a, const Identity& b) {
        return a.name == b.name;  // the peer may reconnect and is still the same caller
    }
    friend bool operator!=(const Identity& a, const Identity& b) { return !(a == b); }
};

/// The party (CallRequest) of a caller without a session.
inline std::string identity_party(const Identity& identity) {
    return "identity:" + identity.name;
}

}  // namespace neuron

#endif
