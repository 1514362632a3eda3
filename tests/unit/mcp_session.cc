#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <string>

#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/limits.h"
#include "neurond/mcp/session.h"
#include "neurond/wire/json_view.h"

using namespace neuron;
using std::chrono::hours;

namespace {

WallTime g_wall;
WallTime fake_wall() noexcept {
    return g_wall;
}

const std::string kKey(kAeadKeyBytes, 'k');
const TimePoint kStart{hours(5)};
constexpr const char* kMe = "uid:1000";

SessionStore store(size_t max_sessions = 4, const std::string& key = kKey,
                   Millis idle = Millis(1000)) {
    return SessionStore({max_sessions, idle}, key, fake_wall);
}

/// A store that knows what these have written down.
void tell(SessionStore& later, const std::string& text) {
    REQUIRE(later.records().read(text, std::chrono::seconds(0)));
}

SessionFacts facts() {
    return {Revision::k20250618,
            {ClientCaps::kRoots | ClientCaps::kElicitationUrl},
            kMe,
            std::chrono::seconds(1234567890123)};
}

uint16_t caps(const char* json) {
    return ClientCaps::parse(JsonView(json)).bits;
}

}  // namespace

TEST_CASE("capabilities are read from what the client declared") {
    struct Row {
        const char* json;
        unsigned bits;
    };
    for (const Row& row : {
             Row{R"({})", 0},
             Row{R"({"roots":{}})", ClientCaps::kRoots},
             Row{R"({"roots":{"listChanged":true}})",
                 ClientCaps::kRoots | ClientCaps::kRootsListChanged},
             Row{R"({"roots":{"listChanged":false}})", ClientCaps::kRoots},
             Row{R"({"roots":{"listChanged":"true"}})", ClientCaps::kRoots},
             Row{R"({"sampling":{}})", ClientCaps::kSampling},
             Row{R"({"sampling":{"tools":{},"context":{}}})",
                 ClientCaps::kSampling | ClientCaps::kSamplingTools |
                     ClientCaps::kSamplingContext},
             Row{R"({"elicitation":{}})", ClientCaps::kElicitationForm},
             Row{R"({"elicitation":{"form":{}}})", ClientCaps::kElicitationForm},
             Row{R"({"elicitation":{"url":{}}})", ClientCaps::kElicitationUrl},
             Row{R"({"elicitation":{"url":{},"form":{}}})",
                 ClientCaps::kElicitationForm | ClientCaps::kElicitationUrl},
             Row{R"({"roots":true,"sampling":1,"elicitation":null})", 0},  // no objects
             Row{R"({"Roots":{},"experimental":{"roots":{}},"tasks":{}})", 0},
             Row{R"([])", 0},
         }) {
        CAPTURE(std::string(row.json));
        CHECK(caps(row.json) == row.bits);
    }
    CHECK(ClientCaps::parse(JsonView()).bits == 0);
    CHECK(ClientCaps::parse(JsonView(R"({"roots":{}})")).has(ClientCaps::kRoots));
    CHECK_FALSE(ClientCaps::parse(JsonView("{}")).has(ClientCaps::kRoots));
}

TEST_CASE("what was sealed is read back") {
    const SessionSealer sealer(kKey);
    const std::optional<SessionFacts> back = sealer.unseal(sealer.seal(facts()));
    REQUIRE(back);
    CHECK(back->revision == facts().revision);
    CHECK(back->caps.bits == facts().caps.bits);
    CHECK(back->identity == kMe);
    CHECK(back->created == facts().created);
}

TEST_CASE("an id is visible ASCII, tells nothing and is never the same") {
    const SessionSealer sealer(kKey);
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const std::string token = sealer.seal(facts());
        CHECK(token.find(kMe) == std::string::npos);
        for (const char c : token) {
            CHECK((c > 0x20 && c < 0x7f));
        }
        seen.insert(token);
    }
    CHECK(seen.size() == 100);
}

TEST_CASE("a changed id opens nothing, whichever character was changed") {
    const SessionSealer sealer(kKey);
    const std::string token = sealer.seal(facts());
    for (size_t i = 0; i < token.size(); ++i) {
        std::string changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        CHECK_FALSE(sealer.unseal(changed));
        CHECK_FALSE(sealer.unseal(token.substr(0, i)));
    }
    for (const std::string& longer :
         {token + "A", token + "=", token + " ", " " + token, token + token,
          std::string(100000, 'A')}) {
        CHECK_FALSE(sealer.unseal(longer));
    }
}

