// Answers that are there at once.

#include "neurond/front/http_reply.h"

namespace neuron {

HttpReply HttpReply::text(int status, std::string_view message) {
    HttpReply reply;
    reply.status = status;
    reply.content_type = "text/plain; charset=utf-8";
    reply.body.write(message);
    reply.body.write("\n");
    return reply;
}

HttpReply HttpReply::json(int status, std::string_view body) {
    HttpReply reply;
    reply.status = status;
    reply.content_type = "application/json";
    reply.body.write(body);
    return reply;
}

HttpReply HttpReply::too_many_requests(Millis wait) {
    HttpReply reply = text(429, "429 Too Many Requests");
    reply.fields.emplace_back("Retry-After", std::to_string(whole_seconds(wait)));
    return reply;
}

HttpReply HttpReply::busy() {
    HttpReply reply = text(503, "503 Service Unavailable: too much is in flight");
    reply.fields.emplace_back("Retry-After", "1");
    return reply;
}

HttpReply HttpReply::unauthorized(bool wrong) {
    HttpReply reply = text(401, wrong ? "401 Unauthorized: this token is not known"
                                      : "401 Unauthorized: a client certificate or a "
                                        "bearer token is needed");
    reply.fields.emplace_back("WWW-Authenticate",
                              wrong ? "Bearer realm=\"neurond\", error=\"invalid_token\""
                                    : "Bearer realm=\"neurond\"");
    return reply;
}

}  // namespace neuron
