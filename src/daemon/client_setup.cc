// Who may be whom. Of tokens only digests are kept.

#include "neurond/daemon/client_setup.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kMinTokenBytes = 16;  ///< 128 bits, if it was made by a machine

class ClientSetup {
  public:
    ClientSetup(conf::Files& files, conf::Diagnostics& diagnostics)
        : files_(files), diagnostics_(diagnostics) {}

    Client make(const conf::Section& section);

  private:
    void read_token(const conf::Section& section, Client& client);
    void add_digest(const conf::Section& section, const char* key, std::string digest,
                    Client& client);
    void error(const conf::Section& section, const char* key, const std::string& why) {
        diagnostics_.error(section.place(key), section.path(key), why);
    }

    conf::Files& files_;
    conf::Diagnostics& diagnostics_;
    std::map<std::string, std::string> owners_;  ///< digest → client
};

void ClientSetup::add_digest(const conf::Section& section, const char* key,
                             std::string digest, Client& client) {
    const auto [owner, first] = owners_.emplace(digest, client.id);
    if (!first && owner->second != client.id) {
        error(section, key, "the same token as that of [client " + owner->second + "]");
    }
    client.token_digests.push_back(std::move(digest));
}

void ClientSetup::read_token(const conf::Section& section, Client& client) {
    const std::string path = section.str("token_file");
    if (path.empty()) {
        return;
    }
    const Result<conf::FileText> file = files_.read_secret(path);
    if (!file) {
        error(section, "token_file", file.error().message);
        return;
    }
    std::string_view token = file->text;
    while (ends_with(token, "\n") || ends_with(token, "\r")) {
        token.remove_suffix(1);
    }
    const bool plain = std::all_of(token.begin(), token.end(),
                                   [](char c) { return c > ' ' && c < '\x7f'; });
    if (file->world_readable) {
        error(section, "token_file",
              path + " can be read by everybody, expected mode 0640 or less");
    } else if (!plain || token.size() < kMinTokenBytes) {
        error(section, "token_file",
              "read " + path + ": expected one token of at least " +
                  std::to_string(kMinTokenBytes) + " printable characters");
    } else {
        learn_secret(token);
        add_digest(section, "token_file", token_digest(token), client);
    }
}

Client ClientSetup::make(const conf::Section& section) {
    Client client;
    client.id = section.label();
    client.admin = section.yes("admin");
    client.certs = section.list("cert");
    for (const std::string& uid : section.list("uid")) {
        client.uids.push_back(static_cast<uid_t>(parse_u64(uid).value_or(0)));
    }
    for (const std::string& gid : section.list("gid")) {
        client.gids.push_back(static_cast<gid_t>(parse_u64(gid).value_or(0)));
    }
    read_token(section, client);
    for (const std::string& hex : section.list("token_sha256")) {
        add_digest(section, "token_sha256", to_lower(hex), client);
    }
    return client;
}

}  // namespace

std::shared_ptr<const Clients> make_clients(const conf::Config& config,
                                            conf::Files& files,
                                            conf::Diagnostics& diagnostics) {
    ClientSetup setup(files, diagnostics);
    std::vector<Client> clients;
    for (const conf::Section* section : config.sections("client")) {
        clients.push_back(setup.make(*section));
    }
    return std::make_shared<const Clients>(std::move(clients));
}

}  // namespace neuron
