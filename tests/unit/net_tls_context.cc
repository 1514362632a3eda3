#include "neurond/net/tls_context.h"

#include <doctest/doctest.h>

#include <ctime>
#include <string>
#include <vector>

#include "net_tls_files.h"

using namespace neuron;

namespace {

using About = TlsFinding::About;

constexpr std::time_t kIn2026 = 1767225600;
constexpr std::time_t kIn2019 = 1546300800;
constexpr std::time_t kDay = 24 * 60 * 60;
constexpr std::time_t kEndOfGood = 4733510400;  ///< 2120-01-01

TlsSettings server_settings() {
    TlsSettings out;
    out.cert = {"server.pem", kServerPem};
    out.key = {"server.key", kServerKeyPem};
    return out;
}

/// "fatal kKey: message" of the first finding, or nothing.
std::string first(const std::vector<TlsFinding>& findings) {
    if (findings.empty()) {
        return {};
    }
    constexpr const char* kNames[] = {"cert", "key", "ca", "crl", "ciphers", "suites"};
    return (findings[0].fatal ? "fatal " : "warning ") +
           std::string(kNames[static_cast<size_t>(findings[0].about)]) + ": " +
           findings[0].message;
}

bool begins(const std::string& text, const std::string& with) {
    return text.compare(0, with.size(), with) == 0;
}

}  // namespace

TEST_CASE("what is good makes a context without a finding") {
    std::vector<TlsFinding> findings;
    TlsSettings settings = server_settings();
    settings.ca = {"ca.pem", kCaPem};
    settings.crl = {"crl.pem", kCrlPem};
    settings.client_auth = TlsSettings::ClientAuth::kRequired;
    const auto made = TlsContext::make(settings, findings);
    REQUIRE((made != nullptr));
    CHECK(findings.empty());
    CHECK(made->is_server());
    CHECK(made->cert_path() == "server.pem");
    CHECK(made->cert_expires() == kEndOfGood);
    CHECK(made->check_dates(kIn2026).empty());
}

TEST_CASE("what is wrong is fatal and names its file") {
    struct Row {
        void (*spoil)(TlsSettings& settings);
        const char* finding;
    };
    for (const Row& row : {
             Row{[](TlsSettings& s) { s.cert.text = ""; }, "fatal cert: read server.pem"},
             Row{[](TlsSettings& s) { s.cert.text = "nonsense"; },
                 "fatal cert: read certificate server.pem: "},
             Row{[](TlsSettings& s) { s.cert.text = kServerKeyPem; },
                 "fatal cert: read certificate server.pem: no start line"},
             Row{[](TlsSettings& s) { s.cert.text += "-----BEGIN CERTIFICATE-----\n!\n"; },
                 "fatal cert: read the chain in server.pem: "},
             Row{[](TlsSettings& s) { s.key.text = "nonsense"; },
                 "fatal key: read key server.key: "},
             Row{[](TlsSettings& s) { s.key.text = kAliceKeyPem; },
                 "fatal key: use key server.key with certificate server.pem: "},
             Row{[](TlsSettings& s) { s.key.text = kLockedKeyPem; },
                 "fatal key: read key server.key: it is encrypted"},
             Row{[](TlsSettings& s) { s.ca = {"ca.pem", kServerKeyPem}; },
                 "fatal ca: read CA certificate ca.pem: no start line"},
             Row{[](TlsSettings& s) {
                     s.ca = {"ca.pem", kCaPem};
                     s.crl = {"crl.pem", kCaPem};
                 },
                 "fatal crl: read CRL crl.pem: "},
             Row{[](TlsSettings& s) { s.ciphers = "NONE-SUCH"; },
                 "fatal ciphers: use \"NONE-SUCH\": "},
             Row{[](TlsSettings& s) { s.ciphersuites = "NONE-SUCH"; },
                 "fatal suites: use \"NONE-SUCH\": "},
         }) {
        CAPTURE(row.finding);
        TlsSettings settings = server_settings();
        row.spoil(settings);
        std::vector<TlsFinding> findings;
        CHECK((TlsContext::make(settings, findings) == nullptr));
        CAPTURE(first(findings));
        CHECK(begins(first(findings), row.finding));
    }
}

TEST_CASE("dates are judged at the time that is asked about") {
    std::vector<TlsFinding> findings;
    TlsSettings settings = server_settings();
    settings.cert.text = kLatePem;
    settings.key.text = kLateKeyPem;
    const auto made = TlsContext::make(settings, findings);
    REQUIRE((made != nullptr));
    const std::time_t end = made->cert_expires();
    struct Row {
        std::time_t now;
        const char* finding;
    };
    for (const Row& row : {
             Row{kIn2019, "fatal cert: certificate server.pem is not valid yet"},
             Row{end - 40 * kDay, ""},
             Row{end - 29 * kDay,
                 "warning cert: certificate server.pem expires in 29 days"},
             Row{end - 1, "warning cert: certificate server.pem expires in 0 days"},
             Row{end, "fatal cert: certificate server.pem has expired"},
             Row{kIn2026, "fatal cert: certificate server.pem has expired"},
         }) {
        CAPTURE(row.now);
        CHECK(first(made->check_dates(row.now)) == row.finding);
    }
}

TEST_CASE("an old CA among many is told, and harms nobody") {
    std::vector<TlsFinding> findings;
    TlsSettings settings = server_settings();
    settings.ca = {"ca.pem", std::string(kCaPem) + kLatePem};
    settings.crl = {"crl.pem", kCrlPem};
    const auto made = TlsContext::make(settings, findings);
    REQUIRE((made != nullptr));
    CHECK(first(made->check_dates(kIn2026)) ==
          "warning ca: certificate ca.pem has expired");
    CHECK(first(made->check_dates(kEndOfGood + 1)) ==
          "fatal cert: certificate server.pem has expired");
}

TEST_CASE("a client needs nothing of its own") {
    TlsSettings settings;
    settings.role = TlsSettings::Role::kClient;
    std::vector<TlsFinding> findings;
    const auto made = TlsContext::make(settings, findings);
    REQUIRE((made != nullptr));
    CHECK(findings.empty());
    CHECK_FALSE(made->is_server());
    CHECK(made->cert_expires() == 0);
    CHECK((made->take_session() == nullptr));
}
