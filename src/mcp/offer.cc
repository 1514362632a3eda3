// From the pages of a server's lists to what it offers. The bytes of an item stay the
// server's own.

#include "neurond/mcp/offer.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr ItemWords kWords[] = {
    {"tool", "tools/list", "tools", "name"},
    {"prompt", "prompts/list", "prompts", "name"},
    {"resource", "resources/list", "resources", "uri"},
    {"resource template", "resources/templates/list", "resourceTemplates",
     "uriTemplate"},
};

/// A member whose type clients check (mcp-protocol 4.10). They drop a whole list for one
/// that is of another type, and where a name is there twice they see the last, which is
/// not the one we replace.
struct Member {
    std::string_view key;
    JsonType type;
};
using Members = std::vector<Member>;

const Members& members_of(ItemKind kind) {
    constexpr JsonType kString = JsonType::kString;
    constexpr JsonType kObject = JsonType::kObject;
    constexpr JsonType kArray = JsonType::kArray;
    static const Members all[] = {
        {{"name", kString},
         {"title", kString},
         {"description", kString},
         {"inputSchema", kObject},
         {"outputSchema", kObject},
         {"annotations", kObject},
         {"execution", kObject},
         {"icons", kArray},
         {"_meta", kObject}},
        {{"name", kString},
         {"title", kString},
         {"description", kString},
         {"arguments", kArray},
         {"icons", kArray},
         {"_meta", kObject}},
        {{"uri", kString},
         {"name", kString},
         {"title", kString},
         {"description", kString},
         {"mimeType", kString},
         {"size", JsonType::kNumber},
         {"annotations", kObject},
         {"icons", kArray},
         {"_meta", kObject}},
        {{"uriTemplate", kString},
         {"name", kString},
         {"title", kString},
         {"description", kString},
         {"mimeType", kString},
         {"annotations", kObject},
         {"icons", kArray},
         {"_meta", kObject}},
    };
    return all[static_cast<size_t>(kind)];
}

/// The first member that is not as it should be; empty when all are.
std::string_view odd_member(const JsonView& object, const Members& members) {
    unsigned seen = 0;
    for (const JsonPair& pair : object.members()) {
        for (size_t i = 0; i < members.size(); ++i) {
            if (!pair.key.is_string(members[i].key)) {
                continue;
            }
            if (pair.value.type() != members[i].type || (seen >> i & 1U) != 0) {
                return members[i].key;
            }
            seen |= 1U << i;
        }
    }
    return {};
}

/// What only tools have; empty when it is as it must be.
std::string odd_tool(const JsonView& tool) {
    if (!is_object_schema(tool.find("inputSchema"))) {
        return "its inputSchema is not of type object";
    }
    if (tool.find("execution").find("taskSupport").is_string("required")) {
        return "it can only be called as a task";
    }
    return {};
}

/// What only prompts have.
std::string odd_prompt(const JsonView& prompt) {
    static const Members members = {{"name", JsonType::kString},
                                    {"title", JsonType::kString},
                                    {"description", JsonType::kString},
                                    {"required", JsonType::kBool}};
    for (const JsonView argument : prompt.find("arguments").elements()) {
        if (!argument.find("name").is_string() ||
            !odd_member(argument, members).empty()) {
            return "one of its arguments is not as it must be";
        }
    }
    return {};
}

/// Why clients could not take this item; empty when they can.
std::string unusable(ItemKind kind, const JsonView& item,
                     const std::optional<std::string>& name) {
    if (!item.is_object()) {
        return "it is not an object";
    }
    if (const std::string_view odd = odd_member(item, members_of(kind)); !odd.empty()) {
        return "its " + std::string(odd) + " is of the wrong type or there twice";
    }
    if (!name || name->empty()) {
        return std::string("it has no ") + words_of(kind).key;
    }
    if (is_resource(kind) && !item.find("name").is_string()) {
        return "it has no name";
    }
    if (is_resource(kind) && name->size() > kMaxUriBytes) {
        return std::string("its ") + words_of(kind).key + " is too long";
    }
    return kind == ItemKind::kTool     ? odd_tool(item)
           : kind == ItemKind::kPrompt ? odd_prompt(item)
                                       : std::string();
}

void take_item(ItemKind kind, const JsonView& view, Offer& into) {
    const ItemWords& words = words_of(kind);
    Offer::List& list = into.of(kind);
    const JsonView name_value = view.find(words.key);
    const std::optional<std::string> name = name_value.as_string();
    std::string why = unusable(kind, view, name);
    if (why.empty() && !list.names.insert(*name).second) {
        why = "it is listed twice";
    }
    if (!why.empty()) {
        note_problem(into, std::string("left out ") + words.word + " '" +
                               escape(name.value_or("?"), 128) + "': " + why);
        return;
    }
    OfferItem item;
    item.own_name = *name;
    item.item = Slice::copy_of(view.raw());
    const auto at = static_cast<size_t>(name_value.raw().data() - view.raw().data());
    item.name_span = {at, at + name_value.raw().size()};
    list.bytes += view.raw().size();
    list.items.push_back(std::move(item));
}

}  // namespace

