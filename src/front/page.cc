// Pages: handlers that are one function.

#include "neurond/front/page.h"

#include <algorithm>
#include <utility>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

std::optional<HttpReply> refuse_method(std::string_view method,
                                       std::string_view methods) {
    for (const std::string_view allowed : split(methods, ',')) {
        if (trim(allowed) == method) {
            return std::nullopt;
        }
    }
    constexpr std::string_view kKnown[] = {"GET",    "HEAD",  "POST",    "PUT",
                                           "DELETE", "PATCH", "OPTIONS", "TRACE"};
    const bool known =
        std::find(std::begin(kKnown), std::end(kKnown), method) != std::end(kKnown);
    HttpReply reply = method == "OPTIONS" ? HttpReply()
                      : known ? HttpReply::text(405, "405 Method Not Allowed")
                              : HttpReply::text(501, "501 Not Implemented");
    if (method == "OPTIONS") {
        reply.status = 204;
    }
    reply.fields.emplace_back("Allow", std::string(methods) + ", OPTIONS");
    return reply;
}

std::optional<HttpReply> Page::on_head(const HttpRequest& request) {
    return refuse_method(request.head.method, methods_);
}

/// Small ones are answered whatever happens: they say how we are.
void Page::on_request(HttpConn& conn, const HttpRequest& request) {
    HttpReply reply = serve_(request);
    const bool large = reply.body.bytes() > kSmallBytes;
    conn.reply(large && Block::exhausted() ? HttpReply::busy() : std::move(reply));
}

}  // namespace neuron
