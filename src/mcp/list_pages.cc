// Lists in pieces. Nothing is kept between two pages: the cursor says all.

#include "neurond/mcp/list_pages.h"

#include <algorithm>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"

namespace neuron {

namespace {

constexpr size_t kMacBytes = 16;

/// Bound to the list and the view, so that a cursor means nothing elsewhere.
std::string mac_of(ItemKind kind, const View& view, std::string_view name,
                   const std::string& key) {
    std::string text = words_of(kind).method;
    text.append(view.strict ? "\n1\n" : "\n0\n").append(view.space).append("\n");
    text.append(name);
    return hmac_sha256(key, text).substr(0, kMacBytes);
}

/// The name behind which the page begins.
std::optional<std::string> read_cursor(ItemKind kind, const std::string& cursor,
                                       const View& view, const std::string& key) {
    const std::optional<std::string> bytes = base64url_decode(cursor);
    if (!bytes || bytes->size() <= kMacBytes) {
        return std::nullopt;
    }
    std::string name = bytes->substr(kMacBytes);
    if (!constant_time_equals(bytes->substr(0, kMacBytes),
                              mac_of(kind, view, name, key))) {
        return std::nullopt;
    }
    return name;
}

}  // namespace

PolicyKind policy_kind(ItemKind kind) noexcept {
    return kind == ItemKind::kTool     ? PolicyKind::kTool
           : kind == ItemKind::kPrompt ? PolicyKind::kPrompt
                                       : PolicyKind::kResource;
}

/// A wrapped URI is meant by rules about the URI itself, too.
PolicyDecision decide(const Policy& policy, const Identity& identity,
                      const CatalogEntry& entry) {
    return policy.decide(identity.name, policy_kind(entry.kind), entry.full_name,
                         is_resource(entry.kind) ? entry.own_name : std::string_view());
}

bool Viewer::sees(const CatalogEntry& entry) const {
    return decide(policy, identity, entry).allowed;
}

std::optional<ListPage> list_page(ItemKind kind, const std::optional<std::string>& cursor,
                                  const Viewer& viewer, const ListSettings& settings) {
    const std::vector<CatalogEntry>& all = viewer.catalog.entries(kind);
    const View& view = viewer.catalog.view();
    auto at = all.begin();
    if (cursor) {
        const auto behind = read_cursor(kind, *cursor, view, settings.cursor_key);
        if (!behind) {
            return std::nullopt;
        }
        at = std::upper_bound(
            all.begin(), all.end(), *behind,
            [](const std::string& name, const CatalogEntry& e) { return name < e.name; });
    }
    ListPage page;
    for (; at != all.end(); ++at) {
        if (!viewer.sees(*at)) {
            continue;
        }
        if (settings.page_size != 0 && page.entries.size() == settings.page_size) {
            const std::string& last = page.entries.back()->name;
            page.next = base64url_encode(
                mac_of(kind, view, last, settings.cursor_key) + last);
            break;
        }
        page.entries.push_back(&*at);
    }
    return page;
}

}  // namespace neuron
