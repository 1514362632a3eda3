// One server in place of many: what it can do, and what models should know of it.

#include "neurond/mcp/greeting.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/mcp/door.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

/// Whether the viewer may use something of this server; of one that offers nothing (yet),
/// nobody can tell.
bool may_use(const Viewer& viewer, const CatalogPart& part) {
    bool empty = true;
    for (const ItemKind kind : kItemKinds) {
        for (const CatalogEntry& entry : viewer.catalog.entries(kind)) {
            if (entry.downstream != part.name) {
                continue;
            }
            if (viewer.sees(entry)) {
                return true;
            }
            empty = false;
        }
    }
    return empty;
}

ServerCaps union_of(const Viewer& viewer) {
    ServerCaps all;
    for (const CatalogPart& part : viewer.catalog.parts()) {
        if (part.offer == nullptr) {
            // It may turn out to have any of it, and clients ask once.
            all.tools = all.prompts = all.resources = all.logging = true;
            all.completions = all.subscribe = true;
        } else if (may_use(viewer, part)) {
            const ServerCaps& caps = part.offer->caps;
            all.tools = all.tools || caps.tools;
            all.prompts = all.prompts || caps.prompts;
            all.resources = all.resources || caps.resources;
            all.subscribe = all.subscribe || caps.subscribe;
            all.logging = all.logging || caps.logging;
            all.completions = all.completions || caps.completions;
        }
    }
    return all;
}

std::string capabilities_json(const ServerCaps& caps) {
    const char* const changes = R"({"listChanged":true})";
    JsonWriter w;
    w.begin_object();
    if (caps.logging) {
        w.key("logging").raw("{}");
    }
    if (caps.tools || !(caps.prompts || caps.resources)) {
        w.key("tools").raw(changes);
    }
    if (caps.prompts) {
        w.key("prompts").raw(changes);
    }
    if (caps.resources) {
        w.key("resources").raw(caps.subscribe ? R"({"listChanged":true,"subscribe":true})"
                                           : changes);
    }
    if (caps.completions) {
        w.key("completions").raw("{}");
    }
    return w.end_object().take();
}

/// The beginning of `text`, cut between characters.
std::string_view at_most(std::string_view text, size_t bytes) {
    if (text.size() <= bytes) {
        return text;
    }
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) {
        --bytes;
    }
    return text.substr(0, bytes);
}

std::string instructions_for(const Viewer& viewer) {
    std::string out = kInstructions;
    for (const CatalogPart& part : viewer.catalog.parts()) {
        const bool says = part.offer != nullptr && !part.offer->instructions.empty();
        if (!says || !may_use(viewer, part)) {
            continue;
        }
        const std::string_view text =
            at_most(part.offer->instructions, kMaxInstructionsBytes);
        if (out.size() + text.size() > kMaxAllInstructionsBytes) {
            break;
        }
        out.append("\n\n# ").append(part.name).append("\n\n").append(text);
    }
    return out;
}

}  // namespace

Greeting greeting_for(const Viewer& viewer) {
    return {capabilities_json(union_of(viewer)), instructions_for(viewer)};
}

}  // namespace neuron
