// Names for clients whose model API takes few characters.

#include "neurond/mcp/view.h"

#include <algorithm>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"

namespace neuron {

namespace {

constexpr size_t kStrictBytes = 64;
constexpr size_t kHashDigits = 8;

bool is_strict(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-';
}

}  // namespace

std::string strict_name(std::string_view name, bool distinct) {
    std::string out(name);
    std::replace_if(out.begin(), out.end(), [](char c) { return !is_strict(c); }, '_');
    if (out.size() > kStrictBytes || distinct || out.empty()) {
        out.resize(std::min(out.size(), kStrictBytes - kHashDigits - 1));
        out += "_" + hex_encode(sha256(name)).substr(0, kHashDigits);
    }
    return out;
}

}  // namespace neuron
