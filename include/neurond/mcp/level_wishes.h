#ifndef NEUROND_MCP_LEVEL_WISHES_H
#define NEUROND_MCP_LEVEL_WISHES_H

#include <optional>
#include <string>
#include <unordered_map>

#include "neurond/mcp/log_level.h"

namespace neuron {

/// Which messages of servers the parties want that said so (mcp-protocol 4.6).
class LevelWishes {
  public:
    /// Nothing = none. True when most() is another one now.
    bool set(const std::string& party, std::optional<MessageLevel> level) {
        const std::optional<MessageLevel> before = most();
        if (level) {
            levels_[party] = *level;
        } else {
            levels_.erase(party);
        }
        return most() != before;
    }
    std::optional<MessageLevel> of(const std::string& party) const {
        const auto found = levels_.find(party);
        return found != levels_.end() ? std::optional(found->second) : std::nullopt;
    }
    /// The most verbose level that anybody wants.
    std::optional<MessageLevel> most() const {
        std::optional<MessageLevel> most;
        for (const auto& [party, level] : levels_) {
            most = more_verbose(most, level);
        }
        return most;
    }

  private:
    std::unordered_map<std::string, MessageLevel> levels_;
};

}  // namespace neuron

#endif
