#ifndef NEUROND_FRONT_CREDENTIALS_H
#define NEUROND_FRONT_CREDENTIALS_H

#include <optional>
#include <string>

#include "neurond/front/http_conn.h"

namespace neuron {

/// By what somebody was let in who stays longer than a request.
struct Credentials {
    HttpConn::Peer peer;
    std::optional<std::string> token{};  ///< shown_token() of the request
    Identity identity{};                 ///< that this made
};

}  // namespace neuron

#endif
