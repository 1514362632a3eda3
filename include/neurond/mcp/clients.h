#ifndef NEUROND_MCP_CLIENTS_H
#define NEUROND_MCP_CLIENTS_H

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace neuron {

/// One [client ID]: each of the ways to prove being it is enough.
struct Client {
    std::string id;  ///< what policy and audit call it
    std::vector<std::string> token_digests;  ///< SHA-256, in hexadecimal
    std::vector<std::string> certs;  ///< globs on the names in a certificate
    std::vector<uid_t> uids;
    std::vector<gid_t> gids;
    bool admin = false;  ///< may use the admin API
};

/// What is kept of a token: its SHA-256, in hexadecimal.
std::string token_digest(std::string_view token);

/// Who the configured clients are. Of several that match the first configured counts.
/// Immutable.
class Clients {
  public:
    Clients() = default;
    explicit Clients(std::vector<Client> clients) : clients_(std::move(clients)) {}

    /// Null for a token that is nobody's. Takes the same time for every token.
    const Client* by_token(std::string_view token) const {
        return by_digest(token_digest(token));
    }
    /// The same by what token_digest() made of it.
    const Client* by_digest(std::string_view digest) const;
    /// By the names of a verified certificate, its common name among them.
    const Client* by_names(const std::vector<std::string>& names) const;
    /// By what the kernel says of the other end of a Unix socket.
    const Client* by_user(uid_t uid, const std::vector<gid_t>& gids) const;

  private:
    std::vector<Client> clients_;
};

}  // namespace neuron

#endif
