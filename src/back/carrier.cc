// What went wrong on the way to a server, in the words its callers are told.

#include "neurond/back/carrier.h"

namespace neuron {

const char* error_type(RequestFailure::Kind kind) noexcept {
    switch (kind) {
        case RequestFailure::Kind::kUnsent:
        case RequestFailure::Kind::kLost:
            return "crash";
        case RequestFailure::Kind::kProtocol:
        case RequestFailure::Kind::kTooLarge:
            return "protocol";
        case RequestFailure::Kind::kUnreachable:
        case RequestFailure::Kind::kSessionExpired:
        case RequestFailure::Kind::kUnauthorized:
        case RequestFailure::Kind::kStatus:
            break;
    }
    return "unavailable";
}

}  // namespace neuron
