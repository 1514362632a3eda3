// Who may reach a listener and what TLS needs to be told: rules that go across keys.

#include "neurond/conf/check_tls.h"

#include "neurond/base/text.h"
#include "neurond/conf/check_base.h"
#include "neurond/conf/check_client.h"

namespace neuron::conf {
namespace {

class TlsCheck : private CheckBase {
  public:
    TlsCheck(const Config& config, Files& files, Diagnostics& diagnostics)
        : CheckBase(files, diagnostics), config_(config) {}

    void listener(const Section& section);
    void downstream(const Section& section);
    void bind(const Section& server);

  private:
    static bool given(const Section& section, const char* key) {
        return good(section, key) && !section.str(key).empty();
    }
    void absolute(const Section& section, const char* key) {
        if (given(section, key) && !starts_with(section.str(key), "/")) {
            error(section, key, quote(section.str(key)) + " is not an absolute path");
        }
    }
    void needs(const Section& section, const char* key, const char* other) {
        if (given(section, key) && good(section, other) && section.str(other).empty()) {
            error(section, key, std::string("stands without ") + other + ", expected both");
        }
    }
    bool authenticates(const Section& tls) const;

    const Config& config_;
};

void TlsCheck::listener(const Section& section) {
    for (const char* key : {"cert_path", "key_path", "ca_path", "crl_path"}) {
        absolute(section, key);
    }
    needs(section, "cert_path", "key_path");
    needs(section, "key_path", "cert_path");
    needs(section, "ca_path", "cert_path");
    needs(section, "crl_path", "ca_path");
    const std::string& auth = section.str("client_auth");
    if ((auth == "optional" || auth == "required") && !given(section, "ca_path")) {
        error(section, "client_auth",
              auth + " needs ca_path: the CA whose certificates clients show");
    } else if (auth == "none" && given(section, "ca_path")) {
        diagnostics_.warning(section.place("client_auth"), section.path("client_auth"),
                             "none: nobody is asked for a certificate of ca_path");
    }
}

void TlsCheck::downstream(const Section& section) {
    for (const char* key : {"tls_ca", "tls_cert", "tls_key"}) {
        absolute(section, key);
        if (given(section, key) && good(section, "url") &&
            !starts_with(to_lower(section.str("url")), "https:")) {
            error(section, key, "has no effect without a url that begins with https:");
        }
    }
    needs(section, "tls_cert", "tls_key");
    needs(section, "tls_key", "tls_cert");
}

/// Whether callers of a listener with these TLS keys prove who they are.
bool TlsCheck::authenticates(const Section& tls) const {
    const bool certs = given(tls, "ca_path") && tls.str("client_auth") != "none";
    return given(tls, "cert_path") && (certs || has_tokens(config_));
}

void TlsCheck::bind(const Section& server) {
    if (!good(server, "bind")) {
        return;
    }
    const std::string& bind = server.str("bind");
    if (!is_address(bind)) {
        error(server, "bind",
              quote(bind) + " is not an address, expected one such as 127.0.0.1 or ::1");
        return;
    }
    if (is_loopback(bind) || authenticates(config_.section("tls"))) {
        return;
    }
    if (good(server, "allow_insecure") && !server.yes("allow_insecure")) {
        error(server, "bind",
              bind +
                  " can be reached from other hosts and callers are not authenticated, "
                  "expected a loopback address such as 127.0.0.1 or ::1, or cert_path "
                  "and key_path in [tls] with ca_path there or a token in a [client], or "
                  "allow_insecure = yes in [server]");
    } else if (good(server, "allow_insecure")) {
        diagnostics_.warning(server.place("allow_insecure"),
                             server.path("allow_insecure"),
                             "everybody who can reach " + bind +
                                 " can call tools without proving who they are");
    }
}

}  // namespace

void check_tls(const Config& config, Files& files, Diagnostics& diagnostics) {
    TlsCheck check(config, files, diagnostics);
    check.listener(config.section("tls"));
    for (const Section* section : config.sections("downstream")) {
        check.downstream(*section);
    }
}

void check_bind(const Config& config, Files& files, Diagnostics& diagnostics) {
    TlsCheck(config, files, diagnostics).bind(config.section("server"));
}

}  // namespace neuron::conf