TEST_CASE("only the key that sealed an id opens it") {
    const std::string token = SessionSealer(kKey).seal(facts());
    std::string other = kKey;
    other.back() = 'j';
    CHECK_FALSE(SessionSealer(other).unseal(token));
}

TEST_CASE("what is sealed with the key for another purpose is no session") {
    const std::string plain(64, '\0');
    CHECK_FALSE(
        SessionSealer(kKey).unseal(base64url_encode(aead_seal(kKey, plain, "other"))));
    CHECK_FALSE(
        SessionSealer(kKey).unseal(base64url_encode(aead_seal(kKey, plain, ""))));
}

TEST_CASE("an id of a revision without sessions opens nothing") {
    SessionFacts modern = facts();
    modern.revision = Revision::k20260728;
    const SessionSealer sealer(kKey);
    CHECK_FALSE(sealer.unseal(sealer.seal(modern)));
}

TEST_CASE("a session is found by its id and identity only") {
    SessionStore sessions = store();
    Session* session = sessions.create(Revision::k20250326, {7}, kMe, kStart);
    REQUIRE(session != nullptr);
    const std::string token = session->token;
    CHECK(sessions.find(token, kMe, kStart) == session);
    CHECK(sessions.find(token, "uid:1001", kStart) == nullptr);
    CHECK(sessions.find(token, "", kStart) == nullptr);
    CHECK(sessions.find("", kMe, kStart) == nullptr);
    CHECK(sessions.find("nonsense", kMe, kStart) == nullptr);
    CHECK(sessions.find(session->handle) == session);
    CHECK(session->revision == Revision::k20250326);
    CHECK(session->caps.bits == 7);
    CHECK(sessions.size() == 1);
}

TEST_CASE("an ended session is not found again, by id or handle") {
    SessionStore sessions = store();
    Session* session = sessions.create(Revision::k20251125, {}, kMe, kStart);
    const std::string token = session->token;
    const Handle<Session> handle = session->handle;
    sessions.end(*session);
    CHECK(sessions.find(token, kMe, kStart) == nullptr);
    CHECK(sessions.find(handle) == nullptr);
    CHECK(sessions.size() == 0);
}

TEST_CASE("a later store with the same key adopts a session, once and for its owner") {
    g_wall = WallTime(hours(24 * 365));
    SessionStore before = store();
    const std::string token =
        before.create(Revision::k20250618, {ClientCaps::kRoots}, kMe, kStart)->token;
    SessionStore after = store();
    CHECK(after.find(token, "anonymous", kStart) == nullptr);
    CHECK(after.size() == 0);
    Session* adopted = after.find(token, kMe, kStart);
    REQUIRE(adopted != nullptr);
    CHECK(adopted->token == token);
    CHECK(adopted->revision == Revision::k20250618);
    CHECK(adopted->caps.bits == ClientCaps::kRoots);
    CHECK(after.find(token, kMe, kStart) == adopted);
    CHECK(after.size() == 1);
    after.end(*adopted);
    CHECK(after.find(token, kMe, kStart) == nullptr);
    CHECK(store(4, std::string(kAeadKeyBytes, 'x')).find(token, kMe, kStart) ==
          nullptr);
}

TEST_CASE("a later store does not ask under ids that were used before") {
    SessionStore before = store();
    Session* first = before.create(Revision::k20251125, {}, kMe, kStart);
    const uint64_t asked = first->asked;
    SessionStore after = store();
    const Session* adopted = after.find(first->token, kMe, kStart);
    REQUIRE(adopted != nullptr);
    CHECK(adopted->asked != asked);
}

TEST_CASE("an id that is too old is not adopted, but a session in use lives on") {
    g_wall = WallTime(hours(24 * 365));
    SessionStore before = store();
    const std::string token =
        before.create(Revision::k20251125, {}, kMe, kStart)->token;
    const Millis idle = hours(24 * 30);
    g_wall += hours(24 * kMaxSealedDays);
    CHECK(store(4, kKey, idle).find(token, kMe, kStart) != nullptr);
    g_wall += std::chrono::seconds(1);
    CHECK(store(4, kKey, idle).find(token, kMe, kStart) == nullptr);
    CHECK(before.find(token, kMe, kStart) != nullptr);
    g_wall -= hours(24 * 300);  // the calendar clock was set back
    CHECK(store(4, kKey, idle).find(token, kMe, kStart) != nullptr);
}

