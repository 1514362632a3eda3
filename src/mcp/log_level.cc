// The eight words by which MCP names how bad a message is.

#include "neurond/mcp/log_level.h"

namespace neuron {

namespace {

constexpr const char* kWords[] = {"debug", "info",     "notice", "warning",
                                  "error", "critical", "alert",  "emergency"};

}  // namespace

const char* to_string(MessageLevel level) noexcept {
    return kWords[static_cast<uint8_t>(level)];
}

std::optional<MessageLevel> parse_message_level(std::string_view text) noexcept {
    for (uint8_t i = 0; i < sizeof kWords / sizeof kWords[0]; ++i) {
        if (text == kWords[i]) {
            return static_cast<MessageLevel>(i);
        }
    }
    return std::nullopt;
}

}  // namespace neuron
