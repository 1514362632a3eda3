#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "conf_fake.h"
#include "neurond/mcp/policy.h"

using namespace neuron;

namespace {

using Rules = std::vector<PolicyRule>;

PolicyRule allow(std::string id, std::vector<std::string> tools,
                 std::vector<std::string> clients = {}) {
    return {std::move(id), true, std::move(tools), std::move(clients)};
}

PolicyRule deny(std::string id, std::vector<std::string> tools,
                std::vector<std::string> clients = {}) {
    return {std::move(id), false, std::move(tools), std::move(clients)};
}

/// "allow RULE" or "deny RULE".
std::string verdict(const Policy& policy, const char* identity, const char* tool) {
    const PolicyDecision decision = policy.decide(identity, PolicyKind::kTool, tool);
    return (decision.allowed ? "allow " : "deny ") + decision.rule;
}

}  // namespace

TEST_CASE("the decision table of a policy that denies by default") {
    const Policy policy(
        false,
        Rules{allow("linux", {"linux.*"}), deny("reboot", {"*.reboot", "*.halt"}),
              allow("redis", {"redis.?et"}), allow("info", {"linux.*.info"}),
              allow("admin", {"db.*"}, {"uid:0", "ops-*"}),
              deny("guests", {"*.write"}, {"anonymous"})});
    struct Row {
        const char* identity;
        const char* tool;
        const char* expected;
    };
    for (const Row& row : {
             Row{"anonymous", "linux.system.info",
                 "allow linux"},                              // the first that allows
             Row{"anonymous", "linux.a.b.c", "allow linux"},  // * spans dots
             Row{"anonymous", "linux.dir/file", "allow linux"},  // and slashes
             Row{"anonymous", "linux.", "allow linux"},          // and nothing
             Row{"anonymous", "linux", "deny default"},         // the dot must be there
             Row{"anonymous", "linuxXsystem", "deny default"},  // a dot is only a dot
             Row{"anonymous", "xlinux.a", "deny default"},      // all of the name
             Row{"anonymous", "Linux.a", "deny default"},       // case counts
             Row{"anonymous", "linux.reboot",
                 "deny reboot"},  // deny wins, though later
             Row{"uid:0", "linux.power.halt", "deny reboot"},
             Row{"anonymous", "redis.get", "allow redis"},  // ? is one character
             Row{"anonymous", "redis.set", "allow redis"},
             Row{"anonymous", "redis.keys", "deny default"},
             Row{"anonymous", "redis.et", "deny default"},
             Row{"uid:0", "db.query", "allow admin"},  // by client
             Row{"uid:00", "db.query", "deny default"},
             Row{"ops-anna", "db.query", "allow admin"},
             Row{"anonymous", "db.query", "deny default"},
             Row{"anonymous", "linux.write", "deny guests"},
             Row{"uid:1000", "linux.write",
                 "allow linux"},  // that deny is not for everybody
             Row{"anonymous", "", "deny default"},
         }) {
        CAPTURE(std::string(row.identity));
        CAPTURE(std::string(row.tool));
        CHECK(verdict(policy, row.identity, row.tool) == row.expected);
    }
}

TEST_CASE("the default decides where no rule matches, and only there") {
    const Policy open(true, Rules{deny("no", {"a.secret"})});
    CHECK(verdict(open, "anonymous", "a.b") == "allow default");
    CHECK(verdict(open, "anonymous", "a.secret") == "deny no");
    CHECK(verdict(Policy(true, {}), "anonymous", "x") == "allow default");
    CHECK(verdict(Policy(false, {}), "anonymous", "x") == "deny default");
}

TEST_CASE("the order of rules does not change what is allowed") {
    Rules rules = {allow("a", {"*"}), deny("b", {"x.*"}), allow("c", {"x.y"})};
    for (int turn = 0; turn < 3; ++turn) {
        const Policy policy(false, rules);
        CHECK(verdict(policy, "anonymous", "x.y") == "deny b");
        CHECK(policy.decide("anonymous", PolicyKind::kTool, "z").allowed);
        std::rotate(rules.begin(), rules.begin() + 1, rules.end());
    }
}

