#ifndef NEUROND_NET_HTTP_TARGET_H
#define NEUROND_NET_HTTP_TARGET_H

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/out_queue.h"
#include "neurond/base/url.h"
#include "neurond/net/tls_context.h"
#include "neurond/wire/http_write.h"

namespace neuron {

/// An HTTP server that neurond calls, and what it may cost us.
struct HttpTarget {
    std::string server;  ///< its name in the log
    Url url;
    bool loopback_only = false;  ///< transport = localhost
    std::shared_ptr<TlsContext> tls;  ///< for https; null for http
    std::vector<std::pair<std::string, std::string>> headers;  ///< with every request
    std::vector<std::string> forward_headers;  ///< of clients, by name
    size_t max_connections = 20;
    size_t idle_connections = 5;
    /// How long a connection is kept idle when the server does not say how long it does.
    /// Common servers close a silent connection after 5 s; to send into one that is just
    /// being closed would lose the request.
    Millis idle_time{4000};
    size_t message_max = 10000000;
    size_t header_max = 16 * 1024;
    unsigned json_depth = 64;
};

/// Whether a header of this name goes with calls; those of a trace, and X-Request-Id,
/// always do.
bool is_forwarded(const HttpTarget& target, std::string_view name);
/// The values of those of `fields` that forward_headers names: what clients say of
/// themselves is not for the eyes of others.
std::vector<std::string> forwarded_values(
    const HttpTarget& target,
    const std::vector<std::pair<std::string, std::string>>& fields);
/// "host:port" as the Host field has it.
std::string authority_of(const Url& url);
/// A request head with what every request to this server carries: Host, User-Agent, and
/// the configured headers.
HttpHeadWriter request_head(const HttpTarget& target, std::string_view method,
                            std::string_view path_and_query);

}  // namespace neuron

#endif
