#ifndef NEUROND_MCP_LOG_LEVEL_H
#define NEUROND_MCP_LOG_LEVEL_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace neuron {

/// Severities of `notifications/message` (mcp-protocol 4.6), most verbose first. Not
/// those of neurond's own log.
enum class MessageLevel : uint8_t {
    kDebug,
    kInfo,
    kNotice,
    kWarning,
    kError,
    kCritical,
    kAlert,
    kEmergency,
};

/// The word on the wire.
const char* to_string(MessageLevel level) noexcept;
/// Exactly the eight words.
std::optional<MessageLevel> parse_message_level(std::string_view text) noexcept;

/// The more verbose of two wishes; nothing = no messages.
constexpr std::optional<MessageLevel> more_verbose(
    std::optional<MessageLevel> a, std::optional<MessageLevel> b) noexcept {
    return !a || (b && *b < *a) ? b : a;
}

/// Whether who wants `wanted` (nothing = no messages) gets one of `level`.
constexpr bool wants(std::optional<MessageLevel> wanted, MessageLevel level) noexcept {
    return wanted && level >= *wanted;
}

}  // namespace neuron

#endif
