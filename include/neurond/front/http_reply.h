#ifndef NEUROND_FRONT_HTTP_REPLY_H
#define NEUROND_FRONT_HTTP_REPLY_H

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/out_queue.h"

namespace neuron {

/// A whole answer.
struct HttpReply {
    int status = 200;
    std::string content_type;  ///< empty = no body
    OutQueue body;
    std::vector<std::pair<std::string, std::string>> fields;
    bool close = false;  ///< end the connection behind it

    static HttpReply text(int status, std::string_view message);
    static HttpReply json(int status, std::string_view body);
    /// 429 (RFC 6585 section 4): come again after that long.
    static HttpReply too_many_requests(Millis wait);
    /// 503: limits.buffer_total is used up; come again in a second.
    static HttpReply busy();
    /// 401 with the challenge of RFC 6750; `wrong`: what was shown counts for nothing.
    static HttpReply unauthorized(bool wrong);
};

}  // namespace neuron

#endif
