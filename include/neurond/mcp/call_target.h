#ifndef NEUROND_MCP_CALL_TARGET_H
#define NEUROND_MCP_CALL_TARGET_H

#include <memory>
#include <optional>

#include "neurond/mcp/catalog.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/uri_route.h"

namespace neuron {

/// The list in which the target of such a call stands.
ItemKind item_kind(CallKind kind) noexcept;

/// What a call is meant for, in the client's view of the merged catalog; null if nothing.
std::shared_ptr<const CatalogEntry> find_target(const Catalog& merged, const Catalog& seen,
                                                const UriSightings& sightings,
                                                const CallRequest& request);
/// Why it is not there, when a downstream that is not up is to blame.
std::optional<Missing> why_target_missing(const Directory& directory,
                                          const CallRequest& request);

// The errors for a target, in the words of its kind.
OwnError unknown_target(const CallRequest& request);
OwnError denied_target(const CallRequest& request);

}  // namespace neuron

#endif
