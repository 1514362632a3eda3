// What becomes of a call whose client is asked by an answer: mcp-protocol 5.4, point by
// point.

#include "neurond/mcp/parking.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "mcp_fake_parties.h"
#include "neurond/base/limits.h"
#include "neurond/mcp/input_shapes.h"
#include "neurond/wire/json_view.h"

namespace neuron {
namespace {

using Told = std::vector<std::string>;

/// A table, its clock, and what it does, written down: "reply CALL KEY BODY",
/// "fail CALL CODE", "take back CALL", "tell WHO ANSWER".
struct Lot final : ParkingUser {
    Lot() {
        entry->downstream = "redis";
        entry->own_name = "get";
    }

    void parked_away(CallHandle call, bool gone) override {
        gone ? void(away.insert(call.slot)) : void(away.erase(call.slot));
    }
    void parked_reply(CallHandle call, const InputReply& reply) override {
        told.push_back("reply " + std::to_string(call.slot) + " " + reply.key + " " +
                       std::string(reply.body.view()));
        if (on_reply) {
            on_reply();
        }
    }
    void parked_fail(CallHandle call, OwnError why) override {
        told.push_back("fail " + std::to_string(call.slot) + " " +
                       std::to_string(static_cast<int>(why.code)));
        const Parking::Id id = call.slot;
        parking.answer(id, Answer::failure(std::move(why)));
    }
    void parked_take_back(CallHandle call) override {
        told.push_back("take back " + std::to_string(call.slot));
    }
    void parked_tell(const ParkedWaiter& waiter, const Answer& answer) override {
        const std::string who =
            waiter.retry ? "retry " + std::to_string(waiter.retry.slot)
                         : "asker " + std::to_string(waiter.tag);
        if (answer.kind == Answer::Kind::kOwnError) {
            told.push_back("tell " + who + " error " +
                           std::to_string(static_cast<int>(answer.own.code)) +
                           answer.own.required);
            return;
        }
        const JsonView body(answer.body.view());
        if (!body.find("resultType").is_string("input_required")) {
            told.push_back("tell " + who + " " + std::string(body.raw()));
            return;
        }
        state = body.find("requestState").as_string().value_or("");
        requests = body.find("inputRequests").raw();
        std::string keys;
        for (const JsonPair& each : body.find("inputRequests").members()) {
            keys += " " + each.key.as_string().value_or("");
        }
        told.push_back("tell " + who + " asked" + keys);
    }

    /// A request of this client; `rest` are further members of its params.
    CallRequest request(const std::string& rest = {},
                        const std::string& arguments = R"({"a":1})") const {
        const std::string params =
            R"({"name":"redis.get","arguments":)" + arguments + rest + "}";
        CallRequest out = call_request(params);
        const auto span_of = [&out](const char* key) {
            const std::string_view text = out.text.view();
            const JsonView value =
                JsonView(out.params.in(text)).find(key);
            const auto at = value.exists()
                                ? static_cast<size_t>(value.raw().data() - text.data())
                                : 0;
            return Span{at, at + value.raw().size()};
        };
        out.state = span_of("requestState");
        out.responses = span_of("inputResponses");
        out.identity = {identity, "127.0.0.1:1"};
        out.caps = caps;
        out.request_id = "r-1";
        return out;
    }
    /// A call that is sent; its slot is its number in the table.
    Parking::Id call(const std::string& arguments = R"({"a":1})") {
        Call made;
        made.request = request({}, arguments);
        made.entry = entry;
        made.handle = {++calls, 1};
        return parking.add(made, {{}, calls, {}});
    }
    InputOutcome ask(Parking::Id id, const std::string& key,
                     const std::string& method = "elicitation/create",
                     const std::string& params = R"({"message":"m"})") {
        InputRound round;
        round.questions.push_back({key, method, Slice::copy_of(params)});
        return parking.ask(id, round, now);
    }
    void wait(int millis) {
        now += Millis{millis};
        parking.on_time(now);
    }
    /// A call that has asked `key`, and whose client knows.
    Parking::Id parked(const std::string& key = "q1") {
        const Parking::Id id = call();
        ask(id, key);
        wait(20);
        told.clear();
        return id;
    }
    std::string with(const std::string& replies) const {
        return R"(,"requestState":")" + state + R"(","inputResponses":)" + replies;
    }
    /// Claims and goes on; the problem, if there is one.
    std::string retry(const std::string& rest, uint32_t number = 100,
                      const std::string& arguments = R"({"a":1})") {
        const CallRequest made = request(rest, arguments);
        const Parking::Claim claim = parking.claim(made, {number, 1}, now);
        if (claim.id != 0) {
            forwarded = !parking.go_on(claim.id, made, now);
        }
        return claim.problem;
    }

