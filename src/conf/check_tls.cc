// What TLS needs to be told: rules that go across keys.

#include "neurond/conf/check_tls.h"

#include "neurond/base/text.h"
#include "neurond/conf/check_base.h"
#include "neurond/conf/check_client.h"

namespace neuron::conf {
namespace {

class TlsCheck : private CheckBase {
  public:
    TlsCheck(Files& files, Diagnostics& diagnostics) : CheckBase(files, diagnostics) {}

    void listener(const Section& section);
    void client(const Section& section, const char* url);

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

/// `url`: the key that says where it goes.
void TlsCheck::client(const Section& section, const char* url) {
    for (const char* key : {"tls_ca", "tls_crl", "tls_cert", "tls_key"}) {
        absolute(section, key);
        if (given(section, key) && good(section, url) &&
            !starts_with(to_lower(section.str(url)), "https:")) {
            error(section, key, std::string("has no effect without a ") + url +
                                    " that begins with https:");
        }
    }
    needs(section, "tls_crl", "tls_ca");
    needs(section, "tls_cert", "tls_key");
    needs(section, "tls_key", "tls_cert");
}

}  // namespace

void check_tls(const Config& config, Files& files, Diagnostics& diagnostics) {
    TlsCheck check(files, diagnostics);
    check.listener(config.section("tls"));
    for (const Section* section : config.sections("listener")) {
        check.listener(*section);
    }
    for (const Section* section : config.sections("downstream")) {
        check.client(*section, "url");
    }
    check.client(config.section("registration"), "cortexd_url");
}

bool authenticates(const Config& config, const Section& tls) {
    const bool certs = !tls.str("ca_path").empty() && tls.str("client_auth") != "none";
    return !tls.str("cert_path").empty() && (certs || has_tokens(config));
}

}  // namespace neuron::conf
