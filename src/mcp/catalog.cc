// From what servers list to what clients see. The bytes of a tool stay the server's own;
// only the value of its name changes.

#include "neurond/mcp/catalog.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

/// Why clients could not take this tool; empty when they can. SDKs drop a whole list for
/// one tool without an object schema (mcp-protocol 4.9).
std::string_view unusable(const JsonView& tool, const std::optional<std::string>& name) {
    if (!tool.is_object() || !name || name->empty()) {
        return "it has no name";
    }
    if (!tool.find("inputSchema").find("type").is_string("object")) {
        return "its inputSchema is not of type object";
    }
    return {};
}

void take_tool(const JsonView& tool, Offer& into) {
    const JsonView name_value = tool.find("name");
    const std::optional<std::string> name = name_value.as_string();
    std::string_view why = unusable(tool, name);
    if (why.empty() && !into.names.insert(*name).second) {
        why = "it is listed twice";
    }
    if (!why.empty()) {
        into.problems.push_back("left out tool '" + escape(name.value_or("?"), 128) +
                                "': " + std::string(why));
        return;
    }
    ToolItem item;
    item.own_name = *name;
    item.item = Slice::copy_of(tool.raw());
    const auto at = static_cast<size_t>(name_value.raw().data() - tool.raw().data());
    item.name_span = {at, at + name_value.raw().size()};
    into.bytes += tool.raw().size();
    into.tools.push_back(std::move(item));
}

}  // namespace

Status parse_tools_page(const Slice& result, Offer& into,
                        std::optional<std::string>& cursor) {
    const JsonView view(result.view());
    const JsonView tools = view.find("tools");
    if (!tools.is_array()) {
        return Error{"its tools/list has no array of tools", 0};
    }
    for (const JsonView tool : tools.elements()) {
        take_tool(tool, into);
        if (into.tools.size() > kMaxTools || into.bytes > kMaxOfferBytes) {
            return Error{"it lists more than " + std::to_string(kMaxTools) + " tools or " +
                             std::to_string(kMaxOfferBytes) + " bytes",
                         0};
        }
    }
    cursor = view.find("nextCursor").as_string();
    return Ok{};
}

const CatalogEntry* Catalog::find(std::string_view full_name) const {
    const auto found = index_.find(full_name);
    return found == index_.end() ? nullptr : &entries_[found->second];
}

bool Catalog::same_content(const Catalog& other) const {
    return std::equal(entries_.begin(), entries_.end(), other.entries_.begin(),
                      other.entries_.end(),
                      [](const CatalogEntry& a, const CatalogEntry& b) {
                          return a.item.view() == b.item.view();
                      });
}

void CatalogBuilder::add_downstream(std::string name, AnswererHandle answerer,
                                    std::shared_ptr<const Offer> offer) {
    parts_.push_back({std::move(name), answerer, std::move(offer)});
}

void CatalogBuilder::add_entry(Catalog& catalog, const Part& part, const ToolItem& tool,
                               const std::string& separator) {
    const std::string full = part.name + separator + tool.own_name;
    if (full.size() > kMaxToolNameBytes) {
        warnings_.push_back("left out tool '" + escape(full, 160) + "': its name is over " +
                            std::to_string(kMaxToolNameBytes) + " bytes");
        return;
    }
    const auto [owner, first] = owners_.emplace(full, part.name);
    if (!first) {
        warnings_.push_back("'" + full + "' is offered by " + owner->second + " and by " +
                            part.name + "; " + owner->second + " wins");
        return;
    }
    const std::string quoted = json_quote(full);
    OutQueue spliced;
    splice(spliced, tool.item, {{tool.name_span, quoted}});
    catalog.entries_.push_back({full, tool.own_name, part.name, part.answerer,
                                Slice::copy_of(spliced.to_string())});
}

std::shared_ptr<const Catalog> CatalogBuilder::build(const std::string& separator) {
    auto catalog = std::make_shared<Catalog>();
    for (const Part& part : parts_) {
        for (const ToolItem& tool : part.offer->tools) {
            add_entry(*catalog, part, tool, separator);
        }
    }
    std::sort(catalog->entries_.begin(), catalog->entries_.end(),
              [](const CatalogEntry& a, const CatalogEntry& b) {
                  return a.full_name < b.full_name;
              });
    for (size_t i = 0; i < catalog->entries_.size(); ++i) {
        catalog->index_.emplace(catalog->entries_[i].full_name, i);
    }
    return catalog;
}

}  // namespace neuron
