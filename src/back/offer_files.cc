// Lists that outlive neurond. What is read is checked as if a server had sent it.

#include "neurond/back/offer_files.h"

#include "neurond/base/atomic_file.h"
#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr uint16_t kMaxDepth = 256;

void write_caps(JsonWriter& w, const ServerCaps& caps) {
    const auto told = [&w, &caps](const char* key, bool there, bool subscribe) {
        if (!there) {
            return;
        }
        w.key(key).begin_object().key("listChanged").boolean(caps.list_changed);
        if (subscribe) {
            w.key("subscribe").boolean(true);
        }
        w.end_object();
    };
    w.key("capabilities").begin_object();
    told("tools", caps.tools, false);
    told("prompts", caps.prompts, false);
    told("resources", caps.resources, caps.subscribe);
    if (caps.logging) {
        w.key("logging").raw("{}");
    }
    if (caps.completions) {
        w.key("completions").raw("{}");
    }
    w.end_object();
}

}  // namespace

std::string offer_to_json(const Offer& offer) {
    JsonWriter w;
    w.begin_object().key("revision").string(to_string(offer.revision));
    write_caps(w, offer.caps);
    w.key("instructions").string(offer.instructions);
    for (const ItemKind kind : kItemKinds) {
        w.key(words_of(kind).array).begin_array();
        for (const OfferItem& item : offer.of(kind).items) {
            w.raw(item.item.view());
        }
        w.end_array();
    }
    return w.end_object().take();
}

std::shared_ptr<const Offer> offer_from_json(std::string text) {
    JsonScanner scanner(kMaxDepth);
    if (scanner.finish(text) != Scan::kDone) {
        return nullptr;
    }
    const Slice whole = Slice::copy_of(text);
    const JsonView view(whole.view());
    const auto revision = parse_revision(view.find("revision").as_string().value_or(""));
    if (!revision) {
        return nullptr;
    }
    auto offer = std::make_shared<Offer>();
    offer->revision = *revision;
    offer->caps = ServerCaps::parse(view.find("capabilities"));
    offer->instructions = view.find("instructions").as_string().value_or("");
    for (const ItemKind kind : kItemKinds) {
        std::optional<std::string> cursor;
        if (!parse_page(kind, whole, *offer, cursor)) {
            return nullptr;
        }
        offer->of(kind).hint = CacheHint();
    }
    return offer;
}

Status OfferFiles::open() {
    return make_directories(directory_, 0700);
}

std::string OfferFiles::path_of(const std::string& server) const {
    return directory_ + "/" + server + ".json";
}

std::shared_ptr<const Offer> OfferFiles::load(const std::string& server) const {
    Result<std::string> text = read_file(path_of(server), kMaxKeptOfferBytes);
    return text ? offer_from_json(std::move(*text)) : nullptr;
}

void OfferFiles::save(const std::string& server, const Offer& offer) {
    const std::string text = offer_to_json(offer);
    if (text.size() > kMaxKeptOfferBytes) {
        log_warn("supervisor", "%s: its lists are too long to be kept: it will be started "
                 "to learn them", server.c_str());
        return;
    }
    write_(path_of(server), text);
}

}  // namespace neuron
