// The decision table of requirements B.1.

#include "neurond/mcp/policy.h"

#include <algorithm>

#include "neurond/base/encode.h"
#include "neurond/base/glob.h"
#include "neurond/mcp/uri_form.h"

namespace neuron {

namespace {

bool any_matches(const std::vector<std::string>& globs, std::string_view text) {
    return std::any_of(globs.begin(), globs.end(), [text](const std::string& glob) {
        return glob_matches(glob, text);
    });
}

/// However it is spelled: what is allowed must be so in both of its forms, what is denied
/// in one. In a pattern, too, %XX may stand for a character.
bool any_matches_uri(const PolicyRule& rule, std::string_view uri) {
    if (!has_other_form(uri)) {
        return any_matches(rule.resources, uri);
    }
    const std::string plain = plain_uri(uri);
    return std::any_of(
        rule.resources.begin(), rule.resources.end(), [&](const std::string& glob) {
            const bool here = glob_matches(glob, uri);
            const bool there =
                glob_matches(glob, plain) ||
                glob_matches(percent_decode(glob).value_or(glob), plain);
            return rule.allow ? here && there : here || there;
        });
}

bool speaks_of(const PolicyRule& rule, PolicyKind kind, std::string_view name) {
    switch (kind) {
        case PolicyKind::kTool:
            break;
        case PolicyKind::kPrompt:
            return any_matches(rule.prompts, name);
        case PolicyKind::kResource:
            return any_matches_uri(rule, name);
    }
    return any_matches(rule.tools, name);
}

}  // namespace

Policy Policy::from(const conf::Config& config) {
    std::vector<PolicyRule> rules;
    for (const conf::Section* section : config.sections("rule")) {
        rules.push_back({section->label(), section->str("effect") == "allow",
                         section->list("tools"), section->list("clients"),
                         section->list("prompts"), section->list("resources")});
    }
    return Policy(config.section("policy").str("default_action") == "allow",
                  std::move(rules), config.section("policy").str("mode") == "report");
}

PolicyDecision Policy::denied(const std::string& rule) const {
    return {report_, report_ ? "report:" + rule : rule};
}

PolicyDecision Policy::decide(std::string_view identity, PolicyKind kind,
                              std::string_view name, std::string_view also) const {
    const PolicyRule* allowing = nullptr;
    for (const PolicyRule& rule : rules_) {
        const bool matches =
            (rule.clients.empty() || any_matches(rule.clients, identity)) &&
            (speaks_of(rule, kind, name) ||
             (!also.empty() && also != name && speaks_of(rule, kind, also)));
        if (matches && !rule.allow) {
            return denied(rule.id);
        }
        if (matches && allowing == nullptr) {
            allowing = &rule;
        }
    }
    if (allowing != nullptr) {
        return {true, allowing->id};
    }
    return default_allow_ ? PolicyDecision{true, "default"} : denied("default");
}

bool Policy::same_for_all() const {
    return std::all_of(rules_.begin(), rules_.end(),
                       [](const PolicyRule& rule) { return rule.clients.empty(); });
}

}  // namespace neuron
