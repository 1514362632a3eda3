// Resources have no names to route by. A URI stays as its server gave it, and leads back
// to the server by what is known of it.

#include "neurond/mcp/uri_route.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/mcp/uri_template.h"
#include "neurond/mcp/wrapped_uri.h"

namespace neuron {

namespace {

std::string_view scheme_of(std::string_view uri) {
    return uri.substr(0, uri.find(':'));
}

using Test = bool (*)(const CatalogPart& part, const UriSightings& sightings,
                      const std::string& uri);

bool has_template(const CatalogPart& part, const UriSightings&, const std::string& uri) {
    const auto& items = part.offer->of(ItemKind::kTemplate).items;
    const size_t count = std::min(items.size(), kMaxMatchedTemplates);
    return std::any_of(
        items.begin(), items.begin() + static_cast<std::ptrdiff_t>(count),
        [&uri](const OfferItem& item) { return template_matches(item.own_name, uri); });
}

bool has_mentioned(const CatalogPart& part, const UriSightings& sightings,
                   const std::string& uri) {
    return sightings.has(part.name, uri);
}

bool has_scheme(const CatalogPart& part, const UriSightings&, const std::string& uri) {
    const std::string_view scheme = scheme_of(uri);
    for (const ItemKind kind : {ItemKind::kResource, ItemKind::kTemplate}) {
        for (const OfferItem& item : part.offer->of(kind).items) {
            if (scheme_of(item.own_name) == scheme) {
                return true;
            }
        }
    }
    return false;
}

bool has_resources(const CatalogPart& part, const UriSightings&, const std::string&) {
    return part.offer->caps.resources;
}

struct Rung {
    Test test;
    bool alone;  ///< counts only for one server
};
constexpr Rung kRungs[] = {
    {has_template, false},
    {has_mentioned, false},
    {has_scheme, true},
    {has_resources, true},
};

/// The first server that passes the test; none if it is to be the only one and is not.
const CatalogPart* find_part(const Catalog& seen, const UriSightings& sightings,
                             const std::string& uri, const Rung& rung) {
    const CatalogPart* found = nullptr;
    for (const CatalogPart& part : seen.parts()) {
        if (part.offer == nullptr || !rung.test(part, sightings, uri)) {
            continue;
        }
        if (found != nullptr) {
            return rung.alone ? nullptr : found;
        }
        found = &part;
    }
    return found;
}

std::shared_ptr<const CatalogEntry> entry_for(const Catalog& merged,
                                              const CatalogPart& part,
                                              const std::string& name,
                                              const std::string& own) {
    if (!part.exposure.shows(own)) {
        return nullptr;
    }
    auto out = std::make_shared<CatalogEntry>();
    out->kind = ItemKind::kResource;
    out->name = name;
    out->full_name = merged.exposed_uri(part.name, own);
    out->own_name = own;
    out->downstream = part.name;
    out->answerer = part.answerer;
    return out;
}

}  // namespace

void UriSightings::saw(const std::string& downstream, const std::string& uri) {
    if (uri.size() > kMaxUriBytes) {
        return;
    }
    Seen& seen = seen_[downstream];
    if (!seen.uris.insert(uri).second) {
        return;
    }
    seen.order.push_back(uri);
    if (seen.order.size() > kMaxUriSightings) {
        seen.uris.erase(seen.order.front());
        seen.order.pop_front();
    }
}

bool UriSightings::has(const std::string& downstream, const std::string& uri) const {
    const auto found = seen_.find(downstream);
    return found != seen_.end() && found->second.uris.count(uri) != 0;
}

std::shared_ptr<const CatalogEntry> route_uri(const Catalog& merged, const Catalog& seen,
                                              const UriSightings& sightings,
                                              const std::string& uri) {
    if (uri.empty() || uri.size() > kMaxUriBytes) {
        return nullptr;
    }
    if (const CatalogEntry* listed = seen.find(ItemKind::kResource, uri);
        listed != nullptr) {
        return {seen.shared_from_this(), listed};
    }
    if (const std::optional<WrappedUri> wrapped = unwrap_uri(uri); wrapped) {
        const CatalogPart* part = seen.part(wrapped->downstream);
        if (part != nullptr && part->offer != nullptr) {
            return entry_for(merged, *part, uri, wrapped->uri);
        }
    }
    for (const Rung& rung : kRungs) {
        if (const CatalogPart* part = find_part(seen, sightings, uri, rung);
            part != nullptr) {
            return entry_for(merged, *part, uri, uri);
        }
    }
    return nullptr;
}

}  // namespace neuron
