#ifndef NEUROND_MCP_CLIENT_QUESTIONS_H
#define NEUROND_MCP_CLIENT_QUESTIONS_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/out_queue.h"
#include "neurond/mcp/client_caps.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

/// Why a client that declared `caps` in a handshake of `revision` is not asked this: the
/// error object that the server gets. Nothing: it can be asked.
std::optional<std::string> refuse_question(const Question& question, ClientCaps caps,
                                           Revision revision);

/// Whether it can be asked all of this. A server that has ended the call to ask asks for
/// nothing else (mcp-protocol 5.3), so what is wrong with one question is with all.
bool can_be_asked(const InputRound& round, ClientCaps caps, Revision revision);

/// A question as a request to a legacy client, under an id of our own, which is the token
/// of its progress, too, if the server wants to hear of that: two may use the same one.
void write_question(OutQueue& out, std::string_view id_raw, const Question& question);
/// `notifications/cancelled` for it.
void write_question_cancelled(OutQueue& out, std::string_view id_raw);

/// What a client's `notifications/progress` says of a question; its key is not known yet.
struct ReplyProgress {
    std::string_view id_raw;  ///< our id of the question, in the message
    InputReply reply;
};
/// Nothing: it names no token.
std::optional<ReplyProgress> read_reply_progress(const JsonRpcMessage& message,
                                                 const JsonScanner& scan,
                                                 const Slice& text);

/// What legacy clients have been asked and not replied to: ours are the ids. Pure.
class ClientQuestions {
  public:
    struct Open {
        std::string id_raw;  ///< ours, with its quotes
        uint64_t tag;        ///< the asker's number of the call it belongs to
        std::string key;     ///< of the question in that call
    };

    /// `number` makes the id: unique among all that this client is asked.
    const Open& add(uint64_t tag, const std::string& key, uint64_t number);
    /// The one that a client's answer with this id is for. Ids compare with type.
    std::optional<Open> take(std::string_view id_raw);
    /// The one that this says something of; only its reply takes it from here.
    std::optional<Open> of(std::string_view id_raw, const InputReply& reply);
    /// The one of that key.
    std::optional<Open> take(uint64_t tag, const std::string& key);
    /// All of a call.
    std::vector<Open> take_all(uint64_t tag);
    std::vector<Open> take_all() { return std::exchange(open_, {}); }
    bool empty() const noexcept { return open_.empty(); }

    /// Puts the questions of a round to a client: each goes to `say` as a request, or is
    /// among the refusals that are returned, to be replied once all have been put.
    /// `asked` counts what this client has been asked.
    std::vector<InputReply> ask(uint64_t tag, const InputRound& round, ClientCaps caps,
                                Revision revision, uint64_t& asked,
                                const std::function<void(OutQueue&&)>& say);

  private:
    std::vector<Open> open_;
};

}  // namespace neuron

#endif
