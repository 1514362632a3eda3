#ifndef NEUROND_FRONT_CORS_H
#define NEUROND_FRONT_CORS_H

// What lets pages of other origins read answers: the CORS protocol of the Fetch standard.
// No credentials of a browser's own (cookies) are ever allowed.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/front/http_reply.h"
#include "neurond/wire/http_head.h"

namespace neuron {

/// The fields of any answer to a page of `origin`, which is allowed. Without one, what
/// keeps caches from giving this answer to a page.
std::vector<std::pair<std::string, std::string>> cors_fields(
    std::optional<std::string_view> origin);

/// The answer, when this asks whether a request may follow (preflight).
std::optional<HttpReply> answer_preflight(const RequestHead& head);

}  // namespace neuron

#endif
