// What all requests to one HTTP server have in common.

#include "neurond/net/http_target.h"

#include <algorithm>

#include "neurond/base/text.h"
#include "neurond/base/version.h"
#include "neurond/wire/trace_context.h"

namespace neuron {

namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

bool is_named(const HttpTarget& target, std::string_view name) {
    return std::any_of(target.forward_headers.begin(), target.forward_headers.end(),
                       [name](const std::string& each) {
                           return equals_ignoring_case(each, name);
                       });
}

}  // namespace

bool is_forwarded(const HttpTarget& target, std::string_view name) {
    return is_trace_field(name) || equals_ignoring_case(name, "X-Request-Id") ||
           is_named(target, name);
}

std::vector<std::string> forwarded_values(
    const HttpTarget& target,
    const std::vector<std::pair<std::string, std::string>>& fields) {
    std::vector<std::string> out;
    for (const auto& [name, value] : fields) {
        if (is_named(target, name)) {
            out.push_back(value);
        }
    }
    return out;
}

std::string authority_of(const Url& url) {
    const std::string host = url.ipv6 ? "[" + url.host + "]" : url.host;
    const uint16_t usual = url.scheme == "https" ? kHttpsPort : kHttpPort;
    return url.port == usual ? host : host + ":" + std::to_string(url.port);
}

HttpHeadWriter request_head(const HttpTarget& target, std::string_view method,
                            std::string_view path_and_query) {
    HttpHeadWriter head = HttpHeadWriter::request(method, path_and_query);
    head.field("Host", authority_of(target.url));
    head.field("User-Agent", std::string("neurond/") + kVersion);
    for (const auto& [name, value] : target.headers) {
        head.try_field(name, value);
    }
    return head;
}

}  // namespace neuron
