// A subscription goes where reading would go.

#include "neurond/mcp/resource_place.h"

#include "neurond/mcp/list_pages.h"

namespace neuron {

std::shared_ptr<const CatalogEntry> find_resource(const Router& router,
                                                  const std::string& uri,
                                                  const View& view,
                                                  const Requester& who) {
    const auto merged = router.catalog_for(who);
    return route_uri(*merged, *merged->seen_as(view), router.sightings(), uri);
}

std::optional<ResourcePlace> find_resource_place(const Router& router,
                                                 const std::string& uri, const View& view,
                                                 const Requester& who) {
    const Rules& rules = router.rules();
    const auto merged = router.catalog_for(who);
    const auto entry = find_resource(router, uri, view, who);
    if (entry == nullptr || !decide(*rules.policy, who.identity, *entry).allowed) {
        return std::nullopt;
    }
    const CatalogPart* part = merged->part(entry->downstream);
    if (part == nullptr || part->offer == nullptr || !part->offer->caps.subscribe) {
        return std::nullopt;
    }
    Answerer* server = router.parties().answerers.find(part->answerer);
    const auto source = server != nullptr ? server->update_source(who) : std::nullopt;
    if (!source) {
        return std::nullopt;
    }
    return ResourcePlace{entry->downstream, entry->own_name, *source};
}

}  // namespace neuron
