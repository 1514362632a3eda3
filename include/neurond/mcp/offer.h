#ifndef NEUROND_MCP_OFFER_H
#define NEUROND_MCP_OFFER_H

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "neurond/base/block.h"
#include "neurond/base/result.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_span.h"
#include "neurond/wire/json_view.h"

namespace neuron {

/// What servers list.
enum class ItemKind : uint8_t { kTool, kPrompt, kResource, kTemplate };
constexpr ItemKind kItemKinds[] = {ItemKind::kTool, ItemKind::kPrompt,
                                   ItemKind::kResource, ItemKind::kTemplate};
constexpr size_t kItemKindCount = 4;

/// The words that the protocol has for a kind of item.
struct ItemWords {
    const char* word;    ///< "resource template", for people
    const char* method;  ///< "resources/templates/list"
    const char* array;   ///< "resourceTemplates": the member of the result
    const char* key;     ///< "uriTemplate": the member that tells items apart
};
const ItemWords& words_of(ItemKind kind) noexcept;

/// The kinds that one capability is about: resources and their templates are one.
constexpr bool is_resource(ItemKind kind) noexcept {
    return kind == ItemKind::kResource || kind == ItemKind::kTemplate;
}

/// Something a server listed.
struct OfferItem {
    std::string own_name;  ///< its name, its URI or its URI template
    Slice item;            ///< the server's own bytes
    Span name_span;        ///< the value of that in them
};

/// What a server declared that it can do. `tasks` is ignored: neurond carries none.
struct ServerCaps {
    bool tools = false;
    bool prompts = false;
    bool resources = false;
    bool subscribe = false;  ///< to resources
    bool list_changed = false;  ///< it tells of at least one list
    bool logging = false;
    bool completions = false;

    /// `capabilities` as the server sent them; may be absent.
    static ServerCaps parse(const JsonView& capabilities);
    bool has(ItemKind kind) const noexcept;
    friend bool operator==(const ServerCaps& a, const ServerCaps& b) noexcept;
};

/// How long, and for whom, a list may be kept (mcp-protocol 4.8). What a legacy server
/// lists, nobody may keep.
struct CacheHint {
    int64_t ttl_ms = 0;
    bool is_public = false;

    /// Of a result. What is missing or not valid is the strictest.
    static CacheHint parse(const JsonView& result);
    /// Both hold.
    CacheHint and_also(CacheHint other) const noexcept;
    friend bool operator==(CacheHint a, CacheHint b) noexcept {
        return a.ttl_ms == b.ttl_ms && a.is_public == b.is_public;
    }
};

/// What one downstream offers, complete. Immutable once published.
struct Offer {
    /// Of one kind, in the order of the list.
    struct List {
        std::vector<OfferItem> items;
        std::unordered_set<std::string> names;  ///< their own names
        size_t bytes = 0;
        CacheHint hint;
    };
    std::array<List, kItemKindCount> lists;
    std::vector<std::string> problems;  ///< what was left out and why: the first of it
    ServerCaps caps;
    std::string instructions;
    Revision revision = Revision::k20251125;  ///< that its server speaks

    List& of(ItemKind kind) { return lists[static_cast<size_t>(kind)]; }
    const List& of(ItemKind kind) const { return lists[static_cast<size_t>(kind)]; }
    const std::vector<OfferItem>& tools() const { return of(ItemKind::kTool).items; }
    size_t bytes() const;
};

/// Whether both say the same, byte for byte.
bool same_offer(const Offer& a, const Offer& b);

/// One copy of what several instances of a server offer alike.
class OfferPool {
  public:
    /// The copy of this offer that somebody has already, or itself.
    std::shared_ptr<const Offer> share(std::shared_ptr<const Offer> offer);

  private:
    std::vector<std::weak_ptr<const Offer>> known_;
};

/// Adds the items of one page, `result` being the validated result of a list request, to
/// an offer. An item that clients could not take (no name, no object schema, a member of
/// the wrong type), that is there already, or that can only be run as a task is left out
/// and noted: one odd item never costs the list. `cursor` is set when another page
/// follows; an empty string is a cursor too, null is none. Fails when the result is no
/// such list, or over kMaxItems or kMaxOfferBytes.
Status parse_page(ItemKind kind, const Slice& result, Offer& into,
                  std::optional<std::string>& cursor);

/// Whether clients of all revisions take it as the schema of a tool.
bool is_object_schema(const JsonView& schema);

/// Notes a problem of an offer; bounded, because a server may have any number of them.
void note_problem(Offer& offer, std::string problem);

}  // namespace neuron

#endif
