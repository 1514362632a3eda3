#ifndef NEUROND_MCP_REVISION_H
#define NEUROND_MCP_REVISION_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace neuron {

/// Revisions of MCP, ascending.
enum class Revision : uint8_t {
    k20241105,
    k20250326,
    k20250618,
    k20251125,
    k20260728,
};

/// All of them, ascending.
constexpr Revision kRevisions[] = {Revision::k20241105, Revision::k20250326,
                                   Revision::k20250618, Revision::k20251125,
                                   Revision::k20260728};

/// The date that names it on the wire.
const char* to_string(Revision revision) noexcept;
/// Exactly the five dates.
std::optional<Revision> parse_revision(std::string_view text) noexcept;
/// With handshake and session: up to 2025-11-25.
constexpr bool is_legacy(Revision revision) noexcept {
    return revision < Revision::k20260728;
}
/// What a legacy handshake answers to a requested version: the same if it is a legacy one
/// we speak, else the latest of them (mcp-protocol 2.5).
Revision negotiate_legacy(std::string_view requested) noexcept;

}  // namespace neuron

#endif
