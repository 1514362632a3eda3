#ifndef NEUROND_MCP_CATALOG_H
#define NEUROND_MCP_CATALOG_H

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "neurond/base/block.h"
#include "neurond/base/result.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/offer.h"
#include "neurond/mcp/view.h"
#include "neurond/wire/json_span.h"

namespace neuron {

/// A tool as it can be called.
struct CatalogEntry {
    std::string name;       ///< what clients of this view call it
    std::string full_name;  ///< what policy and audit call it, whatever the view
    std::string own_name;   ///< what its server calls it
    std::string downstream;
    AnswererHandle answerer;
    OfferItem tool;  ///< as its server listed it
    Slice item;      ///< the same with `name` in it: ready to be listed
    /// The same for legacy clients, whose parsers take less (mcp-protocol 4.9).
    Slice legacy_item;
};

/// The merged list, or a view of it, as an immutable snapshot.
class Catalog : public std::enable_shared_from_this<Catalog> {
  public:
    const CatalogEntry* find(std::string_view name) const;
    /// Sorted by name, bytewise: the same tools always give the same list.
    const std::vector<CatalogEntry>& entries() const noexcept { return entries_; }
    /// Whether a client would see the same list.
    bool same_content(const Catalog& other) const;
    /// The part and the names that a view shows, made once. Only of the merged list,
    /// which is the view {}.
    std::shared_ptr<const Catalog> seen_as(const View& view) const;

  private:
    friend class CatalogBuilder;
    void add(CatalogEntry entry);
    void finish();

    std::vector<CatalogEntry> entries_;
    std::unordered_map<std::string_view, size_t> index_;  ///< into entries_
    mutable std::map<View, std::shared_ptr<const Catalog>> views_;
};

/// What of a downstream is shown, and how.
struct Exposure {
    bool prefixed = true;             ///< `prefix`
    std::vector<std::string> expose;  ///< globs on own names; none = all
    std::vector<std::string> hide;    ///< globs on own names

    bool shows(std::string_view own_name) const;
};

/// Merges offers. Of two things with one full name the first configured wins.
class CatalogBuilder {
  public:
    /// In configured order.
    void add_downstream(std::string name, AnswererHandle answerer,
                        std::shared_ptr<const Offer> offer, Exposure exposure = {});
    std::shared_ptr<const Catalog> build(const std::string& separator);
    /// Collisions and names that are too long, after build(); not all of very many.
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  private:
    struct Part {
        std::string name;
        AnswererHandle answerer;
        std::shared_ptr<const Offer> offer;
        Exposure exposure;
    };
    void add_entry(Catalog& catalog, const Part& part, const OfferItem& tool,
                   const std::string& separator);
    void warn(std::string warning);

    std::vector<Part> parts_;
    std::vector<std::string> warnings_;
    std::unordered_map<std::string, std::string> owners_;  ///< full name → downstream
};

}  // namespace neuron

#endif
