// Which fields a page may send and read. A browser sends its preflight without any proof
// of who it is, so that the answer must not depend on one.

#include "neurond/front/cors.h"

namespace neuron {

namespace {

constexpr const char* kMethods = "GET, HEAD, POST, DELETE";
/// "*" is for the parameters of tools (Mcp-Param-…); Authorization is not among it.
constexpr const char* kSent =
    "Authorization, Content-Type, Last-Event-ID, Mcp-Session-Id, MCP-Protocol-Version, "
    "Mcp-Method, Mcp-Name, X-Request-Id, *";
constexpr const char* kRead =
    "Mcp-Session-Id, MCP-Protocol-Version, X-Request-Id, Retry-After, WWW-Authenticate";
constexpr const char* kMaxAgeSeconds = "600";

}  // namespace

std::vector<std::pair<std::string, std::string>> cors_fields(
    std::optional<std::string_view> origin) {
    std::vector<std::pair<std::string, std::string>> out{{"Vary", "Origin"}};
    if (origin) {
        out.emplace_back("Access-Control-Allow-Origin", *origin);
        out.emplace_back("Access-Control-Expose-Headers", kRead);
    }
    return out;
}

std::optional<HttpReply> answer_preflight(const RequestHead& head) {
    if (head.method != "OPTIONS" || !head.fields.field("Origin") ||
        !head.fields.field("Access-Control-Request-Method")) {
        return std::nullopt;
    }
    HttpReply reply;
    reply.status = 204;
    reply.fields.emplace_back("Access-Control-Allow-Methods", kMethods);
    reply.fields.emplace_back("Access-Control-Allow-Headers", kSent);
    reply.fields.emplace_back("Access-Control-Max-Age", kMaxAgeSeconds);
    return reply;
}

}  // namespace neuron
