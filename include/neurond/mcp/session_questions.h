#ifndef NEUROND_MCP_SESSION_QUESTIONS_H
#define NEUROND_MCP_SESSION_QUESTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/mcp/exchange.h"

namespace neuron {

/// What a server that serves one session alone asks its client outside any call. Older
/// servers do, most of them for roots right after the handshake (mcp-protocol 4.2).
struct SessionQuestion {
    std::string party;  ///< of the session (Requester::party)
    AnswererHandle server;
    unsigned instance = 0;  ///< of that server, which asks; its number
    Question question;
};

/// Asks the clients of sessions outside any call.
class SessionClients {
  public:
    /// Answerer::reply_outside() follows when the client replies. False: there is no such
    /// session, or it cannot be asked this, or not so much at a time.
    virtual bool ask_outside(SessionQuestion question) = 0;
    /// The question itself, if the client has not been asked yet; now it will not be.
    virtual std::optional<Question> reclaim_outside(const std::string& party,
                                                    AnswererHandle server,
                                                    unsigned instance,
                                                    const std::string& key) = 0;
    /// Nobody waits for the reply any more.
    virtual void withdraw_outside(const std::string& party, AnswererHandle server,
                                  unsigned instance, const std::string& key) = 0;
    /// A server has something to say to this session that is of no call. `method`: a
    /// literal. When the client does not take it, it may be dropped.
    virtual void tell(const std::string& party, const char* method,
                      const Slice& params) = 0;

  protected:
    ~SessionClients() = default;
};

/// The open questions of that kind to one client, those not put to it yet included. Ours
/// are the ids. Pure.
class SessionQuestions {
  public:
    struct Open {
        std::string id_raw;  ///< ours, with its quotes; unlike those asked in calls
        AnswererHandle server;
        unsigned instance;
        std::string key;  ///< the server's
    };

    /// Our id for it; empty: there are too many already.
    std::string add(const SessionQuestion& question);
    /// The one with this id. Ids compare with type.
    std::optional<Open> take(std::string_view id_raw);
    /// The one that this says something of; only its reply takes it from here.
    std::optional<Open> of(std::string_view id_raw, const InputReply& reply);
    /// The id of that server's; empty: it is not open.
    std::string id_of(AnswererHandle server, unsigned instance,
                      std::string_view key) const;
    std::vector<Open> take_all() { return std::exchange(open_, {}); }

  private:
    std::vector<Open> open_;
    uint64_t last_ = 0;
};

}  // namespace neuron

#endif
