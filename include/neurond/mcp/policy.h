#ifndef NEUROND_MCP_POLICY_H
#define NEUROND_MCP_POLICY_H

#include <string>
#include <string_view>
#include <vector>

#include "neurond/conf/config.h"

namespace neuron {

/// What a rule is asked about. Completing and subscribing are asked of their target.
enum class PolicyKind { kTool, kPrompt, kResource };

/// One [rule ID].
struct PolicyRule {
    std::string id;
    bool allow = false;
    std::vector<std::string> tools;    ///< globs on exposed names
    std::vector<std::string> clients;  ///< globs on identities; none = everybody
    std::vector<std::string> prompts{};    ///< globs on exposed names
    std::vector<std::string> resources{};  ///< globs on URIs and URI templates
};

struct PolicyDecision {
    bool allowed = false;
    /// The rule that decided; "default" when none matched. Behind "report:" it would have
    /// denied, and does not because of `mode = report`.
    std::string rule;
};

/// Who may use what. Any matching deny denies, wherever it stands; else any matching
/// allow allows; else the default holds. Globs compare in exact case; of a URI all
/// spellings count (uri_form.h). Immutable.
class Policy {
  public:
    /// `report`: nothing is denied, but what would have been is told.
    Policy(bool default_allow, std::vector<PolicyRule> rules, bool report = false)
        : default_allow_(default_allow), report_(report), rules_(std::move(rules)) {}
    static Policy from(const conf::Config& config);

    /// `also` is a second name of the same thing; a rule that matches either matches.
    PolicyDecision decide(std::string_view identity, PolicyKind kind,
                          std::string_view name, std::string_view also = {}) const;
    /// Whether it makes no difference who asks.
    bool same_for_all() const;

  private:
    PolicyDecision denied(const std::string& rule) const;

    bool default_allow_;
    bool report_;
    std::vector<PolicyRule> rules_;
};

}  // namespace neuron

#endif
