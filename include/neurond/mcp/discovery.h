#ifndef NEUROND_MCP_DISCOVERY_H
#define NEUROND_MCP_DISCOVERY_H

#include <optional>
#include <string>
#include <string_view>

#include "neurond/mcp/leg.h"
#include "neurond/mcp/revision.h"

namespace neuron {

/// `protocol` of a downstream.
enum class Protocol { kAuto, kLegacy, kModern };

/// Finds out which era a server speaks (mcp-protocol 2.8), without sending anything
/// itself: it is told what came of the last step and says what to do next. Pure.
///
///     kAuto:    discover ── answered modern ──────────────> ready
///                   └── refused, silent (stdio), ended ──> initialize ──> ready
///     kLegacy:  initialize            kModern:  discover
class Discovery {
  public:
    enum class Step {
        kDiscover,    ///< send server/discover
        kInitialize,  ///< send initialize
        kRestart,     ///< start the process again, then go on by begin()
        kReady,       ///< hello() is known; a legacy server is owed `initialized`
        kFailed,      ///< why()
    };

    /// `http`: silence and a lost connection are then outages, not verdicts.
    Discovery(Protocol protocol, bool http) : protocol_(protocol), http_(http) {}

    /// The first step, and the first after a restart of the process.
    Step begin();
    /// The last request was answered by this validated result object.
    Step on_result(std::string_view result);
    /// … by this validated error object.
    Step on_error(std::string_view error);
    /// … by nothing within the time a probe is given.
    Step on_silence();
    /// … by an HTTP status without a JSON-RPC answer.
    Step on_status(int status, const std::string& why);
    /// … by the end of the process.
    Step on_end();

    bool probing() const noexcept { return step_ == Step::kDiscover; }
    const ServerHello& hello() const noexcept { return hello_; }
    const std::string& why() const noexcept { return why_; }

  private:
    Step go(Step step) { return step_ = step; }
    Step fail(std::string why);
    Step legacy();
    Step on_discovered(std::string_view result);
    Step on_unsupported(std::string_view data);

    Protocol protocol_;
    bool http_;
    Step step_ = Step::kFailed;
    bool retried_ = false;
    std::optional<bool> modern_;  ///< the verdict, kept over restarts of the process
    ServerHello hello_;
    std::string why_;
};

}  // namespace neuron

#endif
