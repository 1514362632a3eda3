#ifndef NEUROND_MCP_RESOURCE_PLACE_H
#define NEUROND_MCP_RESOURCE_PLACE_H

#include <memory>
#include <optional>
#include <string>

#include "neurond/mcp/router.h"
#include "neurond/mcp/subscriptions.h"

namespace neuron {

/// The resource that this client means, whether it may read it or not; null if there is
/// none.
std::shared_ptr<const CatalogEntry> find_resource(const Router& router,
                                                  const std::string& uri,
                                                  const View& view, const Requester& who);

/// Where the resource is of which this client would hear. Nothing when the client may
/// not read it (subscribing follows the rule of its target), or its server tells of no
/// changes.
std::optional<ResourcePlace> find_resource_place(const Router& router,
                                                 const std::string& uri, const View& view,
                                                 const Requester& who);

}  // namespace neuron

#endif
