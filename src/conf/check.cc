// Rules beyond the type of a single value that need no other module. Each is a function
// of one section; a value that is broken already is not looked at again.

#include "neurond/conf/check.h"

#include <algorithm>
#include <iterator>

#include "neurond/base/glob.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/conf/check_base.h"
#include "neurond/conf/check_client.h"
#include "neurond/conf/check_downstream.h"
#include "neurond/conf/check_listener.h"
#include "neurond/conf/check_paths.h"
#include "neurond/conf/check_registration.h"
#include "neurond/conf/check_tls.h"

namespace neuron::conf {
namespace {

constexpr std::string_view kSeparators = "._-:/";
constexpr size_t kMaxSeparatorBytes = 3;

// clang-format off

// Paths of our own endpoints begin with these (DESIGN 1.5).
constexpr const char* kReserved[] = {
    "api", "mcp", "rest", "openapi", "docs", "health", "metrics", "tools", "ws", "sse",
    "message", "messages", "ready", "assets", "node", "slave", "static", "neurond"};

// clang-format on

class Checker : private CheckBase {
  public:
    Checker(const Config& config, Files& files, Diagnostics& diagnostics)
        : CheckBase(files, diagnostics), config_(config) {}

    void run();

  private:
    void server(const Section& section);
    void groups(const Section& section);
    void federation(const Section& section);
    void limits(const Section& section);
    void rule(const Section& section);
    void patterns(const Section& section, const char* key);
    void metrics(const Section& section);
    void alert(const Section& section);
    void policy();
    void secrets(const Section& section);