    ParkingLimits limits{4, Millis{1000}};
    std::shared_ptr<CatalogEntry> entry = std::make_shared<CatalogEntry>();
    std::string identity = "uid:1";
    ClientCaps caps{UINT16_MAX};
    TimePoint now{Millis{1}};
    Told told;
    std::function<void()> on_reply;
    std::string state;
    std::string requests;
    uint32_t calls = 0;
    std::set<uint32_t> away;  ///< calls whose clients are
    bool forwarded = false;
    Parking parking{std::string(32, 'k'), limits, *this};
};

const char* const kYes = R"({"q1":{"action":"accept"}})";

TEST_CASE("a question parks the call, and the retry takes its place") {
    Lot lot;
    const Parking::Id id = lot.call();
    CHECK(lot.parking.parked() == 0);
    CHECK(lot.ask(id, "q1") == InputOutcome::kAsked);
    CHECK(lot.told.empty());
    lot.wait(20);
    CHECK(lot.told == Told{"tell asker 1 asked q1"});
    CHECK(lot.parking.parked() == 1);
    CHECK(lot.away == std::set<uint32_t>{1});
    CHECK(lot.parking.away() == 1);
    lot.told.clear();
    CHECK(lot.retry(lot.with(kYes)).empty());
    CHECK(lot.away.empty());
    CHECK(lot.told == Told{R"(reply 1 q1 {"action":"accept"})"});
    CHECK(lot.parking.parked() == 0);
    lot.parking.answer(id, Answer::result(Slice({}, R"({"done":1})")));
    CHECK(lot.told.back() == R"(tell retry 100 {"done":1})");
    CHECK(lot.parking.size() == 0);
}

TEST_CASE("1: params pass but for what is of the server's own hop") {
    struct Row {
        const char* params;
        const char* shown;  ///< null: no params
    };
    const Row rows[] = {
        {R"({"message":"m","x":1.10})", R"({"message":"m","x":1.10})"},
        {R"({"elicitationId":"e","mode":"url"})", R"({"mode":"url"})"},
        {R"({"mode":"url","task":{"ttl":1},"elicitationId":"e"})", R"({"mode":"url"})"},
        {R"({"_meta":{"progressToken":1,"k":2},"m":3})", R"({"_meta":{"k":2},"m":3})"},
        {"", nullptr},
    };
    for (const Row& row : rows) {
        CAPTURE(row.params);
        const Slice text = write_input_required(
            {{"q1", "roots/list", Slice::copy_of(row.params)}}, "s");
        const JsonView shown =
            JsonView(text.view()).find("inputRequests").find("q1").find("params");
        CHECK(shown.raw() == (row.shown == nullptr ? "" : row.shown));
    }
}

TEST_CASE("1: a completion cannot ask") {
    Lot lot;
    Call made;
    made.request = lot.request();
    made.request.kind = CallKind::kCompletePrompt;
    made.entry = lot.entry;
    const Parking::Id id = lot.parking.add(made, {});
    CHECK(lot.ask(id, "q1") == InputOutcome::kRefused);
}

TEST_CASE("2: what the client did not declare ends the call") {
    struct Row {
        uint16_t declared;
        const char* method;
        const char* params;
        const char* required;  ///< empty: it can be asked
    };
    const Row rows[] = {
        {0, "elicitation/create", "{}", R"({"elicitation":{"form":{}}})"},
        {ClientCaps::kElicitationForm, "elicitation/create", "{}", ""},
        {ClientCaps::kElicitationForm, "elicitation/create", R"({"mode":"form"})", ""},
        {ClientCaps::kElicitationForm, "elicitation/create", R"({"mode":"url"})",
         R"({"elicitation":{"url":{}}})"},
        {ClientCaps::kElicitationUrl, "elicitation/create", R"({"mode":"url"})", ""},
        {0, "sampling/createMessage", "{}", R"({"sampling":{}})"},
        {ClientCaps::kSampling, "sampling/createMessage", "{}", ""},
        {ClientCaps::kSampling, "sampling/createMessage", R"({"tools":[]})",
         R"({"sampling":{"tools":{}}})"},
        {0, "roots/list", "{}", R"({"roots":{}})"},
        {ClientCaps::kRoots, "roots/list", "{}", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.method);
        CAPTURE(row.params);
        Lot lot;
        lot.caps = {row.declared};
        const Parking::Id id = lot.call();
        CHECK(lot.ask(id, "q1", row.method, row.params) == InputOutcome::kAsked);
        CHECK(lot.told.empty());  // a call is not ended while its server speaks
        lot.wait(20);
        const std::string required = row.required;
        CHECK(lot.told == (required.empty()
                               ? Told{"tell asker 1 asked q1"}
                               : Told{"fail 1 -32021",
                                      "tell asker 1 error -32021" + required}));
    }
}

TEST_CASE("2: what was not declared and asked meanwhile is told to who comes back") {
    Lot lot;
    lot.caps = {ClientCaps::kElicitationForm};
    const Parking::Id id = lot.parked();
    lot.ask(id, "q2", "roots/list");
    lot.wait(0);
    CHECK(lot.told == Told{"fail 1 -32021"});
    CHECK(lot.retry(lot.with(kYes)).empty());
    CHECK(lot.told.back() == R"(tell retry 100 error -32021{"roots":{}})");
    CHECK(lot.parking.size() == 0);
}

TEST_CASE("3: questions of a moment go out together, later ones in the next round") {
    Lot lot;
    const Parking::Id id = lot.call();
    lot.ask(id, "q1");
    lot.wait(19);
    lot.ask(id, "q2");
    CHECK(lot.told.empty());
    lot.wait(1);
    CHECK(lot.told == Told{"tell asker 1 asked q1 q2"});
    lot.ask(id, "q3");
    lot.wait(50);
    lot.told.clear();
    CHECK(lot.retry(lot.with(R"({"q1":{"action":"accept"},"q2":{"action":"cancel"},)"
                             R"("q3":{"action":"accept"}})"))
              .empty());
    CHECK(lot.told == Told{R"(reply 1 q1 {"action":"accept"})",
                           R"(reply 1 q2 {"action":"cancel"})",
                           "tell retry 100 asked q3"});
}

TEST_CASE("4: what is missing is asked again, what is unknown ignored") {
    Lot lot;
    const Parking::Id id = lot.call();
    lot.ask(id, "q1");
    lot.ask(id, "q2", "roots/list");
    lot.wait(20);
    lot.told.clear();
    const std::string first = lot.state;
    CHECK(lot.retry(lot.with(R"({"q2":{"roots":[]},"q9":7})")).empty());
    CHECK(lot.told == Told{R"(reply 1 q2 {"roots":[]})", "tell retry 100 asked q1"});
    CHECK(lot.away == std::set<uint32_t>{1});
    CHECK(lot.state != first);
    lot.told.clear();
    CHECK(lot.retry(R"(,"requestState":")" + lot.state + "\"").empty());
    CHECK(lot.told == Told{"tell retry 100 asked q1"});
}

TEST_CASE("4: a reply that is none uses up nothing") {
    Lot lot;
    lot.parked();
    for (const char* replies :
         {R"({"q1":null})", R"({"q1":{}})", R"({"q1":{"action":"maybe"}})",
          R"({"q1":{"roots":[]}})", "[]", "7"}) {
        CAPTURE(replies);
        CHECK(lot.retry(lot.with(replies)).find("inputResponses") != std::string::npos);
    }
    CHECK(lot.told.empty());
    CHECK(lot.retry(lot.with(kYes)).empty());
}

TEST_CASE("5: an answer that comes early is kept, whatever the replies are") {
    for (const char* replies : {kYes, "{}"}) {
        Lot lot;
        const Parking::Id id = lot.parked();
        lot.parking.answer(id, Answer::result(Slice({}, R"({"done":1})")));
        CHECK(lot.told.empty());
        CHECK(lot.retry(lot.with(replies)).empty());
        CHECK(lot.told == Told{R"(tell retry 100 {"done":1})"});
        CHECK(lot.parking.size() == 0);
    }
}

TEST_CASE("5: a question that is taken back is not asked, or not waited for") {
    Lot lot;
    const Parking::Id early = lot.call();
    lot.ask(early, "q1");
    lot.parking.withdraw(early, "q1");
    lot.wait(20);
    CHECK(lot.told.empty());
    const Parking::Id late = lot.parked("q2");
    lot.parking.withdraw(late, "q2");
    CHECK(lot.retry(lot.with(R"({"q2":{"action":"accept"}})")).empty());
    CHECK(lot.told.empty());
    CHECK(lot.parking.parked() == 0);
}

TEST_CASE("6: a client that does not come back loses its call") {
    Lot lot;
    lot.parked();
    CHECK(lot.parking.next() == lot.now + Millis{1000});
    lot.wait(999);
    CHECK(lot.told.empty());
    lot.wait(1);
    CHECK(lot.told == Told{"take back 1"});
    CHECK(lot.parking.size() == 0);
    CHECK_FALSE(lot.parking.next());
    CHECK(lot.retry(lot.with(kYes)).find("expired") != std::string::npos);
}

TEST_CASE("5: of two questions the one that is taken back needs no reply") {
    Lot lot;
    const Parking::Id id = lot.call();
    lot.ask(id, "q1");
    lot.ask(id, "q2");
    lot.wait(20);
    lot.told.clear();
    lot.parking.withdraw(id, "q1");
    CHECK(lot.retry(lot.with(R"({"q1":{"action":"accept"},"q2":{"action":"cancel"}})"))
              .empty());
    CHECK(lot.told == Told{R"(reply 1 q2 {"action":"cancel"})"});
}

TEST_CASE("5: a server that takes its question back and is then too slow has failed") {
    Lot lot;
    const Parking::Id id = lot.parked();
    lot.parking.withdraw(id, "q1");
    OwnError late;
    late.type = "timeout";
    lot.parking.answer(id, Answer::failure(late));
    CHECK(lot.retry(lot.with(kYes)).empty());
    CHECK(lot.told == Told{"tell retry 100 error -32603"});
    CHECK(lot.parking.size() == 0);
}

TEST_CASE("7: a state is good once; a retry that is lost takes the call with it") {
    Lot lot;
    const Parking::Id id = lot.parked();
    const std::string rest = lot.with(kYes);
    const CallRequest first = lot.request(rest);
    CHECK(lot.parking.claim(first, {100, 1}, lot.now).id == id);
    CHECK(lot.parking.claim(first, {101, 1}, lot.now).problem.find("used") !=
          std::string::npos);
    lot.parking.lost(id, {101, 1});
    CHECK(lot.parking.size() == 1);
    lot.parking.lost(id, {100, 1});
    CHECK(lot.told == Told{"take back 1"});
    CHECK(lot.parking.size() == 0);
}

TEST_CASE("7: what comes between the claim and the reply reaches the retry") {
    Lot lot;
    const Parking::Id id = lot.parked();
    const CallRequest retry = lot.request(lot.with(kYes));
    CHECK(lot.parking.claim(retry, {100, 1}, lot.now).id == id);
    lot.ask(id, "q2");
    lot.wait(50);
    CHECK(lot.told.empty());
    CHECK(lot.parking.go_on(id, retry, lot.now));
    CHECK(lot.told == Told{R"(reply 1 q1 {"action":"accept"})",
                           "tell retry 100 asked q2"});
}

TEST_CASE("7: a reply may end the call at once") {
    Lot lot;
    const Parking::Id id = lot.parked();
    lot.on_reply = [&] { lot.parking.answer(id, Answer::result(Slice({}, "{}"))); };
    CHECK(lot.retry(lot.with(kYes)).empty());
    CHECK(lot.told.back() == "tell retry 100 {}");
    CHECK(lot.parking.size() == 0);
}

TEST_CASE("9, 10: a state is of one client and one call") {
    Lot lot;
    const Parking::Id id = lot.parked();
    const std::string rest = lot.with(kYes);
    CHECK(lot.retry(rest, 100, R"({"a":2})").find("another call") != std::string::npos);
    lot.identity = "uid:2";
    CHECK(lot.retry(rest).find("another client") != std::string::npos);
    lot.identity = "uid:1";
    for (size_t at : {size_t{0}, lot.state.size() / 2, lot.state.size() - 1}) {
        std::string altered = lot.state;
        altered[at] = altered[at] == 'A' ? 'B' : 'A';
        const CallRequest made = lot.request(R"(,"requestState":")" + altered + "\"");
        const Parking::Claim claim = lot.parking.claim(made, {100, 1}, lot.now);
        CHECK(claim.id == 0);  // none of ours: its server may know it
        CHECK(claim.problem.empty());
    }
    CHECK(lot.parking.claim(lot.request(), {100, 1}, lot.now).id == 0);
    CHECK(lot.told.empty());
    CHECK(lot.parking.find(id)->parked());
    CHECK(lot.retry(rest, 100, "{ \"a\" :\n1 }").empty());
}

