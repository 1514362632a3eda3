#ifndef NEUROND_MCP_EXCHANGE_H
#define NEUROND_MCP_EXCHANGE_H

// The model of a call, and the two narrow interfaces between who asks and who answers.
// Types only: everything that meets here lives on other floors and does not know its
// counterpart.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "neurond/base/block.h"
#include "neurond/base/clock.h"
#include "neurond/base/handle.h"
#include "neurond/mcp/client_caps.h"
#include "neurond/mcp/identity.h"
#include "neurond/mcp/log_level.h"
#include "neurond/mcp/revision.h"
#include "neurond/mcp/view.h"
#include "neurond/wire/json_span.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

class Answerer;
class Asker;
class Catalog;
class SessionClients;
struct CatalogEntry;
struct Call;
struct Offer;

using AskerHandle = Handle<Asker>;
using AnswererHandle = Handle<Answerer>;
using CallHandle = Handle<Call>;

/// What a call is about: which list its target stands in, and under which key.
enum class CallKind : uint8_t {
    kTool,
    kPrompt,
    kResource,
    kCompletePrompt,    ///< completion/complete with ref/prompt
    kCompleteResource,  ///< … with ref/resource
};

/// Who asks. Which instance of a server serves it may depend on all of this.
struct Requester {
    Identity identity;
    /// Whose connection this is, where a server keeps one for each: a session's token, or
    /// `identity_party()` of a caller without a session.
    std::string party;
    ClientCaps caps;  ///< declared by the session, or in this very request
    /// Its client takes questions while a call goes on, as legacy ones do.
    bool takes_questions = false;
    Revision revision = Revision::k20251125;  ///< the client's
};

/// A caller without a session.
inline Requester without_session(const Identity& identity, ClientCaps caps = {}) {
    return {identity, identity_party(identity), caps, false, Revision::k20260728};
}

/// What a client asked for: its own bytes, and where in them the parts lie that a proxy
/// must read or change. Spans are offsets into `text`; an empty span is an absent member.
struct CallRequest : Requester {
    std::string method;      ///< "tools/call"
    CallKind kind = CallKind::kTool;
    std::string name;        ///< the name or URI the client used, decoded
    View view;               ///< in which that name means something
    Slice text;              ///< the whole JSON-RPC message
    Span params;             ///< the object; absent = none
    Span name_span;          ///< the value that names the target, with its quotes
    Span arguments;          ///< value of params.arguments
    Span drop;               ///< what not every server may get: `task`, `context`
    Span meta;               ///< value of params._meta
    Span progress_token;     ///< value of params._meta.progressToken
    Span state;              ///< of modern clients: value of params.requestState
    Span responses;          ///< … and of params.inputResponses
    std::string request_id;  ///< X-Request-Id: log, audit, own answers
    /// Header fields of the client that some downstream wants forwarded.
    std::vector<std::pair<std::string, std::string>> headers;
    AskerHandle asker;
    uint64_t tag = 0;  ///< which of the asker's requests this is; the asker's number
    /// Which of the server's messages about this call its asker wants; nothing = none.
    std::optional<MessageLevel> log_level;
};

/// Why neurond itself refuses or fails a call (DESIGN 1.7).
struct OwnError {
    JsonRpcError code = JsonRpcError::kInternal;
    std::string message;
    std::string type;  ///< timeout, crash, unavailable, busy, audit …; empty = no data
    std::string server;  ///< the downstream's name, or empty
    std::optional<int> retry_after_seconds;
    std::string uri{};  ///< of a resource that was not found
    std::string required{};  ///< raw JSON: capabilities that the client did not declare
};

/// The one answer to a call.
struct Answer {
    enum class Kind {
        kResult,    ///< `body` is the downstream's result, verbatim
        kError,     ///< `body` is the downstream's error object, verbatim
        kOwnError,  ///< `own` is ours
    };
    Kind kind = Kind::kOwnError;
    Slice body;
    OwnError own;
    bool is_read = false;  ///< a result of resources/read, which says how long it holds

    static Answer result(Slice bytes) { return {Kind::kResult, std::move(bytes), {}}; }
    static Answer error(Slice bytes) { return {Kind::kError, std::move(bytes), {}}; }
    static Answer failure(OwnError why) {
        return {Kind::kOwnError, {}, std::move(why)};
    }
};

/// Something that comes before the answer and belongs to the call: progress, or a message
/// for its log.
struct Notice {
    enum class Kind { kProgress, kMessage };
    Slice params;         ///< the notification's params object
    Span progress_token;  ///< where in `params` our token stands, to be put back
    Kind kind = Kind::kProgress;
    MessageLevel level = MessageLevel::kInfo;  ///< of a message
};

/// What a server wants to know from the client of a call before it answers.
struct Question {
    std::string key;     ///< unique in its call; the answerer's
    std::string method;  ///< elicitation/create, sampling/createMessage or roots/list
    Slice params;        ///< an object, verbatim; empty = none
};

/// Questions that came together.
struct InputRound {
    std::vector<Question> questions;  ///< may be none where there is a `result`
    /// An `input_required` result, whole and verbatim: the server has ended the call and
    /// wants it repeated. Empty: the server waits meanwhile.
    Slice result;
};

/// What the client says to a question: its reply or, before that, how far it has come.
struct InputReply {
    std::string key;
    bool failed = false;
    Slice body;  ///< the client's bare result or, failed, its error object
    /// Of progress, whose params `body` is: where in them our token stands.
    Span progress_token{};

    bool is_progress() const noexcept { return !progress_token.empty(); }
};

