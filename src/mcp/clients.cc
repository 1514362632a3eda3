// Who proves to be which [client ID]. Tokens are compared by their digests: neither a
// token nor how much of it was right can be told from outside.

#include "neurond/mcp/clients.h"

#include <algorithm>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/glob.h"

namespace neuron {

std::string token_digest(std::string_view token) {
    return hex_encode(sha256(token));
}

const Client* Clients::by_digest(std::string_view digest) const {
    const Client* found = nullptr;
    for (const Client& client : clients_) {
        for (const std::string& known : client.token_digests) {
            const bool same = constant_time_equals(known, digest);
            found = same && found == nullptr ? &client : found;
        }
    }
    return found;
}

const Client* Clients::by_names(const std::vector<std::string>& names) const {
    const auto matches = [&names](const Client& client) {
        return std::any_of(
            client.certs.begin(), client.certs.end(), [&names](const std::string& glob) {
                return std::any_of(names.begin(), names.end(),
                                   [&glob](const std::string& name) {
                                       return glob_matches(glob, name);
                                   });
            });
    };
    const auto found = std::find_if(clients_.begin(), clients_.end(), matches);
    return found == clients_.end() ? nullptr : &*found;
}

const Client* Clients::by_user(uid_t uid, const std::vector<gid_t>& gids) const {
    const auto matches = [uid, &gids](const Client& client) {
        return std::find(client.uids.begin(), client.uids.end(), uid) !=
                   client.uids.end() ||
               std::find_first_of(gids.begin(), gids.end(), client.gids.begin(),
                                  client.gids.end()) != gids.end();
    };
    const auto found = std::find_if(clients_.begin(), clients_.end(), matches);
    return found == clients_.end() ? nullptr : &*found;
}

}  // namespace neuron
