#ifndef NEUROND_WIRE_WS_HANDSHAKE_H
#define NEUROND_WIRE_WS_HANDSHAKE_H

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/wire/http_head.h"

namespace neuron {

/// The subprotocol of MCP over WebSocket.
constexpr std::string_view kWsProtocol = "mcp";

/// What a server makes of a request to upgrade (RFC 6455 section 4.2). Origin and Host are
/// looked at elsewhere, as for every request.
struct WsHandshake {
    int status = 101;      ///< else the request is refused with it
    const char* why = "";  ///< for people, when refused
    /// Header fields of the answer, whatever it is.
    std::vector<std::pair<std::string, std::string>> fields;
};

/// `head` is a GET. A client that offers subprotocols has to offer "mcp"; one that offers
/// none is taken, too. Extensions are not.
WsHandshake read_ws_handshake(const RequestHead& head);

/// Sec-WebSocket-Accept for this Sec-WebSocket-Key (section 4.2.2).
std::string ws_accept_key(std::string_view key);

}  // namespace neuron

#endif