/// What became of a round at the asker.
enum class InputOutcome {
    kAsked,     ///< Router::reply() follows, or has come, for each question
    kPassedOn,  ///< `result` has gone out as the answer: the call is over
    kRefused,   ///< this asker cannot be asked
};

/// Asks. Not a connection: it may outlive one. Found by handle, so it may go at any time.
class Asker {
  public:
    virtual void on_notice(uint64_t tag, const Notice& notice) = 0;
    /// The answer will take its time: a connection may be lost meanwhile.
    virtual void on_deferred(uint64_t /*tag*/) {}
    /// The server asks. Before this returns, only questions of this round may be replied
    /// to, and the call not be cancelled.
    virtual InputOutcome on_input(uint64_t, const InputRound&) {
        return InputOutcome::kRefused;
    }
    /// Nobody waits for the reply to this question any more.
    virtual void on_input_withdrawn(uint64_t, const std::string& /*key*/) {}
    /// Exactly once a call that has not been cancelled by the asker, nor passed on.
    virtual void on_answer(uint64_t tag, const Answer& answer) = 0;
    /// What OwnLists::wait() was asked to wait for is over.
    virtual void on_lists_ready(uint64_t) {}

  protected:
    ~Asker() = default;
};

/// Why a call is taken back from its answerer.
enum class CancelReason { kClient, kTimeout };

/// Answers: a downstream.
class Answerer {
  public:
    virtual const std::string& name() const noexcept = 0;
    /// Takes an admitted and recorded call; answers it later through the CallSink, never
    /// before this returns. The call stays valid until it is answered or cancelled.
    virtual void take(Call& call) = 0;
    /// The client's reply to a question of this call.
    virtual void reply(Call&, const InputReply&) {}
    /// … or to one that this instance of it asked outside any call (SessionClients).
    virtual void reply_outside(unsigned /*instance*/, const InputReply&) {}
    /// Its client is away with a question (mcp-protocol 5.4), or is back: while it is, the
    /// call takes no other call's place. Nothing is answered from here.
    virtual void on_away(Call&, bool /*away*/) {}
    /// The call is over for its asker; no answer is owed any more, and open questions get
    /// no reply: the server is told so.
    virtual void cancel(Call& call, CancelReason reason) = 0;
    /// This party (CallRequest) will ask nothing any more: what is kept for it may end.
    virtual void forget_party(const std::string& party) { static_cast<void>(party); }
    /// Router::wanted_level() is another one now.
    virtual void on_wanted_level() {}
    /// What it offers this one, where that may be something else than what it offers to
    /// all: its server was told of the client's capabilities. Else null.
    virtual std::shared_ptr<const Offer> offer_for(const Requester&) const {
        return nullptr;
    }
    /// Brings up what serves this one alone, unless that would cost another one theirs.
    virtual void prepare(const Requester&) {}
    /// The client says that its roots are others now.
    virtual void on_roots_changed(const Requester&) {}
    /// Which of its instances tells this one of updates of resources; it is brought up.
    /// Empty: the one for all. Nothing: there can be none now.
    virtual std::optional<std::string> update_source(const Requester&) {
        return std::string();
    }
    /// What serves this one alone is starting: offer_for() may soon be another.
    virtual bool preparing(const Requester&) const { return false; }
    /// Time allowed for a call of this tool (own name), and its cap under progress.
    virtual Millis call_timeout(const std::string& own_name) const = 0;
    virtual Millis call_timeout_max() const = 0;

  protected:
    ~Answerer() = default;
};

/// Who can be found by handle. Outlives everybody who is in it.
struct Parties {
    HandleTable<Asker> askers;
    HandleTable<Answerer> answerers;
    SessionClients* sessions = nullptr;  ///< null: no client can be asked outside a call
};

/// A call on its way: received → admitted → recorded → queued → sent → answered. One for
/// a downstream that is starting waits before it is admitted.
struct Call {
    enum class Stage { kReceived, kWaiting, kRecorded, kQueued, kSent };

    CallHandle handle;
    CallRequest request;
    std::shared_ptr<const Catalog> catalog;  ///< the snapshot it began with
    /// In that snapshot, or made for this call when its URI stands in no list.
    std::shared_ptr<const CatalogEntry> entry;
    std::string rule;                        ///< the policy rule that decided
    Stage stage = Stage::kReceived;
    TimePoint received;
    TimePoint queued;     ///< when its answerer got it; zero before
    TimePoint sent;       ///< valid in kSent: when its bytes were queued for the leg
    unsigned instance = 0;  ///< which of its answerer's has it; the answerer's number
    uint64_t leg_id = 0;    ///< our id towards that instance, valid in kSent
    Revision server = Revision::k20251125;  ///< what that instance speaks, in kSent
    bool repeated = false;  ///< sent again, since the first time it was not executed
};

/// Where answerers deliver (the router).
class CallSink {
  public:
    virtual void on_notice(CallHandle call, const Notice& notice) = 0;
    /// The server has said that its answer comes later.
    virtual void on_deferred(CallHandle /*call*/) {}
    /// Answerer::reply() may come before this returns. kPassedOn: the call is over, or was
    /// before. kRefused: the server gets no replies; if it has ended the call, so have we.
    virtual InputOutcome on_input(CallHandle call, const InputRound& round) = 0;
    /// The server has taken a question back.
    virtual void on_input_withdrawn(CallHandle call, const std::string& key) = 0;
    virtual void on_answer(CallHandle call, const Answer& answer) = 0;

  protected:
    ~CallSink() = default;
};

}  // namespace neuron

#endif