TEST_CASE("patterns match sets, and an invalid one matches nothing") {
    const Policy policy(false, Rules{allow("set", {"t.[abc]", "u.[!x]"}),
                                     allow("broken", {"v.[", "w.["})});
    CHECK(verdict(policy, "anonymous", "t.b") == "allow set");
    CHECK(verdict(policy, "anonymous", "t.d") == "deny default");
    CHECK(verdict(policy, "anonymous", "u.y") == "allow set");
    CHECK(verdict(policy, "anonymous", "u.x") == "deny default");
    CHECK(verdict(policy, "anonymous", "v.[") == "deny default");
}

TEST_CASE("a rule without tools matches nothing, one without clients everybody") {
    const Policy policy(false, Rules{allow("empty", {}), allow("all", {"x"})});
    CHECK(verdict(policy, "anonymous", "") == "deny default");
    CHECK(verdict(policy, "", "x") == "allow all");
    CHECK(verdict(policy, "cert:somebody", "x") == "allow all");
}

TEST_CASE("a policy is read from the configuration") {
    const conf::LoadResult loaded = conf::load_text(
        "[policy]\ndefault_action = deny\n"
        "[rule host]\neffect = allow\ntools = host.* other.x\n"
        "[rule secret]\neffect = deny\ntools = host.secret\nclients = uid:1* "
        "anonymous\n");
    REQUIRE(static_cast<bool>(loaded.config));
    const Policy policy = Policy::from(*loaded.config);
    CHECK(verdict(policy, "uid:0", "host.secret") == "allow host");
    CHECK(verdict(policy, "uid:1000", "host.secret") == "deny secret");
    CHECK(verdict(policy, "anonymous", "host.info") == "allow host");
    CHECK(verdict(policy, "anonymous", "other.x") == "allow host");
    CHECK(verdict(policy, "anonymous", "other.y") == "deny default");
}

TEST_CASE("without any rule a configuration denies") {
    const conf::LoadResult loaded = conf::load_text("");
    REQUIRE(static_cast<bool>(loaded.config));
    CHECK(verdict(Policy::from(*loaded.config), "uid:0", "a.b") == "deny default");
}

TEST_CASE("rules about URIs hold for every spelling") {
    PolicyRule pub{"pub", true, {}, {}};
    pub.resources = {"mem:///pub/*", "mem:///[!s]", "file:///a%20b"};
    PolicyRule secret{"secret", false, {}, {}};
    secret.resources = {"mem:///pub/secret*", "mem:///pub/x%20y"};
    const Policy policy(false, Rules{pub, secret});
    struct Row {
        const char* uri;
        const char* expected;
    };
    for (const Row& row : {
             Row{"mem:///pub/a", "allow pub"},
             Row{"mem:///pub/a%20b", "allow pub"},
             Row{"mem:///pub/a#b", "allow pub"},
             Row{"file:///a%20b", "allow pub"},
             Row{"mem:///pub/secret", "deny secret"},
             Row{"mem:///pub/%73ecret", "deny secret"},
             Row{"mem:///pub/%2573ecret", "deny secret"},
             Row{"mem:///pub/se\tcret", "deny secret"},
             Row{"mem:///pub/./secret", "deny secret"},
             Row{"mem:///pub/a/../secret", "deny secret"},
             Row{"mem:///pub\\secret", "deny secret"},
             Row{"MEM:///pub/secret", "deny secret"},
             Row{"mem:///pub/x y", "deny secret"},     // as the rule escapes it
             Row{"mem:///pub/../b", "deny default"},   // leaves what is allowed
             Row{"mem:///pub/%2e%2e/b", "deny default"},
             Row{"mem:///q", "allow pub"},
             Row{"mem:///%73", "deny default"},  // an s for all that
             Row{"MEM:///pub/a", "deny default"},
         }) {
        CAPTURE(row.uri);
        const PolicyDecision got =
            policy.decide("x", PolicyKind::kResource, row.uri);
        CHECK((got.allowed ? "allow " : "deny ") + got.rule == row.expected);
    }
}
