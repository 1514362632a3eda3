// The decision table of requirements B.1.

#include "neurond/mcp/policy.h"

#include <algorithm>

#include "neurond/base/glob.h"

namespace neuron {

namespace {

bool any_matches(const std::vector<std::string>& globs, std::string_view text) {
    return std::any_of(globs.begin(), globs.end(), [text](const std::string& glob) {
        return glob_matches(glob, text);
    });
}

const std::vector<std::string>& globs_for(const PolicyRule& rule, PolicyKind kind) {
    switch (kind) {
        case PolicyKind::kTool:
            break;
    }
    return rule.tools;
}

}  // namespace

Policy Policy::from(const conf::Config& config) {
    std::vector<PolicyRule> rules;
    for (const conf::Section* section : config.sections("rule")) {
        rules.push_back({section->label(), section->str("effect") == "allow",
                         section->list("tools"), section->list("clients")});
    }
    return Policy(config.section("policy").str("default_action") == "allow",
                  std::move(rules));
}

PolicyDecision Policy::decide(std::string_view identity, PolicyKind kind,
                              std::string_view name) const {
    const PolicyRule* allowing = nullptr;
    for (const PolicyRule& rule : rules_) {
        const bool matches =
            (rule.clients.empty() || any_matches(rule.clients, identity)) &&
            any_matches(globs_for(rule, kind), name);
        if (matches && !rule.allow) {
            return {false, rule.id};
        }
        if (matches && allowing == nullptr) {
            allowing = &rule;
        }
    }
    if (allowing != nullptr) {
        return {true, allowing->id};
    }
    return {default_allow_, "default"};
}

}  // namespace neuron