TEST_CASE("what ended in an earlier reactor has ended in a later one") {
    g_wall = WallTime(hours(24 * 365));
    SessionStore before = store();
    Session* session = before.create(Revision::k20251125, {}, kMe, kStart);
    const std::string token = session->token;
    const std::string other = before.create(Revision::k20251125, {}, kMe, kStart)->token;
    before.end(*session);
    SessionStore later = store();
    tell(later, before.records().text());
    CHECK(later.find(token, kMe, kStart) == nullptr);
    CHECK(later.find(other, kMe, kStart) != nullptr);
    SessionStore last = store();
    tell(last, later.records().text());
    CHECK(last.find(token, kMe, kStart) == nullptr);
}

TEST_CASE("a session that was idle for too long has expired, whoever served it") {
    g_wall = WallTime(hours(24 * 365));
    const Millis idle(8 * 60 * 1000);
    SessionStore before = store(4, kKey, idle);
    const std::string unused =
        before.create(Revision::k20251125, {}, "a", kStart)->token;
    const std::string used = before.create(Revision::k20251125, {}, "b", kStart)->token;
    Session* streams = before.create(Revision::k20251125, {}, "c", kStart);
    streams->open_streams = 1;
    g_wall += std::chrono::minutes(6);
    const TimePoint later = kStart + std::chrono::minutes(6);
    REQUIRE(before.find(used, "b", later) != nullptr);
    before.expire(later);
    g_wall += std::chrono::minutes(7);
    SessionStore after = store(4, kKey, idle);
    tell(after, before.records().text());
    CHECK(after.find(unused, "a", kStart) == nullptr);
    CHECK(after.find(used, "b", kStart) != nullptr);
    CHECK(after.find(streams->token, "c", kStart) != nullptr);
    g_wall += std::chrono::minutes(7);  // adopting is using
    SessionStore last = store(4, kKey, idle);
    tell(last, after.records().text());
    CHECK(last.find(used, "b", kStart) != nullptr);
}

TEST_CASE("one that made room is idle from its last use on") {
    g_wall = WallTime(hours(24 * 365));
    const Millis idle(80 * 1000);
    SessionStore sessions = store(1, kKey, idle);
    const std::string token =
        sessions.create(Revision::k20251125, {}, kMe, kStart)->token;
    sessions.find(token, kMe, kStart + Millis(9000));
    g_wall += std::chrono::seconds(10);
    sessions.create(Revision::k20251125, {}, kMe, kStart + Millis(10000));
    g_wall += std::chrono::seconds(75);
    CHECK(sessions.find(token, kMe, kStart + Millis(85000)) != nullptr);
    sessions.create(Revision::k20251125, {}, kMe, kStart + Millis(85000));
    g_wall += std::chrono::seconds(92);
    CHECK(sessions.find(token, kMe, kStart + Millis(177000)) == nullptr);
}

TEST_CASE("a session that is adopted is told of what it had asked for") {
    g_wall = WallTime(hours(24 * 365));
    SessionStore before = store();
    Session* session = before.create(Revision::k20251125, {}, kMe, kStart);
    before.set_level(*session, MessageLevel::kError);
    before.set_subscribed(*session, "mem:///a", true);
    SessionStore later = store();
    tell(later, before.records().text());
    Session* adopted = later.find(session->token, kMe, kStart);
    REQUIRE(adopted != nullptr);
    REQUIRE(later.record_of(*adopted) != nullptr);
    CHECK(later.record_of(*adopted)->level == MessageLevel::kError);
    CHECK(later.record_of(*adopted)->resources == std::set<std::string>{"mem:///a"});
}