TEST_CASE("the same call is one whose tokens are the same") {
    struct Row {
        const char* one;
        const char* other;
        bool same;
    };
    const Row rows[] = {
        {R"({"a":1})", "{ \"a\" : 1 }", true},
        {R"({"a":1})", R"({"a":1.0})", false},
        {R"({"a":" "})", R"({"a":""})", false},
        {R"({"a":"\" "})", R"({"a":"\""})", false},
        {R"({"a":"\\","b":1})", R"({"a":"\\", "b":1})", true},
    };
    const Lot lot;
    for (const Row& row : rows) {
        CAPTURE(row.one);
        CHECK((call_digest(lot.request({}, row.one)) ==
               call_digest(lot.request({}, row.other))) == row.same);
    }
}

TEST_CASE("11: over a limit the server hears that its client cancels") {
    Lot lot;  // four places, two of them for one client
    std::vector<Parking::Id> ids;
    for (int i = 0; i < 4; ++i) {
        lot.identity = "uid:" + std::to_string(i / 2);
        ids.push_back(lot.parked());
    }
    const Parking::Id more = lot.call();
    CHECK(lot.ask(more, "q7") == InputOutcome::kAsked);
    CHECK(lot.ask(more, "q8", "sampling/createMessage") == InputOutcome::kAsked);
    CHECK(lot.ask(more, "q9", "roots/list") == InputOutcome::kAsked);
    CHECK(lot.told ==
          Told{R"(reply 5 q7 {"action":"cancel"})",
               R"(reply 5 q8 {"code":-1,"message":"The client cannot be asked now"})",
               R"(reply 5 q9 {"roots":[]})"});
    lot.ask(ids.front(), "q2");  // who has a place may go on
    CHECK(lot.told.size() == 3);
    lot.parking.forget(ids.front());
    lot.identity = "uid:3";
    const Parking::Id other = lot.call();
    lot.ask(other, "q1");
    lot.wait(20);
    CHECK(lot.told.back() == "tell asker 6 asked q1");
}

