#ifndef NEUROND_MCP_SERVER_QUESTIONS_H
#define NEUROND_MCP_SERVER_QUESTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/out_queue.h"
#include "neurond/mcp/exchange.h"

namespace neuron {

/// Requests of a legacy server that it waits for: its are the ids, ours the keys. Pure.
class ServerQuestions {
  public:
    struct Open {
        std::string key;
        std::string id_raw;  ///< the server's
        std::string method;
        CallHandle call;
        std::string token_raw;  ///< of its progress, if the server wants to hear of that
        bool overtaken = false;  ///< the server has gone on with the call since it asked
    };

    /// The key it gets.
    const std::string& add(std::string_view id_raw, const Question& question,
                           CallHandle call);
    /// Null: it is not open. Valid until the next change.
    const Open* find(const std::string& key) const noexcept;
    std::optional<Open> take(const std::string& key);
    /// The one that the server takes back. Ids compare with type.
    std::optional<Open> take_id(std::string_view id_raw);
    /// All of a call.
    std::vector<Open> take_all(CallHandle call);
    bool has(CallHandle call) const noexcept;
    /// The server goes on with this call, though what is open now has no reply.
    void overtake(CallHandle call);
    bool overtaken(CallHandle call) const noexcept;
    /// Their keys.
    std::vector<std::string> keys_of(CallHandle call) const;
    void clear() noexcept { open_.clear(); }
    size_t size() const noexcept { return open_.size(); }

  private:
    std::vector<Open> open_;
    uint64_t last_ = 0;
};

/// Whether clients are ever asked this (mcp-protocol 4.2).
bool is_question(std::string_view method) noexcept;

/// What the client said, under the server's id; progress, under the server's token.
void write_reply(OutQueue& out, const ServerQuestions::Open& question,
                 const InputReply& reply);
/// What a server gets for a question that nobody will reply to: a form is cancelled, a
/// message not sampled, and there are no roots (mcp-protocol 5.1).
void write_no_reply(OutQueue& out, const ServerQuestions::Open& question);

}  // namespace neuron

#endif
