#ifndef NEUROND_MCP_SESSION_H
#define NEUROND_MCP_SESSION_H

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "neurond/base/clock.h"
#include "neurond/base/handle.h"
#include "neurond/base/limits.h"
#include "neurond/base/result.h"
#include "neurond/mcp/client_caps.h"
#include "neurond/mcp/log_level.h"
#include "neurond/mcp/replay.h"
#include "neurond/mcp/revision.h"
#include "neurond/mcp/session_records.h"
#include "neurond/mcp/subscriptions.h"

namespace neuron {

/// A legacy session.
struct Session {
    Handle<Session> handle;
    std::string token;  ///< the Mcp-Session-Id
    Revision revision = Revision::k20251125;
    ClientCaps caps;
    std::string identity;  ///< whose it is; nobody else can name it
    std::chrono::seconds created{0};  ///< calendar time since the epoch
    std::optional<MessageLevel> log_level;  ///< of servers' messages it wants
    uint64_t asked = 0;                     ///< questions put to its client so far
    TimePoint last_used;
    TimePoint recorded;       ///< the last use that its record knows of
    size_t open_streams = 0;  ///< with one open a session is not idle
    /// What was sent on its streams; null before the first one.
    std::unique_ptr<ReplayBuffer> replay;
    /// What it is to be told of; its door's.
    std::unique_ptr<Subscriber> news;

    /// As its client, which is that of this connection.
    Requester requester(const Identity& client) const {
        return {client, token, caps, true, revision};
    }
};

/// What a session id says by itself, sealed so that nobody can make or change one.
struct SessionFacts {
    Revision revision = Revision::k20251125;
    ClientCaps caps;
    std::string identity;
    std::chrono::seconds created{0};  ///< calendar time since the epoch
};

/// Makes and reads session ids: AES-256-GCM over the facts and 128 random bits, in
/// base64url (visible ASCII, as mcp-protocol 2.5 wants).
class SessionSealer {
  public:
    /// `key`: 32 bytes.
    explicit SessionSealer(std::string key) : key_(std::move(key)) {}
    std::string seal(const SessionFacts& facts) const;
    /// Nothing unless it was sealed with this key.
    std::optional<SessionFacts> unseal(std::string_view token) const;

  private:
    std::string key_;
};

/// The key at `path`, made at the first start (0600). An unreadable or damaged one is an
/// error: a new one would silently end every session.
Result<std::string> load_or_create_session_key(const std::string& path);

struct SessionSettings {
    size_t max_sessions;
    Millis idle;
    size_t replay_buffer = 256 * 1024;  ///< bytes a session
};

/// The sessions there are. An id that is unknown but rightly sealed, and at most
/// kMaxSealedDays old, is adopted: it was given out by an earlier reactor. One that has
/// ended or expired, in whichever, is not, as far as the records go back.
class SessionStore {
  public:
    using WallClock = WallTime (*)() noexcept;
    SessionStore(SessionSettings settings, std::string key, WallClock wall = wall_now)
        : settings_(settings), sealer_(std::move(key)), wall_(wall) {}

    /// `gone` is called with the token of each session that ends from now on.
    void on_end(std::function<void(const std::string& token)> gone) {
        gone_ = std::move(gone);
    }
    /// To be read before the first session, and written down.
    SessionRecords& records() noexcept { return records_; }
    void set_level(Session& session, std::optional<MessageLevel> level);
    /// It has subscribed to a resource, or does no more.
    void set_subscribed(const Session& session, const std::string& uri,
                        bool subscribed) {
        records_.set_subscribed(session.token, session.created, uri, subscribed);
    }
    /// What an earlier reactor knew of one that has just been adopted; may be null.
    const SessionRecords::Record* record_of(const Session& session) const {
        return records_.find(session.token);
    }
    /// For sessions that are made, and looked at, from now on.
    void change(const SessionSettings& settings) noexcept { settings_ = settings; }
    /// Null when there are `max_sessions` already.
    Session* create(Revision revision, ClientCaps caps, const std::string& identity,
                    TimePoint now);
    /// Null: no such session for this identity (404).
    Session* find(std::string_view token, const std::string& identity, TimePoint now);
    Session* find(Handle<Session> handle) const { return handles_.find(handle); }
    /// The memory of its streams, made when it is first asked for.
    ReplayBuffer& replay_of(Session& session);
    void end(Session& session);
    /// Ends those not used for `idle` and without an open stream. To be called now and
    /// then, to free what they hold: find() and create() do not see them any more anyway.
    void expire(TimePoint now);
    /// How often expire() should be called, at least.
    Millis sweep_interval() const noexcept;
    size_t size() const noexcept { return sessions_.size(); }
    /// How many speak which revision, added to `counts`.
    void count(std::map<Revision, size_t>& counts) const;

  private:
    Session& add(std::string token, const SessionFacts& facts, TimePoint now);
    bool is_idle(const Session& session, TimePoint now) const;
    bool has_room(TimePoint now);
    bool too_old(const SessionFacts& facts) const;
    void drop(Session& session);
    bool has_ended(std::string_view token, const SessionFacts& facts) const;
    void record_use(Session& session, TimePoint used, TimePoint now);
    void record_if_due(Session& session, TimePoint used, TimePoint now);

    SessionSettings settings_;
    SessionSealer sealer_;
    WallClock wall_;
    std::function<void(const std::string& token)> gone_;
    HandleTable<Session> handles_;
    ReplayBudget replay_budget_{kMaxReplayBytes};
    std::unordered_map<std::string, std::unique_ptr<Session>> sessions_;
    SessionRecords records_;
};

}  // namespace neuron

#endif