/// So many bytes that nobody writes.
Slice bytes_of(size_t count) {
    BlockRef block = Block::make(count);
    block->commit(count);
    const std::string_view all = block->view();
    return {std::move(block), all};
}

TEST_CASE("11: what is kept is bounded, and one identity has half of that") {
    const Slice large = bytes_of(kMaxParkedBytes / 4 - 1000);
    Lot lot;
    lot.limits.calls = 100;
    const auto ask = [&](const char* identity) {
        lot.identity = identity;
        InputRound round;
        round.questions.push_back({"q1", "elicitation/create", large});
        lot.told.clear();
        lot.parking.ask(lot.call(), round, lot.now);
        lot.now += Millis{20};
        lot.parking.on_time(lot.now);
        REQUIRE(lot.told.size() == 1);
        return lot.told.front().find("asked q1") != std::string::npos;
    };
    CHECK(ask("uid:1"));
    CHECK(ask("uid:1"));
    CHECK_FALSE(ask("uid:1"));
    CHECK(lot.told == Told{R"(reply 3 q1 {"action":"cancel"})"});
    CHECK(ask("uid:2"));
    CHECK(ask("uid:3"));
    CHECK_FALSE(ask("uid:4"));
    lot.now += Millis{1000};
    lot.parking.on_time(lot.now);
    CHECK(ask("uid:4"));
}

