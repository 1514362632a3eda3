#include "neurond/front/caller.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop_world.h"
#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/wire/http_fields.h"

using namespace neuron;

namespace {

constexpr const char* kToken = "token-of-the-ci";

Clients some() {
    Client ci;
    ci.id = "ci";
    ci.token_digests = {hex_encode(sha256(kToken))};
    Client boss;
    boss.id = "boss";
    boss.certs = {"boss.*"};
    boss.admin = true;
    return Clients({ci, boss});
}

Address address(const char* text) {
    const Result<Address> out = Address::parse(text);
    REQUIRE(out);
    return *out;
}

TlsPeer peer(std::string common_name, std::vector<std::string> names = {}) {
    TlsPeer out;
    out.certified = true;
    out.common_name = std::move(common_name);
    out.names = std::move(names);
    return out;
}

/// "name known admin owner", of those that hold.
std::string text(const std::optional<Caller>& caller) {
    if (!caller) {
        return "refused";
    }
    return caller->identity.name + (caller->known ? " known" : "") +
           (caller->admin ? " admin" : "") + (caller->owner ? " owner" : "");
}

}  // namespace

TEST_CASE("a connection tells who calls") {
    struct Row {
        const char* from;
        TlsPeer tls;
        const char* caller;
    };
    for (const Row& row : {
             Row{"127.0.0.1:9", {}, "anonymous"},
             Row{"[::1]:9", {}, "anonymous"},
             Row{"[::ffff:127.0.0.1]:9", {}, "anonymous"},
             Row{"10.0.0.1:9", {}, "unauthenticated"},
             Row{"10.0.0.1:9", peer("alice"), "cert:alice known"},
             Row{"10.0.0.1:9", peer("", {"b.example"}), "cert:b.example known"},
             Row{"10.0.0.1:9", peer("alice", {"boss.example"}), "boss known admin"},
             Row{"127.0.0.1:9", peer("ci"), "cert:ci known"},  // a name is no ID
             Row{"127.0.0.1:9", peer("", {}), "cert: known"},
         }) {
        CAPTURE(row.caller);
        const Caller got = tcp_caller(address(row.from), row.tls, some());
        CHECK(text(got) == row.caller);
        CHECK(got.identity.peer == address(row.from).to_string());
    }
}

TEST_CASE("the kernel tells who is at the other end of a Unix socket") {
    const FdPair ends = make_socket_pair();
    const std::string me = "uid:" + std::to_string(::geteuid());
    CHECK(text(unix_caller(ends.first.get(), some())) == me + " known owner");
    Client mine;
    mine.id = "mine";
    mine.gids = {::getegid()};
    CHECK(text(unix_caller(ends.first.get(), Clients({mine}))) == "mine known owner");
    const Caller nobody = unix_caller(-1, some());
    CHECK_FALSE(nobody.owner);
}

TEST_CASE("a token decides, and a wrong one refuses") {
    const Caller anonymous = tcp_caller(address("127.0.0.1:9"), {}, some());
    const Caller boss = tcp_caller(address("127.0.0.1:9"), peer("boss.x"), some());
    const FdPair ends = make_socket_pair();
    const Caller owner = unix_caller(ends.first.get(), some());
    using Fields = std::vector<std::pair<std::string, std::string>>;
    struct Row {
        const Caller& caller;
        Fields fields;
        const char* expected;
    };
    const std::string right = std::string("Bearer ") + kToken;
    const Row rows[] = {
        {anonymous, {}, "anonymous"},
        {anonymous, {{"Authorization", right}}, "ci known"},
        {anonymous, {{"authorization", std::string("bEARER   ") + kToken}}, "ci known"},
        {boss, {{"Authorization", right}}, "ci known"},  // what it asks to be
        {owner, {{"Authorization", right}}, "ci known"},
        {boss, {}, "boss known admin"},
        {anonymous, {{"Authorization", right + "x"}}, "refused"},
        {anonymous, {{"Authorization", kToken}}, "refused"},
        {anonymous, {{"Authorization", std::string("Basic ") + kToken}}, "refused"},
        {anonymous, {{"Authorization", ""}}, "refused"},
        {boss, {{"Authorization", "Bearer nonsense"}}, "refused"},
        {anonymous, {{"Authorization", right}, {"Authorization", right}}, "refused"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.expected);
        HttpFields fields;
        for (const auto& [name, value] : row.fields) {
            fields.add({name, value});
        }
        CHECK(text(with_token(row.caller, shown_token(fields), some())) == row.expected);
    }
}