const ItemWords& words_of(ItemKind kind) noexcept {
    return kWords[static_cast<size_t>(kind)];
}

bool is_object_schema(const JsonView& schema) {
    static const Members members = {{"type", JsonType::kString},
                                    {"properties", JsonType::kObject},
                                    {"required", JsonType::kArray}};
    return schema.find("type").is_string("object") &&
           odd_member(schema, members).empty();
}

ServerCaps ServerCaps::parse(const JsonView& capabilities) {
    const auto has = [&capabilities](const char* key) {
        return capabilities.find(key).is_object();
    };
    ServerCaps out;
    out.tools = has("tools");
    out.prompts = has("prompts");
    out.resources = has("resources");
    out.subscribe =
        capabilities.find("resources").find("subscribe").as_bool().value_or(false);
    for (const char* key : {"tools", "prompts", "resources"}) {
        const JsonView told = capabilities.find(key).find("listChanged");
        out.list_changed = out.list_changed || told.as_bool().value_or(false);
    }
    out.logging = has("logging");
    out.completions = has("completions");
    return out;
}

bool operator==(const ServerCaps& a, const ServerCaps& b) noexcept {
    return a.tools == b.tools && a.prompts == b.prompts && a.resources == b.resources &&
           a.subscribe == b.subscribe && a.list_changed == b.list_changed &&
           a.logging == b.logging && a.completions == b.completions;
}

bool ServerCaps::has(ItemKind kind) const noexcept {
    return kind == ItemKind::kTool     ? tools
           : kind == ItemKind::kPrompt ? prompts
                                       : resources;
}

CacheHint CacheHint::parse(const JsonView& result) {
    const std::optional<int64_t> ttl = result.find("ttlMs").as_int64();
    CacheHint out;
    out.ttl_ms = std::max<int64_t>(ttl.value_or(0), 0);
    out.is_public = ttl && result.find("cacheScope").is_string("public");
    return out;
}

CacheHint CacheHint::and_also(CacheHint other) const noexcept {
    return {std::min(ttl_ms, other.ttl_ms), is_public && other.is_public};
}

size_t Offer::bytes() const {
    size_t sum = 0;
    for (const List& list : lists) {
        sum += list.bytes;
    }
    return sum;
}

void note_problem(Offer& offer, std::string problem) {
    if (offer.problems.size() + 1 < kMaxOfferProblems) {
        offer.problems.push_back(std::move(problem));
    } else if (offer.problems.size() < kMaxOfferProblems) {
        offer.problems.emplace_back("more of that");
    }
}

Status parse_page(ItemKind kind, const Slice& result, Offer& into,
                  std::optional<std::string>& cursor) {
    const ItemWords& words = words_of(kind);
    Offer::List& list = into.of(kind);
    const JsonView view(result.view());
    const JsonView items = view.find(words.array);
    if (!items.is_array()) {
        return Error{
            std::string("its ") + words.method + " has no array of " + words.array, 0};
    }
    const CacheHint hint = CacheHint::parse(view);
    list.hint = list.items.empty() ? hint : list.hint.and_also(hint);
    for (const JsonView item : items.elements()) {
        take_item(kind, item, into);
        if (list.items.size() > kMaxItems || into.bytes() > kMaxOfferBytes) {
            return Error{"it lists more than " + std::to_string(kMaxItems) + " " +
                             words.word + "s or " + std::to_string(kMaxOfferBytes) +
                             " bytes",
                         0};
        }
    }
    cursor = view.find("nextCursor").as_string();
    return Ok{};
}

bool same_offer(const Offer& a, const Offer& b) {
    for (const ItemKind kind : kItemKinds) {
        const Offer::List& mine = a.of(kind);
        const Offer::List& theirs = b.of(kind);
        const bool same =
            mine.hint == theirs.hint &&
            std::equal(mine.items.begin(), mine.items.end(), theirs.items.begin(),
                       theirs.items.end(), [](const OfferItem& x, const OfferItem& y) {
                           return x.item.view() == y.item.view();
                       });
        if (!same) {
            return false;
        }
    }
    return a.caps == b.caps && a.instructions == b.instructions &&
           a.revision == b.revision;
}

std::shared_ptr<const Offer> OfferPool::share(std::shared_ptr<const Offer> offer) {
    known_.erase(std::remove_if(known_.begin(), known_.end(),
                                [](const auto& each) { return each.expired(); }),
                 known_.end());
    for (const std::weak_ptr<const Offer>& each : known_) {
        std::shared_ptr<const Offer> known = each.lock();
        if (same_offer(*known, *offer)) {
            return known;
        }
    }
    known_.push_back(offer);
    return offer;
}

}  // namespace neuron
