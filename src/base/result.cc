// The one place where an errno becomes words, so that all messages share one grammar.

#include "neurond/base/result.h"

#include <cstring>

namespace neuron {

Error sys_error(std::string_view verb, std::string_view object, int err) {
    std::string message(verb);
    if (!object.empty()) {
        message.append(" ").append(object);
    }
    return Error{message + ": " + std::strerror(err), err};
}

}  // namespace neuron
