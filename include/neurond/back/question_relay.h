#ifndef NEUROND_BACK_QUESTION_RELAY_H
#define NEUROND_BACK_QUESTION_RELAY_H

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/block.h"
#include "neurond/base/out_queue.h"
#include "neurond/mcp/client_caps.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/server_questions.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

/// The session whose client a server may ask outside any call, if it serves one alone.
class OneSession {
  public:
    /// False: there is none, or it cannot be asked this.
    virtual bool ask_session(const Question&) { return false; }
    /// The question with this key, if the client has not been asked; now it will not be.
    virtual std::optional<Question> reclaim_from_session(const std::string& /*key*/) {
        return std::nullopt;
    }
    /// Nobody waits for the reply any more.
    virtual void withdraw_from_session(const std::string& /*key*/) {}

  protected:
    ~OneSession() = default;
};

/// Requests of one legacy server: pings are answered, questions go to the client of the
/// call they belong to, or to that of the one session it serves, and each gets one answer.
class QuestionRelay {
  public:
    /// Sends an answer, or a notification, to the server.
    using Say = std::function<void(OutQueue&&)>;
    QuestionRelay(CallSink& sink, OneSession& session, Say say)
        : sink_(sink), session_(session), say_(std::move(say)) {}

    /// `call`: the one it belongs to; nothing = that cannot be told. `caps`: declared to
    /// this server.
    void on_request(const JsonRpcMessage& message, const Slice& text,
                    std::optional<CallHandle> call, ClientCaps caps);
    /// This is the answer to a request that no client is asked.
    void refuse(std::string_view id_raw, JsonRpcError code, std::string_view why);
    /// Some question came while nobody called, and no client has been asked: its session
    /// has no stream yet; or the server serves several, and asks for roots, as servers do
    /// right after the handshake, and remember the answer.
    bool waiting() const noexcept { return !held_.empty() || open_.has(CallHandle()); }
    /// Those go to the client of this call.
    void release(CallHandle call);
    /// Nobody has called for a while: there are no roots, for now. `all`: those of one
    /// session end, too.
    void give_up(bool all);
    /// Whether the server was told so: it should ask again, once somebody calls. Forgets.
    bool take_owed_roots() noexcept { return std::exchange(owes_roots_, false); }
    /// The server takes a request of its own back.
    void on_cancelled(std::string_view id_raw);
    void reply(const InputReply& reply);
    /// The server waits for a reply to what it has asked about this call. Not so where it
    /// has got one of several, or has taken one back: it works on, and may ask more.
    bool awaits_reply(CallHandle call) const;
    /// The call is over: its questions get the answer that nobody gives.
    void close(CallHandle call);
    /// The server has gone.
    void clear();

  private:
    struct Held {
        std::string id_raw;
        Question question;  ///< with a copy of the params
    };

    void ask(std::string_view id_raw, Question question, CallHandle call);
    void ask_outside(std::string_view id_raw, Question question);
    void lend(Held held, CallHandle call);
    std::optional<Held> take_lent(const std::string& key);
    void tell_progress(const InputReply& progress);
    void say_no_roots(std::string_view id_raw);

    CallSink& sink_;
    OneSession& session_;
    Say say_;
    ServerQuestions open_;  ///< without a call: asked outside any
    std::vector<Held> held_;
    std::vector<Held> lent_;  ///< of no call, but asked in one; open with that call
    bool owes_roots_ = false;  ///< to a server that was told there are none
};

}  // namespace neuron

#endif
