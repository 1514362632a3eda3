#ifndef NEUROND_MCP_INPUT_REQUIRED_H
#define NEUROND_MCP_INPUT_REQUIRED_H

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/mcp/exchange.h"

namespace neuron {

/// The round in a modern server's result; nothing when it is another kind of result.
std::optional<InputRound> read_input_required(const Slice& result);

/// Calls of clients that are asked while a modern server has ended the call and wants it
/// repeated with their replies (mcp-protocol 5.3). Pure.
class RepeatedCalls {
  public:
    /// What a reply makes of a call.
    struct Step {
        enum class Kind { kWait, kRepeat, kFail };
        Kind kind = Kind::kWait;
        /// kRepeat: members for its params, comma-joined. kFail: why.
        std::string text;
    };

    void begin(CallHandle call, const InputRound& round);
    Step add(CallHandle call, const InputReply& reply);
    /// Of a round without questions: repeats it with what the server wants to see again.
    Step resume(CallHandle call);
    void erase(CallHandle call);
    std::vector<CallHandle> take_all();
    bool has(CallHandle call) const;

  private:
    struct Waiting {
        CallHandle call;
        size_t open = 0;
        std::string state;  ///< requestState, raw; empty = none
        std::vector<std::pair<std::string, std::string>> methods;  ///< by key
        std::string responses;
    };
    std::vector<Waiting> waiting_;
};

}  // namespace neuron

#endif
