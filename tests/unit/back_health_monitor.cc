#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "loop_world.h"
#include "neurond/back/health_monitor.h"

using namespace neuron;
using Verdict = HealthCheck::Verdict;

namespace {

struct Server final : HealthUser {
    uint64_t ask(HealthCheck::Question question) override {
        questions.push_back(question);
        return ++id;
    }
    void forget_question(uint64_t which) override { forgotten.push_back(which); }
    TimePoint patience() const override { return TimePoint(); }
    void on_verdict(Verdict verdict, const std::string& why) override {
        verdicts.push_back(verdict);
        reason = why;
    }
    bool has(Verdict verdict) const {
        return !verdicts.empty() && verdicts.back() == verdict;
    }
    uint64_t id = 0;
    std::vector<HealthCheck::Question> questions;
    std::vector<uint64_t> forgotten;
    std::vector<Verdict> verdicts;
    std::string reason;
};

std::string written(HealthCheck::Question question, Revision revision) {
    OutQueue out;
    const char* method = write_question(out, 7, question, revision);
    const std::string text = out.to_string();
    CHECK(text.find(method) != std::string::npos);
    return text;
}

}  // namespace

TEST_CASE("a server that stays silent is degraded, asked once more, and hangs") {
    EventLoop loop;
    Server server;
    HealthMonitor monitor(loop, {Millis(1), Millis(1)}, server);
    monitor.begin(false);
    CHECK(turn_until(loop, [&] { return server.has(Verdict::kHung); }));
    CHECK(server.verdicts == std::vector<Verdict>{Verdict::kDegraded, Verdict::kHung});
    CHECK(server.questions.size() == 2);
    CHECK(server.forgotten == std::vector<uint64_t>{1});
    CHECK(server.reason == "it did not answer a health check within 1 ms");
}

TEST_CASE("an answer to the question that was asked counts, any other does not") {
    EventLoop loop;
    Server server;
    HealthMonitor monitor(loop, {Millis(1), Millis(5000)}, server);
    monitor.begin(false);
    REQUIRE(turn_until(loop, [&] { return server.id == 1; }));
    monitor.on_reply(99, false, "{}");
    CHECK(server.verdicts.empty());
    monitor.on_message();
    monitor.on_reply(1, false, R"({"code":-32603,"message":"x"})");
    CHECK(server.has(Verdict::kDegraded));
    REQUIRE(turn_until(loop, [&] { return server.id == 2; }));
    monitor.on_message();
    monitor.on_reply(2, false, R"({"code":-32601,"message":"x"})");
    CHECK(server.questions.back() == HealthCheck::Question::kListTools);
    monitor.on_reply(3, true, "{}");
    CHECK(server.has(Verdict::kHealthy));
}

TEST_CASE("a monitor that is stopped, or has no interval, asks nothing") {
    EventLoop loop;
    Server server;
    HealthMonitor stopped(loop, {Millis(1), Millis(1)}, server);
    stopped.begin(false);
    stopped.stop();
    HealthMonitor none(loop, {Millis(0), Millis(1)}, server);
    none.begin(false);
    HealthMonitor other(loop, {Millis(2), Millis(1)}, server);
    other.begin(true);
    CHECK(turn_until(loop, [&] { return server.has(Verdict::kHung); }));
    CHECK(server.questions == std::vector<HealthCheck::Question>(
                                  2, HealthCheck::Question::kDiscover));
}

TEST_CASE("questions are requests of the revision") {
    using Question = HealthCheck::Question;
    CHECK(written(Question::kPing, Revision::k20250326) ==
          R"({"jsonrpc":"2.0","id":7,"method":"ping"})");
    CHECK(written(Question::kListTools, Revision::k20251125)
              .find(R"("method":"tools/list")") != std::string::npos);
    CHECK(written(Question::kDiscover, Revision::k20260728)
              .find(R"("method":"server/discover")") != std::string::npos);
}
