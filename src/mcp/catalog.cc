// From what servers list to what clients see. The bytes of a tool stay the server's own;
// only the value of its name changes.

#include "neurond/mcp/catalog.h"

#include <algorithm>

#include "neurond/base/glob.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"
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

}  // namespace

const CatalogEntry* Catalog::find(std::string_view name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &entries_[found->second];
}

bool Catalog::same_content(const Catalog& other) const {
    return std::equal(entries_.begin(), entries_.end(), other.entries_.begin(),
                      other.entries_.end(),
                      [](const CatalogEntry& a, const CatalogEntry& b) {
                          return a.item.view() == b.item.view();
                      });
}

std::shared_ptr<const Catalog> Catalog::seen_as(const View& view) const {
    if (view == View()) {
        return shared_from_this();
    }
    std::shared_ptr<const Catalog>& known = views_[view];
    if (known == nullptr) {
        auto made = std::make_shared<Catalog>();
        std::unordered_set<std::string> taken;
        for (const CatalogEntry& entry : entries_) {
            if (!view.space.empty() && entry.downstream != view.space) {
                continue;
            }
            CatalogEntry shown = entry;
            shown.name = view.space.empty() ? entry.full_name : entry.own_name;
            if (view.strict) {
                shown.name = free_strict_name(std::move(shown.name), taken);
            }
            made->add(std::move(shown));
        }
        made->finish();
        known = std::move(made);
    }
    return known;
}

/// Puts the name in, and leaves out for legacy clients what makes their SDKs refuse the
/// whole list: an output schema that is not an object's.
void Catalog::add(CatalogEntry entry) {
    const std::string quoted = json_quote(entry.name);
    const Edit name{entry.tool.name_span, quoted};
    const auto spliced = [&entry](const std::vector<Edit>& edits) {
        OutQueue out;
        splice(out, entry.tool.item, edits);
        return Slice::copy_of(out.to_string());
    };
    entry.item = spliced({name});
    entry.legacy_item = entry.item;
    const JsonView tool(entry.tool.item.view());
    const JsonView schema = tool.find("outputSchema");
    if (schema.exists() && !is_object_schema(schema)) {
        std::vector<Edit> edits = {name};
        remove_members(edits, entry.tool.item.view(), tool, [](const JsonView& key) {
            return key.is_string("outputSchema");
        });
        std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
            return a.where.begin < b.where.begin;
        });
        entry.legacy_item = spliced(edits);
    }
    entries_.push_back(std::move(entry));
}

void Catalog::finish() {
    std::sort(
        entries_.begin(), entries_.end(),
        [](const CatalogEntry& a, const CatalogEntry& b) { return a.name < b.name; });
    for (size_t i = 0; i < entries_.size(); ++i) {
        index_.emplace(entries_[i].name, i);
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
    parts_.push_back(
        {std::move(name), answerer, std::move(offer), std::move(exposure)});
}

void CatalogBuilder::add_entry(Catalog& catalog, const Part& part,
                               const OfferItem& tool, const std::string& separator) {
    if (!part.exposure.shows(tool.own_name)) {
        return;
    }
    const std::string full =
        part.exposure.prefixed ? part.name + separator + tool.own_name : tool.own_name;
    if (full.size() > kMaxToolNameBytes) {
        warn("left out tool '" + escape(full, 160) + "': its name is over " +
             std::to_string(kMaxToolNameBytes) + " bytes");
        return;
    }
    const auto [owner, first] = owners_.emplace(full, part.name);
    if (!first) {
        warn("'" + escape(full) + "' is offered by " + owner->second + " and by " +
             part.name + "; " + owner->second + " wins");
        return;
    }
    catalog.add(
        {full, full, tool.own_name, part.name, part.answerer, tool, Slice(), Slice()});
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
    for (const Part& part : parts_) {
        for (const OfferItem& tool : part.offer->tools()) {
            add_entry(*catalog, part, tool, separator);
        }
    }
    catalog->finish();
    return catalog;
}

}  // namespace neuron
