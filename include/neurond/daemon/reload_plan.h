#ifndef NEUROND_DAEMON_RELOAD_PLAN_H
#define NEUROND_DAEMON_RELOAD_PLAN_H

#include <string>
#include <utility>
#include <vector>

#include "neurond/conf/config.h"

namespace neuron {

/// What a reload would make of the downstreams that run, by name: in the order of the new
/// configuration, or of the old one for those it has no more.
struct ReloadPlan {
    std::vector<std::string> add;
    std::vector<std::string> remove;
    std::vector<std::string> change;
    std::vector<std::string> keep;
    /// Keys whose new value waits for the next start: "server.run_dir".
    std::vector<std::string> restart;
};

/// Names and forms (DownstreamSettings), in configured order.
using DownstreamForms = std::vector<std::pair<std::string, std::string>>;

/// A digest of all that makes a downstream what it is, the limits of its messages
/// included: whose form stays the same is not touched by a reload.
std::string form_of(const conf::Section& downstream, const conf::Config& config);

/// `started` is the configuration this process began with.
ReloadPlan plan_reload(const DownstreamForms& running, const DownstreamForms& wanted,
                       const conf::Config& started, const conf::Config& next);

/// "add a; change b c; keep 3", for the log.
std::string to_string(const ReloadPlan& plan);

}  // namespace neuron

#endif
