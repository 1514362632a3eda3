// From what servers list to what clients see. The bytes of an item stay the server's own;
// only what names it changes.

#include "neurond/mcp/catalog.h"

#include <algorithm>
#include <unordered_set>

#include "neurond/base/glob.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/mcp/wrapped_uri.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

/// The strict form of a name that no other has. A server may choose its names so that the
/// form with the hash is taken as well; then another hash is tried.
std::string free_strict_name(std::string name, std::unordered_set<std::string>& taken) {
    std::string strict = strict_name(name, false);
    for (; !taken.insert(strict).second; name += '.') {
        strict = strict_name(name, true);
    }
    return strict;
}

Slice spliced(const Slice& text, std::vector<Edit> edits) {
    std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
        return a.where.begin < b.where.begin;
    });
    OutQueue out;
    splice(out, text, edits);
    return Slice::copy_of(out.to_string());
}

/// Just behind the quote that begins the description.
Span front_of_description(std::string_view item, const JsonView& view) {
    const JsonView description = view.find("description");
    if (!description.is_string()) {
        return {};
    }
    const auto at = static_cast<size_t>(description.raw().data() - item.data()) + 1;
    return {at, at};
}

/// Tasks are not offered to anybody (mcp-protocol 4.7).
bool is_tasks_only(const JsonView& key) {
    return key.is_string("execution");
}

}  // namespace

const CatalogEntry* Catalog::find(ItemKind kind, std::string_view name) const {
    const List& all = list(kind);
    const auto found = all.index.find(name);
    return found == all.index.end() ? nullptr : &all.entries[found->second];
}

const CatalogPart* Catalog::part(std::string_view downstream) const {
    const auto found =
        std::find_if(parts_.begin(), parts_.end(), [downstream](const CatalogPart& part) {
            return part.name == downstream;
        });
    return found == parts_.end() ? nullptr : &*found;
}

std::string Catalog::exposed_uri(const std::string& downstream,
                                 const std::string& uri) const {
    const CatalogEntry* owner = find(ItemKind::kResource, uri);
    return owner == nullptr || owner->downstream == downstream ? uri
                                                               : wrap_uri(downstream, uri);
}

bool Catalog::same_list(ItemKind kind, const Catalog& other) const {
    const auto& mine = entries(kind);
    const auto& theirs = other.entries(kind);
    return std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end(),
                      [](const CatalogEntry& a, const CatalogEntry& b) {
                          return a.item.view() == b.item.view();
                      });
}

bool Catalog::same_content(const Catalog& other) const {
    return std::all_of(
        std::begin(kItemKinds), std::end(kItemKinds),
        [this, &other](ItemKind kind) { return same_list(kind, other); });
}

std::shared_ptr<const Catalog> Catalog::seen_as(const View& view) const {
    if (view == View()) {
        return shared_from_this();
    }
    std::shared_ptr<const Catalog>& known = views_[view];
    if (known == nullptr) {
        known = make_view(view);
    }
    return known;
}

std::shared_ptr<const Catalog> Catalog::with_offers(
    const std::vector<std::shared_ptr<const Offer>>& offers) const {
    CatalogBuilder builder;
    builder.describe_ = describes_;
    builder.like_ = this;
    builder.parts_ = parts_;
    for (size_t i = 0; i < parts_.size(); ++i) {
        if (offers[i] != nullptr) {
            builder.parts_[i].offer = offers[i];
        }
    }
    return builder.build(separator_);
}

/// URIs are the same in every view, but alone a server has its own.
std::shared_ptr<const Catalog> Catalog::make_view(const View& view) const {
    auto made = std::make_shared<Catalog>();
    made->view_ = view;
    made->describes_ = describes_;
    made->wraps_ = wraps_ && view.space.empty();
    for (const CatalogPart& part : parts_) {
        if (view.space.empty() || part.name == view.space) {
            made->parts_.push_back(part);
        }
    }
    for (const ItemKind kind : kItemKinds) {
        std::unordered_set<std::string> taken;
        for (const CatalogEntry& entry : entries(kind)) {
            if (!view.space.empty() && entry.downstream != view.space) {
                continue;
            }
            CatalogEntry shown = entry;
            shown.name = view.space.empty() ? entry.full_name : entry.own_name;
            if (view.strict && !is_resource(kind)) {
                shown.name = free_strict_name(std::move(shown.name), taken);
            }
            made->add(std::move(shown));
        }
    }
    made->finish();
    return made;
}

/// Puts the name in, takes out what concerns tasks, and leaves out for legacy clients
/// what makes their SDKs refuse the whole list: an output schema that is not an object's.
void Catalog::add(CatalogEntry entry) {
    const Slice& source = entry.source.item;
    const JsonView item(source.view());
    const std::string quoted = json_quote(entry.name);
    const std::string origin = "[" + entry.downstream + "] ";
    std::vector<Edit> edits = {{entry.source.name_span, quoted}};
    if (describes_) {
        if (const Span front = front_of_description(source.view(), item); front.end != 0) {
            edits.push_back({front, origin});
        }
    }
    const JsonView schema = item.find("outputSchema");
    const bool odd = entry.kind == ItemKind::kTool && schema.exists() &&
                     !is_object_schema(schema);
    std::vector<Edit> legacy = edits;
    if (entry.kind == ItemKind::kTool) {
        remove_members(edits, source.view(), item, is_tasks_only);
        remove_members(legacy, source.view(), item, [odd](const JsonView& key) {
            return is_tasks_only(key) || (odd && key.is_string("outputSchema"));
        });
    }
    entry.item = spliced(source, std::move(edits));
    entry.legacy_item = odd ? spliced(source, std::move(legacy)) : entry.item;
    lists_[static_cast<size_t>(entry.kind)].entries.push_back(std::move(entry));
}

