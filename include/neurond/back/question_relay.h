#ifndef NEUROND_BACK_QUESTION_RELAY_H
#define NEUROND_BACK_QUESTION_RELAY_H

#include <functional>
#include <optional>
#include <string_view>

#include "neurond/base/block.h"
#include "neurond/base/out_queue.h"
#include "neurond/mcp/client_caps.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/server_questions.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

/// Requests of one legacy server: pings are answered, questions go to the client of the
/// call they belong to, and each gets one answer.
class QuestionRelay {
  public:
    /// Sends an answer to the server.
    using Say = std::function<void(OutQueue&&)>;
    QuestionRelay(CallSink& sink, Say say) : sink_(sink), say_(std::move(say)) {}

    /// `call`: the one it belongs to; nothing = that cannot be told. `caps`: declared to
    /// this server.
    void on_request(const JsonRpcMessage& message, const Slice& text,
                    std::optional<CallHandle> call, ClientCaps caps);
    /// The server takes a request of its own back.
    void on_cancelled(std::string_view id_raw);
    void reply(const InputReply& reply);
    /// The call is over: its questions get the answer that nobody gives.
    void close(CallHandle call);
    /// The server has gone.
    void clear() noexcept { open_.clear(); }

  private:
    void ask(const JsonRpcMessage& message, const Slice& text, CallHandle call);
    void refuse(std::string_view id_raw, JsonRpcError code, std::string_view why);

    CallSink& sink_;
    Say say_;
    ServerQuestions open_;
};

}  // namespace neuron

#endif