    const Config& config_;
};

void Checker::run() {
    server(config_.section("server"));
    federation(config_.section("federation"));
    for (const Section* section : config_.sections("downstream")) {
        check_downstream(*section, files_, diagnostics_);
    }
    for (const Section* section : config_.sections("rule")) {
        rule(*section);
    }
    for (const Section* section : config_.sections("client")) {
        check_client(*section, files_, diagnostics_);
    }
    metrics(config_.section("metrics"));
    alert(config_.section("alert"));
    limits(config_.section("limits"));
    policy();
    for (const Section& section : config_.all()) {
        secrets(section);
    }
}

void Checker::server(const Section& section) {
    check_listeners(config_, files_, diagnostics_);
    check_tls(config_, files_, diagnostics_);
    groups(section);
    const std::string& user = section.str("user");
    if (!good(section, "user")) {
        return;
    }
    if (user.empty() && good(section, "group") && !section.str("group").empty()) {
        error(section, "group", "stands without user, expected both");
    } else if (Status may = user.empty() ? Ok{} : files_.check_user(user); !may) {
        error(section, "user", may.error().message);
    }
    for (const Section* downstream : config_.sections("downstream")) {
        const std::string& other = downstream->str("user");
        if (!user.empty() && user != "root" && !other.empty() && other != user &&
            downstream->yes("enabled")) {
            error(*downstream, "user",
                  quote(other) + " cannot be changed to by " + quote(user) +
                      ", which server.user names");
        }
    }
}

void Checker::groups(const Section& section) {
    for (const char* key : {"group", "socket_group", "control_group"}) {
        const bool given = good(section, key) && !section.str(key).empty();
        if (Status known = given ? files_.check_group(section.str(key)) : Ok{};
            !known) {
            error(section, key, known.error().message);
        }
    }
}

void Checker::federation(const Section& section) {
    const std::string& separator = section.str("separator");
    if (good(section, "separator") &&
        (separator.empty() || separator.size() > kMaxSeparatorBytes ||
         !consists_of(separator, {kSeparators}))) {
        error(section, "separator",
              quote(separator) + " cannot separate, expected 1 to 3 of . _ - : /");
    }
}

/// While a message is forwarded it may be there twice.
void Checker::limits(const Section& section) {
    const uint64_t least = 2 * section.size("message_max");
    if (good(section, "buffer_total") && section.size("buffer_total") < least) {
        error(section, "buffer_total",
              write_number(Type::kSize,
                           static_cast<int64_t>(section.size("buffer_total"))) +
                  " is too little for limits.message_max, expected at least twice that");
    }
}

void Checker::rule(const Section& section) {
    const std::string& id = section.label();
    std::string why;
    if (id.empty()) {
        why = "rule ID cannot be empty";
    } else if (id == "default") {
        why = "\"default\" names the default action in records, expected another ID";
    } else if (id.size() > kMaxNamespaceBytes ||
               !consists_of(id, {kLower, kUpper, kDigits, "_-"})) {
        why =
            quote(id) + " is no rule ID, expected at most 64 letters, digits, _ and -";
    }
    if (!why.empty()) {
        diagnostics_.error(section.place(), "[rule]", why);
    }
    bool names = false;
    bool all_good = true;
    for (const char* key : {"tools", "prompts", "resources"}) {
        patterns(section, key);
        all_good = all_good && good(section, key);
        names = names || !section.list(key).empty();
    }
    patterns(section, "clients");
    if (why.empty() && all_good && !names) {
        diagnostics_.error(section.place(), "rule." + id,
                           "names nothing, expected patterns in tools, prompts or "
                           "resources");
    }
}

void Checker::patterns(const Section& section, const char* key) {
    for (const std::string& pattern : section.list(key)) {
        if (pattern.empty() || !glob_is_valid(pattern)) {
            error(section, key, quote(pattern) + " is not a valid pattern");
        }
    }
}

/// As Prometheus wants it; a name it does not take spoils the whole scrape.
void Checker::metrics(const Section& section) {
    const std::string& prefix = section.str("prefix");
    const bool digit = !prefix.empty() && kDigits.find(prefix[0]) != kDigits.npos;
    if (good(section, "prefix") &&
        (prefix.empty() || digit || prefix == "process" ||
         prefix.size() > kMaxNamespaceBytes ||
         !consists_of(prefix, {kLower, kUpper, kDigits, "_"}))) {
        error(section, "prefix",
              quote(prefix) + " cannot begin the name of a metric, expected at most 64 "
                              "letters, digits and _, no digit first, and not "
                              "\"process\", which has a meaning of its own");
    }
}

void Checker::alert(const Section& section) {
    const std::string& command = section.str("command");
    if (!good(section, "command") || command.empty()) {
        return;
    }
    if (!starts_with(command, "/")) {
        error(section, "command", quote(command) + " is not an absolute path");
    } else if (Status there = files_.check_executable(command); !there) {
        error(section, "command", there.error().message);
    }
}

/// Deny by default is right, but a proxy that lets nothing through is seldom meant.
void Checker::policy() {
    const Section& section = config_.section("policy");
    if (section.str("mode") == "report") {
        diagnostics_.warning(section.place("mode"), section.path("mode"),
                             "report: nothing is denied to anybody");
        return;
    }
    bool allows = section.str("default_action") == "allow";
    for (const Section* rule : config_.sections("rule")) {
        allows = allows || rule->str("effect") == "allow";
    }
    if (!allows && !config_.sections("downstream").empty() &&
        !diagnostics_.has_errors()) {
        diagnostics_.warning(section.place(), "[policy]",
                             "no rule allows anything: all calls will be denied");
    }
}

void Checker::secrets(const Section& section) {
    for (const Setting& setting : section.settings()) {
        if (setting.public_file.empty()) {
            continue;
        }
        const Source* source = setting.place.source;
        const bool in_argument =
            !source->is_file && setting.public_file == source->name;
        error_at_key(section, setting,
                     "a secret in " + escape(setting.public_file) +
                         ", which everybody may read, expected " +
                         (in_argument ? "" : "mode 0640 or less, or ") +
                         "${file:/PATH} of a file of mode 0640 or less");
    }
}

}  // namespace

Status check_namespace(std::string_view name) {
    if (name.empty()) {
        return Error{"namespace cannot be empty"};
    }
    if (name.find('.') != name.npos) {
        return Error{"namespace cannot contain dots"};
    }
    if (name.size() > kMaxNamespaceBytes) {
        return Error{"namespace is too long, expected at most 64 characters"};
    }
    if (!consists_of(name, {kLower, kDigits, "_-"}) ||
        !consists_of(name.substr(0, 1), {kLower, kDigits})) {
        return Error{"namespace " + quote(name) +
                     " is invalid, expected a to z, 0 to 9, _ and -, no _ or - first"};
    }
    if (std::find(std::begin(kReserved), std::end(kReserved), name) !=
        std::end(kReserved)) {
        return Error{"namespace " + quote(name) + " is reserved"};
    }
    return Ok{};
}

void check(const Config& config, Files& files, Diagnostics& diagnostics) {
    check_paths(config, diagnostics);
    check_registration(config, files, diagnostics);
    Checker(config, files, diagnostics).run();
}

}  // namespace neuron::conf