void Catalog::finish() {
    for (List& list : lists_) {
        std::sort(list.entries.begin(), list.entries.end(),
                  [](const CatalogEntry& a, const CatalogEntry& b) {
                      return a.name < b.name;
                  });
        for (size_t i = 0; i < list.entries.size(); ++i) {
            list.index.emplace(list.entries[i].name, i);
        }
    }
    if (wraps_) {
        wrap_links();
    }
}

/// A tool's resource (MCP Apps) may be known by another URI here than to its server.
void Catalog::wrap_links() {
    for (CatalogEntry& entry : lists_[static_cast<size_t>(ItemKind::kTool)].entries) {
        for (Slice* item : {&entry.item, &entry.legacy_item}) {
            const JsonView link =
                JsonView(item->view()).find("_meta").find("ui").find("resourceUri");
            const std::string own = link.as_string().value_or("");
            const std::string shown = exposed_uri(entry.downstream, own);
            if (shown != own) {
                const auto at = static_cast<size_t>(link.raw().data() - item->data);
                const std::string quoted = json_quote(shown);
                *item = spliced(*item, {{{at, at + link.raw().size()}, quoted}});
            }
        }
    }
}

bool Exposure::shows(std::string_view own_name) const {
    const auto matches = [own_name](const std::string& glob) {
        return glob_matches(glob, own_name);
    };
    return (expose.empty() || std::any_of(expose.begin(), expose.end(), matches)) &&
           std::none_of(hide.begin(), hide.end(), matches);
}

void CatalogBuilder::add_downstream(std::string name, AnswererHandle answerer,
                                    std::shared_ptr<const Offer> offer,
                                    Exposure exposure) {
    parts_.push_back({std::move(name), answerer, std::move(offer), std::move(exposure)});
}

/// False when another downstream has that name.
bool CatalogBuilder::claim(ItemKind kind, const std::string& full,
                           const std::string& downstream) {
    const auto [owner, first] =
        owners_[static_cast<size_t>(kind)].emplace(full, downstream);
    if (!first) {
        warn("'" + escape(full, 160) + "' is offered by " + owner->second + " and by " +
             downstream + "; " + owner->second +
             (is_resource(kind) ? " keeps it" : " wins"));
    }
    return first;
}

/// Under which an item is known to all; empty when it cannot be shown.
std::string CatalogBuilder::full_name(const CatalogPart& part, ItemKind kind,
                                      const OfferItem& item,
                                      const std::string& separator) {
    if (is_resource(kind)) {
        return claim(kind, item.own_name, part.name) ? item.own_name
                                                     : wrap_uri(part.name, item.own_name);
    }
    std::string full =
        part.exposure.prefixed ? part.name + separator + item.own_name : item.own_name;
    if (full.size() > kMaxToolNameBytes) {
        warn(std::string("left out ") + words_of(kind).word + " '" + escape(full, 160) +
             "': its name is over " + std::to_string(kMaxToolNameBytes) + " bytes");
        return {};
    }
    return claim(kind, full, part.name) ? full : std::string();
}

void CatalogBuilder::add_entry(Catalog& catalog, const CatalogPart& part, ItemKind kind,
                               const OfferItem& item, const std::string& separator) {
    if (!part.exposure.shows(item.own_name)) {
        return;
    }
    const std::string full = full_name(part, kind, item, separator);
    if (full.empty()) {
        return;
    }
    catalog.wraps_ = catalog.wraps_ || (is_resource(kind) && full != item.own_name);
    const CatalogEntry* like = like_ != nullptr ? like_->find(kind, full) : nullptr;
    if (like != nullptr && like->downstream == part.name &&
        like->source.item.data == item.item.data) {
        catalog.lists_[static_cast<size_t>(kind)].entries.push_back(*like);
        return;
    }
    catalog.add({full, full, item.own_name, part.name, part.answerer, item, Slice(),
                 Slice(), kind});
}

void CatalogBuilder::warn(std::string warning) {
    if (warnings_.size() + 1 < kMaxOfferProblems) {
        warnings_.push_back(std::move(warning));
    } else if (warnings_.size() < kMaxOfferProblems) {
        warnings_.emplace_back("more of that");
    }
}

std::shared_ptr<const Catalog> CatalogBuilder::build(const std::string& separator) {
    auto catalog = std::make_shared<Catalog>();
    catalog->separator_ = separator;
    catalog->describes_ = describe_;
    catalog->parts_ = parts_;
    for (const CatalogPart& part : parts_) {
        for (const ItemKind kind : kItemKinds) {
            if (part.offer == nullptr) {
                continue;
            }
            for (const OfferItem& item : part.offer->of(kind).items) {
                add_entry(*catalog, part, kind, item, separator);
            }
        }
    }
    catalog->finish();
    return catalog;
}

}  // namespace neuron
