#ifndef NEUROND_MCP_URI_ROUTE_H
#define NEUROND_MCP_URI_ROUTE_H

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "neurond/mcp/catalog.h"

namespace neuron {

/// URIs that servers mentioned in results without listing them, so that they can be read
/// all the same. Bounded for each server: the oldest is forgotten first.
class UriSightings {
  public:
    void saw(const std::string& downstream, const std::string& uri);
    bool has(const std::string& downstream, const std::string& uri) const;

  private:
    struct Seen {
        std::unordered_set<std::string> uris;
        std::deque<std::string> order;
    };
    std::unordered_map<std::string, Seen> seen_;
};

/// Who answers for a URI of a client's, by the order of mcp-protocol 4.3: listed; wrapped
/// for one server; an expansion of a template; seen in a result; of a scheme only one
/// server has; the only server that has resources. Null when nobody does. `merged` is the
/// whole of which `seen` is the client's view: policy and audit know things by its names.
std::shared_ptr<const CatalogEntry> route_uri(const Catalog& merged, const Catalog& seen,
                                              const UriSightings& sightings,
                                              const std::string& uri);

}  // namespace neuron

#endif
