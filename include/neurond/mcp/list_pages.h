#ifndef NEUROND_MCP_LIST_PAGES_H
#define NEUROND_MCP_LIST_PAGES_H

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "neurond/mcp/catalog.h"
#include "neurond/mcp/identity.h"
#include "neurond/mcp/policy.h"

namespace neuron {

/// `page_size` and the key that cursors are made with.
struct ListSettings {
    size_t page_size = 0;  ///< 0: a list is one page
    std::string cursor_key;
};

/// Who is shown the catalog: what of it, is for the policy to say.
struct Viewer {
    const Catalog& catalog;  ///< in the client's view
    const Policy& policy;
    const Identity& identity;

    bool sees(const CatalogEntry& entry) const;
};

/// The rule of the policy that speaks of things of this kind.
PolicyKind policy_kind(ItemKind kind) noexcept;
PolicyDecision decide(const Policy& policy, const Identity& identity,
                      const CatalogEntry& entry);

struct ListPage {
    std::vector<const CatalogEntry*> entries;
    std::optional<std::string> next;  ///< the cursor of the next page; none on the last
};

/// A page of a list as `viewer` sees it. A cursor says behind which name its page begins,
/// so it stays good whatever comes and goes meanwhile. Nothing when `cursor` is not one
/// of ours for this list in this view.
std::optional<ListPage> list_page(ItemKind kind, const std::optional<std::string>& cursor,
                                  const Viewer& viewer, const ListSettings& settings);

}  // namespace neuron

#endif
