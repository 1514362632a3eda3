#include "neurond/mcp/clients.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"

using namespace neuron;

namespace {

Client client(const char* id) {
    Client out;
    out.id = id;
    return out;
}

std::string digest(const char* token) {
    return hex_encode(sha256(token));
}

std::string id_of(const Client* client) {
    return client == nullptr ? "nobody" : client->id;
}

Clients some() {
    Client ci = client("ci");
    ci.token_digests = {digest("token-one"), digest("token-two")};
    Client ops = client("ops");
    ops.certs = {"ops-*", "*.ops.example"};
    ops.uids = {0, 1000};
    Client staff = client("staff");
    staff.certs = {"*"};
    staff.gids = {100, 200};
    staff.token_digests = {digest("token-two")};
    return Clients({ci, ops, staff});
}

}  // namespace

TEST_CASE("a token is known by its digest, whole and exact") {
    const Clients clients = some();
    struct Row {
        std::string token;
        const char* id;
    };
    for (const Row& row : {
             Row{"token-one", "ci"},
             Row{"token-two", "ci"},  // the first configured
             Row{"token-on", "nobody"},
             Row{"token-one ", "nobody"},
             Row{"TOKEN-ONE", "nobody"},
             Row{"", "nobody"},
             Row{digest("token-one"), "nobody"},  // who has read the file is not it
             Row{std::string("token-one\0", 10), "nobody"},
         }) {
        CAPTURE(row.token);
        CHECK(id_of(clients.by_token(row.token)) == row.id);
    }
    CHECK(id_of(Clients().by_token("token-one")) == "nobody");
}

TEST_CASE("a certificate is known by any of its names, in the order of the configuration") {
    const Clients clients = some();
    struct Row {
        std::vector<std::string> names;
        const char* id;
    };
    for (const Row& row : {
             Row{{"ops-1"}, "ops"},
             Row{{"x", "y", "a.ops.example"}, "ops"},
             Row{{"Ops-1"}, "staff"},  // case counts
             Row{{"x"}, "staff"},
             Row{{}, "nobody"},  // it proves nothing a pattern could be about
         }) {
        CHECK(id_of(clients.by_names(row.names)) == row.id);
    }
}

TEST_CASE("a user is known by number, or by any of their groups") {
    const Clients clients = some();
    struct Row {
        uid_t uid;
        std::vector<gid_t> gids;
        const char* id;
    };
    for (const Row& row : {
             Row{0, {0}, "ops"},
             Row{1000, {200}, "ops"},  // the first configured
             Row{1001, {5, 200}, "staff"},
             Row{1001, {5}, "nobody"},
             Row{100, {}, "nobody"},  // a number of a group is no user's
         }) {
        CAPTURE(row.uid);
        CHECK(id_of(clients.by_user(row.uid, row.gids)) == row.id);
    }
}
