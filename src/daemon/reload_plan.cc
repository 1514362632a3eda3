// What differs between what runs and what is wanted.

#include "neurond/daemon/reload_plan.h"

#include <algorithm>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"

namespace neuron {

namespace {

/// Settings of other sections that a running downstream cannot take over.
struct Foreign {
    const char* section;
    const char* key;
};
constexpr Foreign kForeign[] = {
    {"limits", "message_max"},
    {"limits", "header_max"},
    {"limits", "json_depth"},
    {"alert", "crashes"},
};

std::string text_of(const conf::Setting& setting) {
    const conf::Value& value = setting.value;
    std::string out = setting.key + '\0' + value.text + '\0' +
                      std::to_string(value.number);
    for (const conf::Text& word : value.list) {
        out += '\0' + word.text;
    }
    return out + '\n';
}

const std::string* form_in(const DownstreamForms& forms, const std::string& name) {
    const auto found =
        std::find_if(forms.begin(), forms.end(),
                     [&name](const auto& each) { return each.first == name; });
    return found == forms.end() ? nullptr : &found->second;
}

std::vector<std::string> keys_for_restart(const conf::Config& started,
                                          const conf::Config& next) {
    std::vector<std::string> out;
    for (const conf::Section& section : started.all()) {
        for (const conf::Setting& setting : section.settings()) {
            if (!section.label().empty() ||
                setting.spec->applies != conf::Applies::kOnRestart) {
                continue;
            }
            const conf::Setting* other = next.section(section.name()).find(setting.key);
            if (other == nullptr || text_of(*other) != text_of(setting)) {
                out.push_back(section.path(setting.key));
            }
        }
    }
    return out;
}

void add_names(std::string& out, const char* what, const std::vector<std::string>& names) {
    if (names.empty()) {
        return;
    }
    out += out.empty() ? "" : "; ";
    out += what;
    for (const std::string& name : names) {
        out += ' ' + name;
    }
}

}  // namespace

std::string form_of(const conf::Section& downstream, const conf::Config& config) {
    std::string all;
    for (const conf::Setting& setting : downstream.settings()) {
        all += text_of(setting);
    }
    for (const Foreign& each : kForeign) {
        if (const auto* setting = config.section(each.section).find(each.key);
            setting != nullptr) {
            all += text_of(*setting);
        }
    }
    return hex_encode(sha256(all));
}

ReloadPlan plan_reload(const DownstreamForms& running, const DownstreamForms& wanted,
                       const conf::Config& started, const conf::Config& next) {
    ReloadPlan plan;
    for (const auto& [name, form] : wanted) {
        const std::string* old = form_in(running, name);
        (old == nullptr ? plan.add : *old == form ? plan.keep : plan.change)
            .push_back(name);
    }
    for (const auto& [name, form] : running) {
        if (form_in(wanted, name) == nullptr) {
            plan.remove.push_back(name);
        }
    }
    plan.restart = keys_for_restart(started, next);
    return plan;
}

std::string to_string(const ReloadPlan& plan) {
    std::string out;
    add_names(out, "add", plan.add);
    add_names(out, "remove", plan.remove);
    add_names(out, "change", plan.change);
    out += (out.empty() ? "" : "; ") + ("keep " + std::to_string(plan.keep.size()));
    return out;
}

}  // namespace neuron
