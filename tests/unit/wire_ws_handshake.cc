#include "neurond/wire/ws_handshake.h"

#include <doctest/doctest.h>

#include <string>

using namespace neuron;

namespace {

constexpr const char* kUpgrade = "Upgrade: websocket\r\n";
constexpr const char* kConnection = "Connection: keep-alive, Upgrade\r\n";
constexpr const char* kVersion = "Sec-WebSocket-Version: 13\r\n";
constexpr const char* kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

WsHandshake shake(const std::string& fields, const char* version = "1.1") {
    RequestHeadParser parser{HeadLimits()};
    RequestHead head;
    const std::string text =
        std::string("GET /ws HTTP/") + version + "\r\nHost: x\r\n" + fields + "\r\n";
    REQUIRE(parser.parse(text, head).state == Scan::kDone);
    return read_ws_handshake(head);
}

std::string field(const WsHandshake& shaken, std::string_view name) {
    for (const auto& [key, value] : shaken.fields) {
        if (key == name) {
            return value;
        }
    }
    return "";
}

}  // namespace

TEST_CASE("the accept key is that of RFC 6455 section 1.3") {
    CHECK(ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a handshake is taken or refused by section 4.2") {
    const std::string base = std::string(kUpgrade) + kConnection + kVersion + kKey;
    const struct {
        std::string fields;
        int status;
    } rows[] = {
        {base, 101},
        {base + "Sec-WebSocket-Protocol: soap, mcp\r\n", 101},
        {base + "Sec-WebSocket-Protocol: soap\r\nSec-WebSocket-Protocol: mcp\r\n", 101},
        {base + "Content-Length: 0\r\n", 101},
        {base + "Sec-WebSocket-Protocol: soap\r\n", 400},
        {base + "Content-Length: 5\r\n", 400},
        {base + "Transfer-Encoding: chunked\r\n", 400},
        {base + kKey, 400},
        {std::string(kConnection) + kVersion + kKey, 426},
        {std::string(kUpgrade) + kConnection + kKey, 426},
        {std::string(kUpgrade) + kConnection + kKey + "Sec-WebSocket-Version: 12\r\n", 426},
        {std::string(kUpgrade) + kVersion + kKey, 400},
        {std::string(kUpgrade) + kConnection + kVersion, 400},
        {std::string(kUpgrade) + kConnection + kVersion + "Sec-WebSocket-Key: AAAA\r\n",
         400},
    };
    for (const auto& row : rows) {
        CAPTURE(row.fields);
        CHECK(shake(row.fields).status == row.status);
    }
    CHECK(shake(base, "1.0").status == 400);
    CHECK(field(shake(base), "Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(field(shake(base), "Sec-WebSocket-Protocol").empty());
    CHECK(field(shake(rows[1].fields), "Sec-WebSocket-Protocol") == "mcp");
    CHECK(field(shake(rows[9].fields), "Sec-WebSocket-Version") == "13");
}
