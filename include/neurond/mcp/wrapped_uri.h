#ifndef NEUROND_MCP_WRAPPED_URI_H
#define NEUROND_MCP_WRAPPED_URI_H

#include <optional>
#include <string>
#include <string_view>

namespace neuron {

/// `neurond://NAME/<percent-encoded uri>`: what a URI is called that another server,
/// configured before this one, offers too (DESIGN 1.5). The expressions of a URI template
/// stay as they are.
std::string wrap_uri(std::string_view downstream, std::string_view uri);

struct WrappedUri {
    std::string downstream;
    std::string uri;
};
/// Nothing unless it is such a URI.
std::optional<WrappedUri> unwrap_uri(std::string_view uri);

}  // namespace neuron

#endif
