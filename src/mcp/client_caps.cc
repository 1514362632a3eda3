// What a client can be asked. It is read where clients speak and written where servers are
// spoken to, so it belongs to neither door nor leg.

#include "neurond/mcp/client_caps.h"

#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

/// All that is known: whoever declares something less is asked less.
constexpr uint16_t kRelayed = UINT16_MAX;

}  // namespace

ClientCaps ClientCaps::parse(const JsonView& capabilities) {
    const JsonView roots = capabilities.find("roots");
    const JsonView sampling = capabilities.find("sampling");
    const JsonView elicitation = capabilities.find("elicitation");
    const bool url = elicitation.find("url").is_object();
    const bool form = elicitation.find("form").is_object();
    unsigned bits = 0;
    const auto set = [&bits](bool on, Bit bit) { bits |= on ? unsigned{bit} : 0U; };
    set(roots.is_object(), kRoots);
    set(roots.find("listChanged").as_bool().value_or(false), kRootsListChanged);
    set(sampling.is_object(), kSampling);
    set(sampling.find("tools").is_object(), kSamplingTools);
    set(sampling.find("context").is_object(), kSamplingContext);
    set(elicitation.is_object() && (form || !url), kElicitationForm);
    set(url, kElicitationUrl);
    return {static_cast<uint16_t>(bits)};
}

std::string ClientCaps::to_json() const {
    JsonWriter w;
    const auto flag = [&w, this](const char* key, Bit bit) {
        if (has(bit)) {
            w.key(key).begin_object().end_object();
        }
    };
    w.begin_object();
    if (has(kRoots)) {
        w.key("roots").begin_object();
        if (has(kRootsListChanged)) {
            w.key("listChanged").boolean(true);
        }
        w.end_object();
    }
    if (has(kSampling)) {
        w.key("sampling").begin_object();
        flag("context", kSamplingContext);
        flag("tools", kSamplingTools);
        w.end_object();
    }
    if (has(kElicitationForm) || has(kElicitationUrl)) {
        w.key("elicitation").begin_object();
        // Older servers know the bare object, which means forms.
        if (has(kElicitationUrl)) {
            flag("form", kElicitationForm);
            flag("url", kElicitationUrl);
        }
        w.end_object();
    }
    return w.end_object().take();
}

ClientCaps relayable(ClientCaps declared) noexcept {
    return {static_cast<uint16_t>(declared.bits & kRelayed)};
}

}  // namespace neuron