TEST_CASE("11: the requests of who is away are kept, too") {
    Lot lot;
    const auto park = [&lot](size_t bytes) {
        Call made;
        made.request = lot.request();
        made.request.text = bytes_of(bytes);
        made.entry = lot.entry;
        made.handle = {++lot.calls, 1};
        lot.told.clear();
        lot.ask(lot.parking.add(made, {{}, lot.calls, {}}), "q1");
        lot.wait(20);
        return lot.told.front().find("asked q1") != std::string::npos;
    };
    CHECK(park(kMaxParkedBytes / 2 - 1000));
    CHECK_FALSE(park(2000));
}

TEST_CASE("11: an answer that is too large to keep is an error") {
    Lot lot;
    const Parking::Id id = lot.parked();
    lot.parking.answer(id, Answer::result(bytes_of(kMaxParkedBytes / 2 + 1)));
    CHECK(lot.told.empty());
    CHECK(lot.retry(lot.with(kYes)).empty());
    CHECK(lot.told == Told{"tell retry 100 error -32603"});
    CHECK(lot.parking.size() == 0);
}

TEST_CASE("14: URLs to be visited first are questions, and the call is made again") {
    const Answer urls = Answer::error(Slice(
        {}, R"({"code":-32042,"message":"m","data":{"elicitations":[)"
            R"({"mode":"url","elicitationId":"e","url":"http://x","message":"m"}]}})"));
    Lot lot;
    Call call;
    call.request = lot.request();
    call.entry = lot.entry;
    const auto again = [&] {
        const auto answer = lot.parking.read_again(call, urls, lot.now);
        REQUIRE(answer);
        lot.parked_tell({}, *answer);
        lot.told.clear();
    };
    again();
    CHECK(lot.requests ==
          R"({"u1":{"method":"elicitation/create","params":)"
          R"({"mode":"url","url":"http://x","message":"m"}}})");
    CHECK(lot.retry(lot.with("{}")).empty());
    CHECK(lot.told == Told{"tell retry 100 asked u1"});
    CHECK(lot.retry(lot.with(R"({"u1":{"action":"accept"}})")).empty());
    CHECK(lot.forwarded);
    CHECK(lot.parking.size() == 0);
    again();
    CHECK(lot.retry(lot.with(R"({"u1":{"action":"decline"}})")).empty());
    CHECK(lot.told.back().find("\"isError\":true") != std::string::npos);
    CHECK(lot.parking.size() == 0);
    again();
    lot.wait(1000);
    CHECK(lot.parking.size() == 0);
    call.request.caps = {};
    CHECK(lot.parking.read_again(call, urls, lot.now)->own.required ==
          R"({"elicitation":{"url":{}}})");
    CHECK_FALSE(lot.parking.read_again(
        call, Answer::error(Slice({}, R"({"code":-32603,"message":"m"})")), lot.now));
}

TEST_CASE("once it is closed nobody is asked any more") {
    Lot lot;
    lot.parked();
    const Parking::Id kept = lot.parked("q2");
    lot.parking.answer(kept, Answer::result(Slice({}, "{}")));
    lot.identity = "other";  // one may not have more of them
    const Parking::Id asking = lot.call();
    lot.ask(asking, "q3");
    const Parking::Id running = lot.call();
    lot.told.clear();
    lot.parking.close();
    lot.ask(running, "q4");
    lot.wait(5000);
    CHECK(lot.told == Told{"take back 1", R"(reply 3 q3 {"action":"cancel"})",
                           R"(reply 4 q4 {"action":"cancel"})"});
    CHECK(lot.parking.size() == 2);
    CHECK(lot.parking.parked() == 0);
}

}  // namespace
}  // namespace neuron
