// A node that announces itself where nobody listens, or by an address that nobody can
// reach, is one that nobody finds.

#include "neurond/conf/check_registration.h"

#include <algorithm>
#include <iterator>

#include "neurond/base/text.h"
#include "neurond/base/url.h"
#include "neurond/conf/check_base.h"

namespace neuron::conf {
namespace {

constexpr size_t kMaxNodeIdBytes = 128;

class RegistrationCheck : private CheckBase {
  public:
    RegistrationCheck(Files& files, Diagnostics& diagnostics)
        : CheckBase(files, diagnostics) {}

    void run(const Config& config);

  private:
    void url(const Section& section);
    void node_id(const Section& section);
    void address(const Section& section, const Section& server);
};

void RegistrationCheck::url(const Section& section) {
    const std::string& text = section.str("cortexd_url");
    const Result<Url> url = parse_url(text);
    if (!url) {
        error(section, "cortexd_url", url.error().message);
    } else if (url->scheme != "http" && url->scheme != "https") {
        error(section, "cortexd_url",
              quote(text) + " begins with neither http: nor https:");
    } else if (url->path_and_query.find('?') != std::string::npos) {
        error(section, "cortexd_url",
              quote(text) + " has a query, expected a path at most");
    }
}

void RegistrationCheck::node_id(const Section& section) {
    const std::string& id = section.str("node_id");
    if (!id.empty() && (id.size() > kMaxNodeIdBytes ||
                        !consists_of(id, {kLower, kUpper, kDigits, "._-"}))) {
        error(section, "node_id",
              quote(id) + " is not a name of letters, digits, . _ and -, 128 at most");
    }
}

void RegistrationCheck::address(const Section& section, const Section& server) {
    const std::string& text = section.str("advertise_address");
    if (!text.empty() && !is_address(text) && !parse_host_port(text)) {
        error(section, "advertise_address", quote(text) + " is not HOST or HOST:PORT");
        return;
    }
    const std::string& bind = server.str("bind");
    if (text.empty() && (bind == "0.0.0.0" || bind == "::")) {
        warning(section, "cortexd_url",
                "the node is announced as " + bind +
                    ", which nobody can reach: advertise_address is missing");
    }
}

void RegistrationCheck::run(const Config& config) {
    const Section& section = config.section("registration");
    constexpr const char* kIdle[] = {"node_id", "advertise_address", "tls_ca", "tls_cert",
                                     "tls_key"};
    const bool others =
        std::any_of(std::begin(kIdle), std::end(kIdle),
                    [&section](const char* key) { return !section.str(key).empty(); });
    const bool has_url =
        !good(section, "cortexd_url") || !section.str("cortexd_url").empty();
    if (!has_url && !others) {
        return;
    }
    if (!has_url) {
        diagnostics_.error(section.place(), section.path("cortexd_url"),
                           "missing, expected http://HOST:PORT or https://HOST");
    } else if (good(section, "cortexd_url")) {
        url(section);
    }
    if (good(section, "node_id")) {
        node_id(section);
    }
    if (good(section, "advertise_address")) {
        address(section, config.section("server"));
    }
}

}  // namespace

void check_registration(const Config& config, Files& files, Diagnostics& diagnostics) {
    RegistrationCheck(files, diagnostics).run(config);
}

}  // namespace neuron::conf
