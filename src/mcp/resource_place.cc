// A subscription goes where reading would go.

#include "neurond/mcp/resource_place.h"

#include "neurond/mcp/list_pages.h"

namespace neuron {

std::optional<ResourcePlace> find_resource_place(const Router& router,
                                                 const std::string& uri, const View& view,
                                                 const Identity& identity) {
    const Rules& rules = router.rules();
    const auto seen = rules.catalog->seen_as(view);
    const auto entry = route_uri(*rules.catalog, *seen, router.sightings(), uri);
    if (entry == nullptr || !decide(*rules.policy, identity, *entry).allowed) {
        return std::nullopt;
    }
    const CatalogPart* part = rules.catalog->part(entry->downstream);
    if (part == nullptr || part->offer == nullptr || !part->offer->caps.subscribe) {
        return std::nullopt;
    }
    return ResourcePlace{entry->downstream, entry->own_name};
}

}  // namespace neuron
