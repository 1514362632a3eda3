// Rules of [client ID].

#include "neurond/conf/check_client.h"

#include <algorithm>

#include "neurond/base/glob.h"
#include "neurond/base/limits.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/conf/check_base.h"

namespace neuron::conf {
namespace {

constexpr size_t kDigestDigits = 64;
constexpr const char* kProofs[] = {"token_file", "token_sha256", "cert", "uid", "gid"};

class ClientCheck : private CheckBase {
  public:
    ClientCheck(Files& files, Diagnostics& diagnostics)
        : CheckBase(files, diagnostics) {}

    void run(const Section& section);

  private:
    void id(const Section& section);
    void numbers(const Section& section, const char* key);
};

void ClientCheck::id(const Section& section) {
    const std::string& id = section.label();
    std::string why;
    if (id.empty()) {
        why = "client ID cannot be empty";
    } else if (id == "anonymous" || id == "unauthenticated") {
        why = quote(id) + " is what callers without a proof are called, expected "
                          "another ID";
    } else if (id.size() > kMaxNamespaceBytes ||
               !consists_of(id, {kLower, kUpper, kDigits, "_-."})) {
        why = quote(id) +
              " is no client ID, expected at most 64 letters, digits, _ - and .";
    }
    if (!why.empty()) {
        diagnostics_.error(section.place(), "[client]", why);
    }
}

void ClientCheck::numbers(const Section& section, const char* key) {
    for (const std::string& text : section.list(key)) {
        const auto number = parse_u64(text);
        if (!number || *number >= UINT32_MAX) {
            error(section, key, quote(text) + " is not a number of the kernel's");
        }
    }
}

void ClientCheck::run(const Section& section) {
    id(section);
    const bool proves =
        std::any_of(std::begin(kProofs), std::end(kProofs),
                    [&section](const char* key) { return section.is_set(key); });
    if (!proves) {
        diagnostics_.error(section.place(), "[client " + section.label() + "]",
                           "nobody can be this client, expected token_file, "
                           "token_sha256, cert, uid or gid");
    }
    const std::string& path = section.str("token_file");
    if (good(section, "token_file") && !path.empty() && !starts_with(path, "/")) {
        error(section, "token_file", quote(path) + " is not an absolute path");
    }
    for (const std::string& hex : section.list("token_sha256")) {
        if (hex.size() != kDigestDigits ||
            !consists_of(to_lower(hex), {kDigits, "abcdef"})) {
            learn_secret(hex);  // it may be the token by mistake
            error(section, "token_sha256",
                  "this is no SHA-256, expected 64 hexadecimal digits");
        }
    }
    for (const std::string& glob : section.list("cert")) {
        if (glob.empty() || !glob_is_valid(glob)) {
            error(section, "cert", quote(glob) + " is not a valid pattern");
        }
    }
    numbers(section, "uid");
    numbers(section, "gid");
}

}  // namespace

void check_client(const Section& section, Files& files, Diagnostics& diagnostics) {
    ClientCheck(files, diagnostics).run(section);
}

bool has_tokens(const Config& config) {
    const std::vector<const Section*> clients = config.sections("client");
    return std::any_of(clients.begin(), clients.end(), [](const Section* client) {
        return client->is_set("token_file") || client->is_set("token_sha256");
    });
}

bool has_admin(const Config& config) {
    const std::vector<const Section*> clients = config.sections("client");
    return std::any_of(clients.begin(), clients.end(),
                       [](const Section* client) { return client->yes("admin"); });
}

}  // namespace neuron::conf
