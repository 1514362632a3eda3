// The five revisions and their names on the wire.

#include "neurond/mcp/revision.h"

namespace neuron {

const char* to_string(Revision revision) noexcept {
    switch (revision) {
        case Revision::k20241105:
            return "2024-11-05";
        case Revision::k20250326:
            return "2025-03-26";
        case Revision::k20250618:
            return "2025-06-18";
        case Revision::k20251125:
            return "2025-11-25";
        case Revision::k20260728:
            break;
    }
    return "2026-07-28";
}

std::optional<Revision> parse_revision(std::string_view text) noexcept {
    for (const Revision revision : kRevisions) {
        if (to_string(revision) == text) {
            return revision;
        }
    }
    return std::nullopt;
}

Revision negotiate_legacy(std::string_view requested) noexcept {
    const std::optional<Revision> known = parse_revision(requested);
    return known && is_legacy(*known) ? *known : Revision::k20251125;
}

}  // namespace neuron
