// Certificates, tokens and the kernel's word, made into an identity. A name out of a
// certificate always carries "cert:", so that none can pass for a [client ID].

#include "neurond/front/caller.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr std::string_view kBearer = "bearer ";
constexpr size_t kMaxGroups = 256;  ///< of a user, that are looked at

void become(Caller& caller, const Client& client) {
    caller.identity.name = client.id;
    caller.admin = client.admin;
}

/// The group of the process and those its user has besides.
std::vector<gid_t> groups_of(int fd, gid_t first) {
    std::vector<gid_t> groups(kMaxGroups);
    socklen_t size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool told =
        ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
    groups.resize(told ? size / sizeof(gid_t) : 0);
    groups.push_back(first);
    return groups;
}

}  // namespace

Caller tcp_caller(const Address& peer, const TlsPeer& tls, const Clients& clients) {
    Caller caller;
    caller.identity.peer = peer.to_string();
    caller.identity.name = peer.is_loopback() ? "anonymous" : "unauthenticated";
    if (!tls.certified) {
        return caller;
    }
    std::vector<std::string> names = tls.names;
    if (!tls.common_name.empty()) {
        names.insert(names.begin(), tls.common_name);
    }
    caller.known = true;
    caller.identity.name = "cert:" + (names.empty() ? std::string() : names.front());
    if (const Client* client = clients.by_names(names); client != nullptr) {
        become(caller, *client);
    }
    return caller;
}

Caller unix_caller(int fd, const Clients& clients) {
    ucred credentials{};
    credentials.uid = static_cast<uid_t>(-1);
    credentials.gid = static_cast<gid_t>(-1);
    socklen_t size = sizeof credentials;
    ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    Caller caller;
    caller.identity.peer = "unix uid " + std::to_string(credentials.uid) +
                           " pid " + std::to_string(credentials.pid);
    caller.identity.name = "uid:" + std::to_string(credentials.uid);
    caller.known = true;
    caller.owner = credentials.uid == 0 || credentials.uid == ::geteuid();
    const Client* client =
        clients.by_user(credentials.uid, groups_of(fd, credentials.gid));
    if (client != nullptr) {
        become(caller, *client);
    }
    return caller;
}

std::optional<std::string> shown_token(const HttpFields& fields) {
    const auto value = fields.field("Authorization");
    if (!value) {
        return std::nullopt;
    }
    const bool bearer = equals_ignoring_case(value->substr(0, kBearer.size()), kBearer);
    return bearer && fields.count("Authorization") == 1
               ? token_digest(trim(value->substr(kBearer.size())))
               : std::string();
}

std::optional<Caller> with_token(const Caller& caller,
                                 const std::optional<std::string>& digest,
                                 const Clients& clients) {
    if (!digest) {
        return caller;
    }
    const Client* client = clients.by_digest(*digest);
    if (client == nullptr) {
        return std::nullopt;
    }
    Caller known = caller;
    known.known = true;
    known.owner = false;  // what the connection may do is not the token's to use
    become(known, *client);
    return known;
}

}  // namespace neuron
