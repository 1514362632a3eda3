// From TLS keys to contexts. The files are read here, once, so that a reactor has what its
// keeper has read and judged.

#include "neurond/daemon/tls_setup.h"

#include <ctime>

#include "neurond/base/text.h"

namespace neuron {

namespace {

/// What the keys are called in a kind of section.
struct KeyNames {
    const char* cert;
    const char* key;
    const char* ca;
    const char* crl;
};
constexpr KeyNames kListenerKeys = {"cert_path", "key_path", "ca_path", "crl_path"};
constexpr KeyNames kClientKeys = {"tls_cert", "tls_key", "tls_ca", "tls_crl"};

class TlsSetup {
  public:
    TlsSetup(conf::Files& files, Dates dates, conf::Diagnostics& diagnostics)
        : files_(files), dates_(dates), diagnostics_(diagnostics) {}

    std::shared_ptr<TlsContext> listener(const conf::Section& section);
    std::shared_ptr<TlsContext> client(const conf::Section& section, const char* url);

  private:
    std::shared_ptr<TlsContext> make(const conf::Section& section, const KeyNames& names,
                                     TlsSettings settings);
    PemText read(const conf::Section& section, const char* key, bool secret);
    void report(const conf::Section& section, const KeyNames& names,
                const TlsFinding& finding);

    conf::Files& files_;
    Dates dates_;
    conf::Diagnostics& diagnostics_;
    bool readable_ = true;
};

PemText TlsSetup::read(const conf::Section& section, const char* key, bool secret) {
    PemText pem;
    pem.path = section.str(key);
    if (pem.path.empty()) {
        return pem;
    }
    Result<conf::FileText> file = files_.read_secret(pem.path);
    std::string why;
    if (!file) {
        why = file.error().message;
    } else if (file->text.empty()) {
        why = "read " + pem.path + ": it is empty";
    } else if (secret && file->world_readable) {
        why = pem.path + " can be read by everybody, expected mode 0640 or less";
    }
    if (!why.empty()) {
        diagnostics_.error(section.place(key), section.path(key), why);
        readable_ = false;
        return pem;
    }
    pem.text = std::move(file->text);
    return pem;
}

void TlsSetup::report(const conf::Section& section, const KeyNames& names,
                      const TlsFinding& finding) {
    const char* key = "ciphers";
    switch (finding.about) {
        case TlsFinding::About::kCert:
            key = names.cert;
            break;
        case TlsFinding::About::kKey:
            key = names.key;
            break;
        case TlsFinding::About::kCa:
            key = names.ca;
            break;
        case TlsFinding::About::kCrl:
            key = names.crl;
            break;
        case TlsFinding::About::kCiphers:
            break;
        case TlsFinding::About::kCiphersuites:
            key = "ciphersuites";
            break;
    }
    if (finding.fatal) {
        diagnostics_.error(section.place(key), section.path(key), finding.message);
    } else {
        diagnostics_.warning(section.place(key), section.path(key), finding.message);
    }
}

std::shared_ptr<TlsContext> TlsSetup::make(const conf::Section& section,
                                           const KeyNames& names, TlsSettings settings) {
    readable_ = true;
    settings.cert = read(section, names.cert, false);
    settings.key = read(section, names.key, true);
    settings.ca = read(section, names.ca, false);
    settings.crl = read(section, names.crl, false);
    if (!readable_) {
        return nullptr;
    }
    std::vector<TlsFinding> findings;
    std::shared_ptr<TlsContext> made = TlsContext::make(settings, findings);
    if (dates_ == Dates::kJudge && made != nullptr) {
        const std::vector<TlsFinding> about = made->check_dates(std::time(nullptr));
        findings.insert(findings.end(), about.begin(), about.end());
    }
    for (const TlsFinding& finding : findings) {
        report(section, names, finding);
    }
    return made;
}

std::shared_ptr<TlsContext> TlsSetup::listener(const conf::Section& section) {
    if (section.str("cert_path").empty()) {
        return nullptr;
    }
    const std::string& auth = section.str("client_auth");
    const bool asks = !section.str("ca_path").empty() && auth != "none";
    TlsSettings settings;
    settings.role = TlsSettings::Role::kServer;
    settings.client_auth = !asks                 ? TlsSettings::ClientAuth::kNone
                           : auth == "optional" ? TlsSettings::ClientAuth::kOptional
                                                : TlsSettings::ClientAuth::kRequired;
    settings.only_tls13 = section.str("min_version") == "1.3";
    settings.ciphers = section.str("ciphers");
    settings.ciphersuites = section.str("ciphersuites");
    settings.session_tickets = section.yes("session_tickets");
    return make(section, kListenerKeys, std::move(settings));
}

/// `url`: the key that says where it goes.
std::shared_ptr<TlsContext> TlsSetup::client(const conf::Section& section,
                                             const char* url) {
    if (!starts_with(to_lower(section.str(url)), "https:")) {
        return nullptr;
    }
    TlsSettings settings;
    settings.role = TlsSettings::Role::kClient;
    return make(section, kClientKeys, std::move(settings));
}

}  // namespace

std::map<std::string, std::time_t> certificates_of(const TlsContexts& contexts) {
    std::map<std::string, std::time_t> out;
    const auto add = [&out](const std::shared_ptr<TlsContext>& context) {
        if (context != nullptr && context->cert_expires() != 0) {
            out[context->cert_path()] = context->cert_expires();
        }
    };
    add(contexts.server);
    add(contexts.registration);
    for (const auto* each : {&contexts.listeners, &contexts.legs}) {
        for (const auto& [name, context] : *each) {
            add(context);
        }
    }
    return out;
}

TlsContexts make_tls(const conf::Config& config, conf::Files& files, Dates dates,
                     conf::Diagnostics& diagnostics) {
    TlsSetup setup(files, dates, diagnostics);
    TlsContexts out;
    out.server = setup.listener(config.section("tls"));
    for (const conf::Section* section : config.sections("listener")) {
        if (auto own = setup.listener(*section); own != nullptr) {
            out.listeners.emplace(section->label(), std::move(own));
        }
    }
    for (const conf::Section* section : config.sections("downstream")) {
        if (!section->yes("enabled")) {
            continue;  // what is switched off may wait for its certificates
        }
        if (auto leg = setup.client(*section, "url"); leg != nullptr) {
            out.legs.emplace(section->label(), std::move(leg));
        }
    }
    out.registration = setup.client(config.section("registration"), "cortexd_url");
    return out;
}

}  // namespace neuron
