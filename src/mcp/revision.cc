// The five revisions and their names on the wire.

#include "neurond/mcp/revision.h"

#include <iterator>

namespace neuron {

namespace {

constexpr std::string_view kNames[] = {"2024-11-05", "2025-03-26", "2025-06-18",
                                       "2025-11-25", "2026-07-28"};

}  // namespace

std::string_view to_string(Revision revision) noexcept {
    return kNames[static_cast<size_t>(revision)];
}

std::optional<Revision> parse_revision(std::string_view text) noexcept {
    for (size_t i = 0; i < std::size(kNames); ++i) {
        if (kNames[i] == text) {
            return static_cast<Revision>(i);
        }
    }
    return std::nullopt;
}

Revision negotiate_legacy(std::string_view requested) noexcept {
    const std::optional<Revision> known = parse_revision(requested);
    return known && is_legacy(*known) ? *known : Revision::k20251125;
}

}  // namespace neuron
