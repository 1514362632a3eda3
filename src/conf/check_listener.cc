// Where clients come in and who may: rules of [server] and [listener NAME].

#include "neurond/conf/check_listener.h"

#include <sys/un.h>

#include <algorithm>
#include <map>
#include <string>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/conf/check_base.h"
#include "neurond/conf/check_client.h"
#include "neurond/conf/check_tls.h"

namespace neuron::conf {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kInherited = "systemd:";
constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

/// The host of IP:PORT or [IPV6]:PORT; empty for anything else.
std::string host_in(const std::string& address) {
    const size_t colon = address.rfind(':');
    const auto port =
        colon == std::string::npos ? std::nullopt : parse_u64(address.substr(colon + 1));
    if (!port || *port > UINT16_MAX) {
        return {};
    }
    const std::string host = address.substr(0, colon);
    const bool v6 = starts_with(host, "[") && ends_with(host, "]");
    const std::string bare = v6 ? host.substr(1, host.size() - 2) : host;
    const bool fits = v6 == (bare.find(':') != std::string::npos);
    return fits && is_address(bare) ? bare : std::string();
}

/// SCHEME://HOST[:PORT] (RFC 6454, 6.2), of extensions of browsers, too; null; or *.
bool is_origin(std::string_view text) {
    const size_t mark = text.find("://");
    return text == "*" || text == "null" ||
           (mark != 0 && mark != std::string_view::npos && mark + 3 < text.size() &&
            text.find_first_of("/?#", mark + 3) == std::string_view::npos);
}

class ListenerCheck : private CheckBase {
  public:
    ListenerCheck(const Config& config, Files& files, Diagnostics& diagnostics)
        : CheckBase(files, diagnostics), config_(config) {}

    void run();

  private:
    void server(const Section& section);
    void listener(const Section& section);
    void name(const Section& section);
    void tcp(const Section& section);
    void path(const Section& section);
    void inherited(const Section& section);
    void reachable(const Section& section, const char* key, const std::string& host,
                   const Section& tls, const char* where);
    void serves(const Section& section);
    void origins(const Section& section);
    void once(const Section& section, const char* key, const std::string& address,
              const std::string& owner);

