// Sessions of legacy clients. The id itself carries what must not be lost when a reactor
// dies; the store only knows which ones are in use and which have ended.

#include "neurond/mcp/session.h"

#include <algorithm>
#include <vector>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/limits.h"
#include "neurond/mcp/key_file.h"

namespace neuron {

namespace {

constexpr std::string_view kPurpose = "neurond session 1";
constexpr size_t kRandomBytes = 16;
constexpr size_t kTimeBytes = 8;
constexpr size_t kRevisionAt = kRandomBytes;
constexpr size_t kCapsAt = kRevisionAt + 1;
constexpr size_t kTimeAt = kCapsAt + 2;
constexpr size_t kIdentityAt = kTimeAt + kTimeBytes;
constexpr size_t kMaxTokenBytes = 1024;
constexpr size_t kAskedRandomBytes = 5;
constexpr unsigned kAskedBits = 16;

void append_number(std::string& out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
        out += static_cast<char>(value >> (8 * i) & 0xff);
    }
}

uint64_t read_number(std::string_view bytes) {
    uint64_t value = 0;
    for (size_t i = bytes.size(); i-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return value;
}

/// How much later than its record says a session may have been used.
constexpr Millis slack(Millis idle) {
    return idle / 8;
}

std::chrono::seconds since_epoch(WallTime when) {
    return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch());
}

}  // namespace

std::string SessionSealer::seal(const SessionFacts& facts) const {
    std::string plain = random_bytes(kRandomBytes);
    append_number(plain, static_cast<uint64_t>(facts.revision), kCapsAt - kRevisionAt);
    append_number(plain, facts.caps.bits, kTimeAt - kCapsAt);
    append_number(plain, static_cast<uint64_t>(facts.created.count()), kTimeBytes);
    plain += facts.identity;
    return base64url_encode(aead_seal(key_, plain, kPurpose));
}

std::optional<SessionFacts> SessionSealer::unseal(std::string_view token) const {
    if (token.size() > kMaxTokenBytes) {
        return std::nullopt;
    }
    const std::optional<std::string> sealed = base64url_decode(token);
    const std::optional<std::string> plain =
        sealed ? aead_open(key_, *sealed, kPurpose) : std::nullopt;
    if (!plain || plain->size() < kIdentityAt) {
        return std::nullopt;
    }
    const auto number = [&plain](size_t at, size_t end) {
        return read_number(std::string_view(*plain).substr(at, end - at));
    };
    SessionFacts facts;
    facts.revision = static_cast<Revision>(number(kRevisionAt, kCapsAt));
    facts.caps.bits = static_cast<uint16_t>(number(kCapsAt, kTimeAt));
    facts.created =
        std::chrono::seconds(static_cast<int64_t>(number(kTimeAt, kIdentityAt)));
    facts.identity = plain->substr(kIdentityAt);
    return is_legacy(facts.revision) ? std::optional(facts) : std::nullopt;
}

Result<std::string> load_or_create_session_key(const std::string& path) {
    return load_or_create_key(path, kAeadKeyBytes,
                              "remove it to end all sessions and make a new one");
}

Session& SessionStore::add(std::string token, const SessionFacts& facts,
                           TimePoint now) {
    auto owned = std::make_unique<Session>();
    Session& session = *owned;
    session.token = token;
    session.revision = facts.revision;
    session.caps = facts.caps;
    session.identity = facts.identity;
    session.created = facts.created;
    session.last_used = session.recorded = now;
    // What an earlier reactor has asked may still be answered.
    session.asked = read_number(random_bytes(kAskedRandomBytes)) << kAskedBits;
    session.handle = handles_.add(session);
    sessions_.emplace(std::move(token), std::move(owned));
    return session;
}

Session* SessionStore::create(Revision revision, ClientCaps caps,
                              const std::string& identity, TimePoint now) {
    if (!has_room(now)) {
        return nullptr;
    }
    const SessionFacts facts{revision, caps, identity, since_epoch(wall_())};
    return &add(sealer_.seal(facts), facts, now);
}

