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
        case PolicyKind::kPrompt:
            return rule.prompts;
        case PolicyKind::kResource:
            return rule.resources;
    }
    return rule.tools;
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
            (any_matches(globs_for(rule, kind), name) ||
             (!also.empty() && any_matches(globs_for(rule, kind), also)));
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
