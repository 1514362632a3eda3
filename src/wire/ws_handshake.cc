// RFC 6455 section 4: from a GET to a WebSocket.

#include "neurond/wire/ws_handshake.h"

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"

namespace neuron {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view kVersion13 = "13";
constexpr size_t kKeyBytes = 16;
constexpr const char* kWsVersionField = "Sec-WebSocket-Version";
constexpr const char* kKeyField = "Sec-WebSocket-Key";
constexpr const char* kProtocolField = "Sec-WebSocket-Protocol";

WsHandshake refused(int status, const char* why) {
    return {status, why, {}};
}

/// What stands in front of WebSocket itself: an upgrade, and no body that could be taken
/// for frames.
const char* flaw_of_request(const RequestHead& head) {
    const HttpFields& fields = head.fields;
    if (head.minor_version < 1) {
        return "a WebSocket needs HTTP/1.1";
    }
    if (!fields.has_token("Connection", "upgrade")) {
        return "the Connection field does not name Upgrade";
    }
    if (fields.field("Content-Length").value_or("0") != "0" ||
        fields.count("Transfer-Encoding") > 0) {
        return "an upgrade with a body";
    }
    const auto key = base64_decode(fields.field(kKeyField).value_or(""));
    if (fields.count(kKeyField) != 1 || !key || key->size() != kKeyBytes) {
        return "Sec-WebSocket-Key is not 16 bytes in base64";
    }
    if (fields.count(kProtocolField) > 0 &&
        !fields.has_token(kProtocolField, kWsProtocol)) {
        return "the subprotocol mcp is not among those offered";
    }
    return nullptr;
}

}  // namespace

std::string ws_accept_key(std::string_view key) {
    return base64_encode(sha1(std::string(key) + std::string(kGuid)));
}

WsHandshake read_ws_handshake(const RequestHead& head) {
    const HttpFields& fields = head.fields;
    if (!fields.has_token("Upgrade", "websocket")) {
        WsHandshake out = refused(426, "this path speaks WebSocket");
        out.fields = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}};
        return out;
    }
    if (fields.count(kWsVersionField) != 1 || fields.field(kWsVersionField) != kVersion13) {
        WsHandshake out = refused(426, "Sec-WebSocket-Version is not 13");
        out.fields = {{"Upgrade", "websocket"},
                      {"Connection", "Upgrade"},
                      {kWsVersionField, std::string(kVersion13)}};
        return out;
    }
    if (const char* flaw = flaw_of_request(head); flaw != nullptr) {
        return refused(400, flaw);
    }
    WsHandshake out;
    out.fields = {{"Upgrade", "websocket"},
                  {"Connection", "Upgrade"},
                  {"Sec-WebSocket-Accept", ws_accept_key(*fields.field(kKeyField))}};
    if (fields.count(kProtocolField) > 0) {
        out.fields.emplace_back(kProtocolField, kWsProtocol);
    }
    return out;
}

}  // namespace neuron
