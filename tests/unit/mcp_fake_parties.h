#ifndef NEUROND_TESTS_UNIT_MCP_FAKE_PARTIES_H
#define NEUROND_TESTS_UNIT_MCP_FAKE_PARTIES_H

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/handle.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/router.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

/// Takes calls and answers none by itself.
struct FakeServer final : Answerer {
    explicit FakeServer(HandleTable<Answerer>& table) : registration(table, *this) {}

    const std::string& name() const noexcept override { return own_name; }
    void take(Call& call) override {
        CHECK(call.stage == Call::Stage::kQueued);
        taken.push_back(call.handle);
        last = &call;
        if (when_taken) {
            when_taken(call);
        }
    }
    void cancel(Call& call, CancelReason reason) override {
        CHECK(call.entry->downstream == own_name);
        cancelled += reason == CancelReason::kClient ? "client " : "timeout ";
    }
    void reply(Call&, const InputReply& reply) override {
        replies.push_back(reply.key + (reply.failed ? " failed " : " ") +
                          std::string(reply.body.view()));
    }
    std::shared_ptr<const Offer> offer_for(const Requester& who) const override {
        const auto found = own.find(who.party);
        return found == own.end() ? nullptr : found->second;
    }
    void prepare(const Requester& who) override { prepared += who.party + " "; }
    bool preparing(const Requester& who) const override {
        return starting.count(who.party) != 0;
    }
    Millis call_timeout(const std::string& tool) const override {
        return tool == "quick" ? quick : Millis{60 * 1000};
    }
    Millis call_timeout_max() const override { return most; }

    std::string own_name = "redis";
    Millis quick{5};
    Millis most{10 * 60 * 1000};
    std::vector<CallHandle> taken;
    Call* last = nullptr;
    std::string cancelled;
    std::vector<std::string> replies;
    std::map<std::string, std::shared_ptr<const Offer>> own;  ///< by party
    std::string prepared;
    std::set<std::string> starting;
    std::function<void(Call&)> when_taken;
    Registration<Answerer> registration;
};

/// Writes down what it is told: "TAG result BODY", "TAG notice PARAMS", ….
struct FakeClient final : Asker {
    explicit FakeClient(HandleTable<Asker>& table) : registration(table, *this) {}

    void on_notice(uint64_t tag, const Notice& notice) override {
        told.push_back(std::to_string(tag) + " notice " +
                       std::string(notice.params.view()));
    }
    InputOutcome on_input(uint64_t tag, const InputRound& round) override {
        if (outcome == InputOutcome::kAsked) {
            for (const Question& question : round.questions) {
                told.push_back(std::to_string(tag) + " asked " + question.key + " " +
                               question.method + " " +
                               std::string(question.params.view()));
            }
        }
        return outcome;
    }
    void on_input_withdrawn(uint64_t tag, const std::string& key) override {
        told.push_back(std::to_string(tag) + " withdrawn " + key);
    }
    void on_lists_ready(uint64_t tag) override {
        told.push_back(std::to_string(tag) + " ready");
    }
    void on_answer(uint64_t tag, const Answer& answer) override {
        ++answers;
        own = answer.own;
        const char* kind = answer.kind == Answer::Kind::kResult  ? " result "
                           : answer.kind == Answer::Kind::kError ? " error "
                                                                 : " own ";
        told.push_back(std::to_string(tag) + kind +
                       (answer.kind == Answer::Kind::kOwnError
                            ? answer.own.type + " " + answer.own.message
                            : std::string(answer.body.view())));
        if (when_answered) {
            when_answered();
        }
    }

    std::vector<std::string> told;
    InputOutcome outcome = InputOutcome::kAsked;
    int answers = 0;
    OwnError own;  ///< of the last answer
    std::function<void()> when_answered;
    Registration<Asker> registration;
};

struct FakeDirectory final : Directory {
    std::optional<Missing> why_missing(const View&,
                                       std::string_view name) const override {
        const auto found = missing.find(std::string(name));
        return found == missing.end() ? std::nullopt : std::optional(found->second);
    }
    bool has(std::string_view downstream) const override {
        return downstream == "redis";
    }
    std::map<std::string, Missing> missing;
};

struct FakeObserver final : CallObserver {
    void on_call_done(const Call& call, const CallEnd& end) override {
        done += std::to_string(call.request.tag) + " " + std::string(end.result) + " ";
    }
    void on_blocked(std::string_view rule) override {
        blocked += std::string(rule) + " ";
    }
    std::string done;
    std::string blocked;
};

/// A server that lists these tools.
inline std::shared_ptr<Offer> offer_of(const std::vector<std::string>& tools) {
    std::string list;
    for (const std::string& tool : tools) {
        list += std::string(list.empty() ? "" : ",") + R"({"name":")" + tool +
                R"(","inputSchema":{"type":"object"}})";
    }
    auto offer = std::make_shared<Offer>();
    std::optional<std::string> cursor;
    REQUIRE(parse_page(ItemKind::kTool, Slice::copy_of(R"({"tools":[)" + list + "]}"),
                       *offer, cursor));
    return offer;
}

/// A merged list with these tools of the downstream redis.
inline std::shared_ptr<const Catalog> catalog_of(
    AnswererHandle server, const std::vector<std::string>& tools) {
    CatalogBuilder builder;
    builder.add_downstream("redis", server, offer_of(tools));
    return builder.build(".");
}

/// The call that a client's message asks for.
inline CallRequest call_request(const std::string& params) {
    const Slice text = Slice::copy_of(
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)" + params + "}");
    JsonScanner scan(64);
    REQUIRE(scan.finish(text.view()) == Scan::kDone);
    DoorRequest read = read_call(classify(scan, text.view()), scan, text);
    REQUIRE(read.kind == DoorRequest::Kind::kCall);
    return std::move(read.call);
}

}  // namespace neuron

#endif
