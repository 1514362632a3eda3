// The other name of a resource whose URI is taken.

#include "neurond/mcp/wrapped_uri.h"

#include <algorithm>

#include "neurond/base/encode.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr std::string_view kPrefix = "neurond://";

}  // namespace

std::string wrap_uri(std::string_view downstream, std::string_view uri) {
    std::string out(kPrefix);
    out.append(downstream).append("/");
    while (!uri.empty()) {
        const size_t open = uri.find('{');
        const size_t close = std::min(uri.find('}', open), uri.size() - 1);
        const size_t plain = std::min(open, uri.size());
        out += percent_encode(uri.substr(0, plain));
        if (plain == uri.size()) {
            break;
        }
        out.append(uri.substr(plain, close + 1 - plain));
        uri.remove_prefix(close + 1);
    }
    return out;
}

std::optional<WrappedUri> unwrap_uri(std::string_view uri) {
    const size_t slash =
        starts_with(uri, kPrefix) ? uri.find('/', kPrefix.size()) : std::string_view::npos;
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    std::optional<std::string> inner = percent_decode(uri.substr(slash + 1));
    if (!inner || inner->empty()) {
        return std::nullopt;
    }
    return WrappedUri{std::string(uri.substr(kPrefix.size(), slash - kPrefix.size())),
                      std::move(*inner)};
}

}  // namespace neuron