    const Config& config_;
    std::map<std::string, std::string> owners_;  ///< address → section
    bool open_ = false;  ///< strangers may call from elsewhere
};

void ListenerCheck::run() {
    server(config_.section("server"));
    const std::vector<const Section*> all = config_.sections("listener");
    for (const Section* section : all) {
        listener(*section);
    }
    if (all.size() > kMaxListeners) {
        diagnostics_.error(all[kMaxListeners]->place(), "[listener]",
                           "one too many, expected at most " +
                               std::to_string(kMaxListeners) + " listeners");
    }
    origins(config_.section("http"));
}

/// With "*" a page of anybody's can have a browser call (requirements C-14).
void ListenerCheck::origins(const Section& section) {
    if (!good(section, "allowed_origins")) {
        return;
    }
    for (const std::string& origin : section.list("allowed_origins")) {
        if (!is_origin(origin)) {
            error(section, "allowed_origins",
                  quote(origin) + " is no origin, expected one such as "
                                  "https://app.example.org");
        } else if (origin == "*" && open_) {
            error(section, "allowed_origins",
                  "* lets every web page call where callers are not authenticated, "
                  "expected origins such as https://app.example.org");
        } else if (origin == "*") {
            warning(section, "allowed_origins", "*: no web page is kept out");
        }
    }
}

void ListenerCheck::server(const Section& section) {
    serves(section);
    if (!good(section, "bind")) {
        return;
    }
    const std::string& bind = section.str("bind");
    if (!is_address(bind)) {
        error(section, "bind",
              quote(bind) + " is not an address, expected one such as 127.0.0.1 or ::1");
        return;
    }
    owners_.emplace(std::string(kUnix) + section.str("socket"), "[server] socket");
    reachable(section, "bind", bind, config_.section("tls"), " in [tls]");
    if (good(section, "port") && section.integer("port") != 0) {
        const bool v6 = bind.find(':') != std::string::npos;
        once(section, "bind",
             (v6 ? "[" + bind + "]" : bind) + ":" +
                 std::to_string(section.integer("port")),
             "[server]");
    }
}

void ListenerCheck::name(const Section& section) {
    const std::string& label = section.label();
    if (label.empty() || label.size() > kMaxNamespaceBytes ||
        !consists_of(label, {kLower, kUpper, kDigits, "_-"})) {
        diagnostics_.error(section.place(), "[listener]",
                           quote(label) + " is no name of a listener, expected 1 to 64 "
                                          "letters, digits, _ and -");
    }
}

void ListenerCheck::listener(const Section& section) {
    name(section);
    serves(section);
    if (!good(section, "address")) {
        return;
    }
    if (starts_with(section.str("address"), kUnix)) {
        path(section);
    } else if (starts_with(section.str("address"), kInherited)) {
        inherited(section);
    } else {
        tcp(section);
    }
}

void ListenerCheck::tcp(const Section& section) {
    const std::string& address = section.str("address");
    const std::string host = host_in(address);
    if (host.empty()) {
        error(section, "address",
              quote(address) + " is no address to listen on, expected IP:PORT, "
                               "[IPV6]:PORT, unix:/PATH or systemd:NAME");
        return;
    }
    reachable(section, "address", host, section, "");
    if (!ends_with(address, ":0")) {
        once(section, "address", address, "[listener " + section.label() + "]");
    }
}

void ListenerCheck::path(const Section& section) {
    const std::string path = section.str("address").substr(kUnix.size());
    if (!starts_with(path, "/") || path.size() > kMaxSocketPath) {
        error(section, "address",
              quote(path) + " is no path of a socket, expected an absolute one of at "
                            "most " +
                  std::to_string(kMaxSocketPath) + " bytes");
    } else if (good(section, "cert_path") && !section.str("cert_path").empty()) {
        error(section, "cert_path",
              "TLS on a Unix socket is not supported, expected IP:PORT in address");
    } else {
        once(section, "address", section.str("address"),
             "[listener " + section.label() + "]");
    }
}

/// Where it is bound shows only when it is handed over; the daemon looks then.
void ListenerCheck::inherited(const Section& section) {
    const std::string name = section.str("address").substr(kInherited.size());
    if (name.empty() || name.size() > kMaxInheritedName ||
        name.find(':') != std::string::npos) {
        error(section, "address",
              quote(name) + " is no name of a socket, expected one that "
                            "FileDescriptorName= of a systemd unit may give");
    } else {
        once(section, "address", section.str("address"),
             "[listener " + section.label() + "]");
    }
}

void ListenerCheck::once(const Section& section, const char* key,
                         const std::string& address, const std::string& owner) {
    const auto [first, added] = owners_.emplace(address, owner);
    if (!added) {
        error(section, key, address + " is the address of " + first->second + " already");
    }
}

/// `where` says in which section its TLS keys stand, if in another.
void ListenerCheck::reachable(const Section& section, const char* key,
                              const std::string& host, const Section& tls,
                              const char* where) {
    const Section& server = config_.section("server");
    if (is_loopback(host) || authenticates(config_, tls) ||
        !good(server, "allow_insecure")) {
        return;
    }
    if (!server.yes("allow_insecure")) {
        error(section, key, why_too_reachable(host, where));
    } else {
        open_ = true;
        diagnostics_.warning(server.place("allow_insecure"),
                             server.path("allow_insecure"),
                             "everybody who can reach " + host +
                                 " can call tools without proving who they are");
    }
}

void ListenerCheck::serves(const Section& section) {
    if (!good(section, "serve")) {
        return;
    }
    const std::vector<std::string> what = section.list("serve");
    const bool admin = std::find(what.begin(), what.end(), "admin") != what.end();
    if (what.empty() && section.name() == "listener") {
        error(section, "serve", "names nothing, expected what the listener is for");
    } else if (admin && !has_admin(config_)) {
        error(section, "serve",
              "admin is for nobody, expected a [client] with admin = yes");
    }
}

}  // namespace

void check_listeners(const Config& config, Files& files, Diagnostics& diagnostics) {
    ListenerCheck(config, files, diagnostics).run();
}

std::string why_too_reachable(const std::string& address, const std::string& where) {
    return address +
           " can be reached from other hosts and callers are not authenticated, expected "
           "a loopback address such as 127.0.0.1 or ::1, or cert_path and key_path" +
           where +
           " with ca_path or a token in a [client], or allow_insecure = yes in [server]";
}

bool must_be_local(const Config& config, const Section& tls) {
    return !authenticates(config, tls) && !config.section("server").yes("allow_insecure");
}

}  // namespace neuron::conf