TEST_CASE("idle sessions end; those in use or with a stream stay") {
    SessionStore sessions = store();
    const std::string idle =
        sessions.create(Revision::k20251125, {}, "a", kStart)->token;
    const std::string used =
        sessions.create(Revision::k20251125, {}, "b", kStart)->token;
    Session* streaming = sessions.create(Revision::k20251125, {}, "c", kStart);
    streaming->open_streams = 1;
    const TimePoint later = kStart + Millis(1000);
    sessions.expire(later);
    CHECK(sessions.size() == 3);  // exactly as long is not longer
    CHECK(sessions.find(used, "b", later) != nullptr);
    CHECK(sessions.find(idle, "b", later) == nullptr);  // a stranger's try is no use
    sessions.expire(later + Millis(1));
    CHECK(sessions.size() == 2);
    CHECK(sessions.find(idle, "a", later) == nullptr);
    CHECK(sessions.find(used, "b", later) != nullptr);
    streaming->open_streams = 0;
    sessions.expire(later + Millis(5000));
    CHECK(sessions.size() == 0);
}

TEST_CASE("an idle session is over before anybody sweeps, and makes room") {
    SessionStore sessions = store(2);
    const std::string old =
        sessions.create(Revision::k20251125, {}, kMe, kStart)->token;
    Session* streaming = sessions.create(Revision::k20251125, {}, kMe, kStart);
    streaming->open_streams = 1;
    const TimePoint later = kStart + Millis(1001);
    CHECK(sessions.find(streaming->token, kMe, later) == streaming);
    CHECK(sessions.create(Revision::k20251125, {}, kMe, later) != nullptr);
    CHECK(sessions.find(old, kMe, later) == nullptr);
    CHECK(sessions.size() == 2);
    sessions.end(*streaming);
    const std::string next =
        sessions.create(Revision::k20251125, {}, kMe, later)->token;
    CHECK(sessions.find(next, kMe, later + Millis(1000)) != nullptr);
    CHECK(sessions.find(next, kMe, later + Millis(2001)) == nullptr);
    CHECK(sessions.find(next, kMe, later) == nullptr);
}

TEST_CASE("at most so many sessions, and the one unused longest makes room") {
    g_wall = WallTime(hours(24 * 365));
    SessionStore before = store();
    const std::string token =
        before.create(Revision::k20251125, {}, kMe, kStart)->token;
    SessionStore sessions = store(2);
    Session* first = sessions.create(Revision::k20251125, {}, kMe, kStart);
    REQUIRE(first != nullptr);
    REQUIRE(sessions.create(Revision::k20251125, {}, kMe, kStart) != nullptr);
    sessions.find(first->token, kMe, kStart + Millis(1));
    first->open_streams = 1;
    const Handle<Session> kept = first->handle;
    REQUIRE(sessions.find(token, kMe, kStart + Millis(2)) != nullptr);
    CHECK(sessions.size() == 2);
    CHECK(sessions.find(kept) == first);
    Session* other = sessions.find(token, kMe, kStart + Millis(3));
    other->open_streams = 1;  // now nobody can be let go
    CHECK(sessions.create(Revision::k20251125, {}, kMe, kStart + Millis(4)) == nullptr);
}

TEST_CASE("the session key is made once, private, and read again") {
    Scratch scratch;
    const std::string path = scratch.path("session.key");
    const Result<std::string> made = load_or_create_session_key(path);
    REQUIRE(made);
    CHECK(made->size() == kAeadKeyBytes);
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0600);
    const Result<std::string> again = load_or_create_session_key(path);
    REQUIRE(again);
    CHECK(*again == *made);
    Scratch other;
    const Result<std::string> another =
        load_or_create_session_key(other.path("session.key"));
    REQUIRE(another);
    CHECK(*another != *made);
}

TEST_CASE("a damaged session key is an error and stays as it is") {
    for (const size_t size :
         {0UL, 1UL, kAeadKeyBytes - 1, kAeadKeyBytes + 1, 100000UL}) {
        CAPTURE(size);
        Scratch scratch;
        const std::string path = scratch.path("session.key");
        const std::string content(size, 'x');
        REQUIRE(write_file_atomically(path, content, 0600));
        CHECK_FALSE(load_or_create_session_key(path));
        const Result<std::string> after = read_file(path, 200000);
        REQUIRE(after);
        CHECK(*after == content);
    }
}

TEST_CASE("a session key that cannot be read or made is an error") {
    CHECK_FALSE(load_or_create_session_key("/nonexistent-directory/session.key"));
    CHECK_FALSE(load_or_create_session_key("/"));
    CHECK_FALSE(load_or_create_session_key("/dev/null"));
}