Session* SessionStore::find(std::string_view token, const std::string& identity,
                            TimePoint now) {
    const std::string key(token);
    if (const auto found = sessions_.find(key); found != sessions_.end()) {
        Session& session = *found->second;
        if (session.identity != identity) {
            return nullptr;
        }
        if (is_idle(session, now)) {
            end(session);
            return nullptr;
        }
        session.last_used = now;
        record_if_due(session, now, now);
        return &session;
    }
    const std::optional<SessionFacts> facts = sealer_.unseal(token);
    if (!facts || facts->identity != identity || too_old(*facts) ||
        has_ended(token, *facts) || !has_room(now)) {
        return nullptr;
    }
    Session& session = add(key, *facts, now);
    record_use(session, now, now);
    return &session;
}

bool SessionStore::has_ended(std::string_view token, const SessionFacts& facts) const {
    const SessionRecords::Record* known = records_.find(token);
    const auto used = known != nullptr ? std::max(known->used, facts.created)
                                       : facts.created;
    return (known != nullptr && known->ended) ||
           since_epoch(wall_()) - used > settings_.idle + slack(settings_.idle);
}

void SessionStore::record_use(Session& session, TimePoint used, TimePoint now) {
    session.recorded = used;
    records_.set_used(session.token, session.created,
                      since_epoch(wall_() - std::chrono::ceil<Millis>(now - used)));
}

void SessionStore::record_if_due(Session& session, TimePoint used, TimePoint now) {
    if (used - session.recorded > slack(settings_.idle)) {
        record_use(session, used, now);
    }
}

void SessionStore::set_level(Session& session, std::optional<MessageLevel> level) {
    session.log_level = level;
    records_.set_level(session.token, session.created, level);
}

Millis SessionStore::sweep_interval() const noexcept {
    return std::clamp(slack(settings_.idle), Millis{100}, Millis{10000});
}

bool SessionStore::is_idle(const Session& session, TimePoint now) const {
    return session.open_streams == 0 && now - session.last_used > settings_.idle;
}

/// Clients that died never end their sessions: when it is full, the one used longest ago
/// is let go. Its id still unseals, so its client is taken in again should it come back.
bool SessionStore::has_room(TimePoint now) {
    if (sessions_.size() >= settings_.max_sessions) {
        expire(now);
    }
    if (sessions_.size() < settings_.max_sessions) {
        return true;
    }
    Session* oldest = nullptr;
    for (const auto& [token, session] : sessions_) {
        if (session->open_streams == 0 &&
            (oldest == nullptr || session->last_used < oldest->last_used)) {
            oldest = session.get();
        }
    }
    if (oldest == nullptr) {
        return false;
    }
    record_use(*oldest, oldest->last_used, now);
    drop(*oldest);
    return true;
}

/// A calendar clock that was set back does not make an id too young.
bool SessionStore::too_old(const SessionFacts& facts) const {
    return since_epoch(wall_()) - facts.created >
           std::chrono::hours(24 * kMaxSealedDays);
}

ReplayBuffer& SessionStore::replay_of(Session& session) {
    if (session.replay == nullptr) {
        session.replay =
            std::make_unique<ReplayBuffer>(settings_.replay_buffer, replay_budget_);
    }
    return *session.replay;
}

void SessionStore::end(Session& session) {
    records_.end(session.token, session.created);
    drop(session);
}

void SessionStore::drop(Session& session) {
    const std::string token = session.token;
    handles_.remove(session.handle);
    sessions_.erase(token);
    if (gone_) {
        gone_(token);
    }
}

void SessionStore::count(std::map<Revision, size_t>& counts) const {
    for (const auto& [token, session] : sessions_) {
        ++counts[session->revision];
    }
}

void SessionStore::expire(TimePoint now) {
    std::vector<Session*> idle;
    for (const auto& [token, session] : sessions_) {
        if (is_idle(*session, now)) {
            idle.push_back(session.get());
        } else {
            record_if_due(*session, session->open_streams > 0 ? now : session->last_used,
                          now);
        }
    }
    for (Session* session : idle) {
        end(*session);
    }
}

}  // namespace neuron
