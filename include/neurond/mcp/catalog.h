#ifndef NEUROND_MCP_CATALOG_H
#define NEUROND_MCP_CATALOG_H

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "neurond/base/block.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/offer.h"
#include "neurond/mcp/view.h"

namespace neuron {

/// Something of a server's that can be asked for.
struct CatalogEntry {
    std::string name;       ///< what clients of this view call it; of a resource, its URI
    std::string full_name;  ///< what policy and audit call it, whatever the view
    std::string own_name;   ///< what its server calls it
    std::string downstream;
    AnswererHandle answerer;
    OfferItem source;  ///< as its server listed it; empty for what is in no list
    Slice item;        ///< the same with `name` in it: ready to be listed
    /// The same for legacy clients, whose parsers take less (mcp-protocol 4.9).
    Slice legacy_item;
    ItemKind kind = ItemKind::kTool;
};

/// What of a downstream is shown, and how.
struct Exposure {
    bool prefixed = true;             ///< `prefix`
    std::vector<std::string> expose;  ///< globs on own names; none = all
    std::vector<std::string> hide;    ///< globs on own names

    bool shows(std::string_view own_name) const;
};

/// A downstream as the catalog knows it.
struct CatalogPart {
    std::string name;
    AnswererHandle answerer;
    std::shared_ptr<const Offer> offer;  ///< null while it is not up
    Exposure exposure;
};

/// The merged lists, or a view of them, as an immutable snapshot.
class Catalog : public std::enable_shared_from_this<Catalog> {
  public:
    const CatalogEntry* find(ItemKind kind, std::string_view name) const;
    /// A tool.
    const CatalogEntry* find(std::string_view name) const {
        return find(ItemKind::kTool, name);
    }
    /// Sorted by name, bytewise: the same things always give the same list.
    const std::vector<CatalogEntry>& entries(ItemKind kind = ItemKind::kTool) const {
        return list(kind).entries;
    }
    /// In configured order.
    const std::vector<CatalogPart>& parts() const noexcept { return parts_; }
    const CatalogPart* part(std::string_view downstream) const;
    const View& view() const noexcept { return view_; }
    /// What clients of this view call a URI of that downstream's: the same, or wrapped
    /// when another one has it.
    std::string exposed_uri(const std::string& downstream, const std::string& uri) const;
    /// Whether some URI is offered by two servers.
    bool wraps() const noexcept { return wraps_; }
    /// Whether a client would see the same list.
    bool same_list(ItemKind kind, const Catalog& other) const;
    bool same_content(const Catalog& other) const;
    /// The part and the names that a view shows, made once. Only of the merged list,
    /// which is the view {}.
    std::shared_ptr<const Catalog> seen_as(const View& view) const;
    /// The same with other offers, one for each of parts(); null = as it is. Only of the
    /// merged list. What stays the same shares its bytes.
    std::shared_ptr<const Catalog> with_offers(
        const std::vector<std::shared_ptr<const Offer>>& offers) const;

  private:
    friend class CatalogBuilder;
    struct List {
        std::vector<CatalogEntry> entries;
        std::unordered_map<std::string_view, size_t> index;  ///< into entries
    };
    const List& list(ItemKind kind) const { return lists_[static_cast<size_t>(kind)]; }
    std::shared_ptr<const Catalog> make_view(const View& view) const;
    void add(CatalogEntry entry);
    void wrap_links();
    void finish();

    View view_;
    std::string separator_;
    bool describes_ = false;
    bool wraps_ = false;
    std::vector<CatalogPart> parts_;
    std::array<List, kItemKindCount> lists_;
    mutable std::map<View, std::shared_ptr<const Catalog>> views_;
};

/// Merges offers. Of two things with one full name the first configured wins; of two
/// resources with one URI it keeps it, and the other's is wrapped.
class CatalogBuilder {
  public:
    /// Descriptions begin with the downstream's name.
    void describe_prefix() { describe_ = true; }
    /// In configured order. `offer` is null while the downstream is not up.
    void add_downstream(std::string name, AnswererHandle answerer,
                        std::shared_ptr<const Offer> offer, Exposure exposure = {});
    std::shared_ptr<const Catalog> build(const std::string& separator);
    /// Collisions and names that are too long, after build(); not all of very many.
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  private:
    friend class Catalog;
    using Owners = std::unordered_map<std::string, std::string>;

    void add_entry(Catalog& catalog, const CatalogPart& part, ItemKind kind,
                   const OfferItem& item, const std::string& separator);
    std::string full_name(const CatalogPart& part, ItemKind kind, const OfferItem& item,
                          const std::string& separator);
    bool claim(ItemKind kind, const std::string& full, const std::string& downstream);
    void warn(std::string warning);

    bool describe_ = false;
    const Catalog* like_ = nullptr;  ///< has many of the same things
    std::vector<CatalogPart> parts_;
    std::vector<std::string> warnings_;
    std::array<Owners, kItemKindCount> owners_;  ///< full name → downstream
};

}  // namespace neuron

#endif
