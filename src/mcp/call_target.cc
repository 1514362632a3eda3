// Which of the things in the catalog a call is meant for: tools and prompts by name,
// resources by URI, completions by what they complete.

#include "neurond/mcp/call_target.h"

#include "neurond/base/text.h"
#include "neurond/mcp/wrapped_uri.h"

namespace neuron {

namespace {

constexpr size_t kShownBytes = 128;

}  // namespace

ItemKind item_kind(CallKind kind) noexcept {
    switch (kind) {
        case CallKind::kTool:
            break;
        case CallKind::kPrompt:
        case CallKind::kCompletePrompt:
            return ItemKind::kPrompt;
        case CallKind::kResource:
        case CallKind::kCompleteResource:
            return ItemKind::kResource;
    }
    return ItemKind::kTool;
}

std::shared_ptr<const CatalogEntry> find_target(const Catalog& merged, const Catalog& seen,
                                                const UriSightings& sightings,
                                                const CallRequest& request) {
    const ItemKind kind = item_kind(request.kind);
    const CatalogEntry* listed = nullptr;
    if (!is_resource(kind)) {
        listed = seen.find(kind, request.name);
    } else if (request.kind == CallKind::kCompleteResource) {
        listed = seen.find(ItemKind::kTemplate, request.name);
    }
    if (listed != nullptr) {
        return {seen.shared_from_this(), listed};
    }
    return is_resource(kind) ? route_uri(merged, seen, sightings, request.name) : nullptr;
}

std::optional<Missing> why_target_missing(const Directory& directory,
                                          const CallRequest& request) {
    if (!is_resource(item_kind(request.kind))) {
        return directory.why_missing(request.view, request.name);
    }
    View alone = request.view;
    if (const auto wrapped = unwrap_uri(request.name); wrapped && alone.space.empty()) {
        alone.space = wrapped->downstream;
    }
    if (alone.space.empty()) {
        return directory.why_missing_uri(request.name);
    }
    std::optional<Missing> missing = directory.why_missing(alone, request.name);
    if (missing) {
        missing->full_name = request.name;
    }
    return missing;
}

OwnError unknown_target(const CallRequest& request) {
    const ItemKind kind = item_kind(request.kind);
    OwnError out;
    out.code = JsonRpcError::kInvalidParams;
    if (kind == ItemKind::kResource) {
        out.code = JsonRpcError::kResourceNotFound;
        out.message = "Resource not found: " + escape(request.name, kShownBytes);
        out.uri = request.name;
    } else {
        out.message = std::string("Unknown ") + words_of(kind).word + ": " +
                      escape(request.name, kShownBytes);
    }
    return out;
}

OwnError denied_target(const CallRequest& request) {
    OwnError out;
    out.code = JsonRpcError::kInvalidRequest;
    out.message = std::string("Access denied to ") +
                  words_of(item_kind(request.kind)).word + " " +
                  escape(request.name, kShownBytes) + " by security policy";
    return out;
}

}  // namespace neuron
