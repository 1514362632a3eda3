// Rules beyond the type of a single value that need no other module. Each is a function
// of one section; a value that is broken already is not looked at again.

#include "neurond/conf/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "neurond/base/glob.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/base/url.h"

namespace neuron::conf {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kSeparators = "._-:/";
constexpr size_t kMaxSeparatorBytes = 3;
constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

// clang-format off

// Paths of our own endpoints begin with these (DESIGN 1.5).
constexpr const char* kReserved[] = {
    "api", "mcp", "rest", "openapi", "docs", "health", "metrics", "tools", "ws", "sse",
    "message", "messages", "ready", "assets", "node", "slave", "static", "neurond"};

// What decides which code a program loads or which program a name means. A final *
// stands for the rest of a name.
constexpr const char* kDangerous[] = {
    "LD_*", "DYLD_*", "GCONV_PATH", "GLIBC_TUNABLES",
    "PATH", "IFS", "ENV", "BASH_ENV", "BASH_FUNC_*", "SHELLOPTS", "BASHOPTS", "PS4",
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONINSPECT",
    "NODE_OPTIONS", "NODE_PATH", "DOTNET_STARTUP_HOOKS", "CORECLR_PROFILER_PATH",
    "PERL5LIB", "PERL5OPT", "PERL5DB", "PERLLIB", "RUBYLIB", "RUBYOPT",
    "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH",
    "LUA_PATH", "LUA_CPATH", "LUA_INIT", "PHPRC", "PHP_INI_SCAN_DIR",
    "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"};

// Header fields that are ours to set.
constexpr const char* kOwnHeaders[] = {
    "Host", "User-Agent", "Accept", "Content-Type", "Content-Length", "Connection",
    "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect",
    "Last-Event-ID", "MCP-Protocol-Version"};

// What a client proves to us is never shown to a server (mcp-protocol 6.2).
constexpr const char* kNeverForwarded[] = {
    "Authorization", "Cookie", "Proxy-Authorization"};

// clang-format on

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2

template <size_t N>
bool is_one_of(const char* const (&names)[N], std::string_view name) {
    return std::any_of(names, names + N, [name](const char* each) {
        return equals_ignoring_case(each, name);
    });
}

bool consists_of(std::string_view text, std::initializer_list<std::string_view> sets) {
    return std::all_of(text.begin(), text.end(), [&sets](char c) {
        return std::any_of(sets.begin(), sets.end(), [c](std::string_view set) {
            return set.find(c) != set.npos;
        });
    });
}

std::string quote(std::string_view text) {
    return '"' + escape(text, 80) + '"';
}

class Checker {
  public:
    Checker(const Config& config, Files& files, Diagnostics& diagnostics)
        : config_(config), files_(files), diagnostics_(diagnostics) {}

    void run();

  private:
    void server(const Section& section);
    void bind(const Section& section);
    void sockets(const Section& section);
    void federation(const Section& section);
    void downstream(const Section& section);
    void transport(const Section& section);
    void command(const Section& section);
    void url(const Section& section);
    void headers(const Section& section);
    void forwarded(const Section& section);
    void environment(const Section& section);
    void timeouts(const Section& section);
    void ordered(const Section& section, const char* small, const char* large);
    void rule(const Section& section);
    void patterns(const Section& section, const char* key);
    void policy();
    void secrets(const Section& section);

    /// Whether the value is there to be judged.
    static bool good(const Section& section, std::string_view key) {
        const Setting* setting = section.find(key);
        return setting != nullptr && !setting->broken;
    }
    void error(const Section& section, std::string_view key,
               const std::string& message) {
        diagnostics_.error(section.place(key), section.path(key), message);
    }
    void error_at_key(const Section& section, const Setting& setting,
                      const std::string& message) {
        diagnostics_.error(setting.key_place, section.path(setting.key), message);
    }

    const Config& config_;
    Files& files_;
    Diagnostics& diagnostics_;
};

void Checker::run() {
    server(config_.section("server"));
    federation(config_.section("federation"));
    for (const Section* section : config_.sections("downstream")) {
        downstream(*section);
    }
    for (const Section* section : config_.sections("rule")) {
        rule(*section);
    }
    policy();
    for (const Section& section : config_.all()) {
        secrets(section);
    }
}

bool is_address(const std::string& text) {
    unsigned char bytes[sizeof(in6_addr)] = {};
    return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

void Checker::server(const Section& section) {
    bind(section);
    sockets(section);
}

void Checker::bind(const Section& section) {
    if (!good(section, "bind")) {
        return;
    }
    const std::string& bind = section.str("bind");
    if (!is_address(bind)) {
        error(
            section, "bind",
            quote(bind) + " is not an address, expected one such as 127.0.0.1 or ::1");
    } else if (!is_loopback(bind) && good(section, "allow_insecure") &&
               !section.yes("allow_insecure")) {
        error(section, "bind",
              bind +
                  " can be reached from other hosts and callers are not authenticated, "
                  "expected a loopback address such as 127.0.0.1 or ::1, or "
                  "allow_insecure = yes in [server]");
    }
}

void Checker::sockets(const Section& section) {
    const std::string& path = section.str("socket");
    if (good(section, "socket") && !path.empty() && path != "none" &&
        !starts_with(path, "/")) {
        error(section, "socket", quote(path) + " is neither an absolute path nor none");
    } else if (path.size() > kMaxSocketPath) {
        error(section, "socket", "longer than the path of a socket, expected at most " +
                                     std::to_string(kMaxSocketPath) + " bytes");
    }
    for (const char* key : {"socket_group", "control_group"}) {
        const bool given = good(section, key) && !section.str(key).empty();
        if (Status known = given ? files_.check_group(section.str(key)) : Ok{}; !known) {
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

void Checker::downstream(const Section& section) {
    if (Status fine = check_namespace(section.label()); !fine) {
        diagnostics_.error(section.place(), "[downstream]", fine.error().message);
    }
    transport(section);
    headers(section);
    forwarded(section);
    environment(section);
    timeouts(section);
    ordered(section, "backoff", "backoff_max");
    ordered(section, "call_timeout", "call_timeout_max");
    const std::string& cwd = section.str("cwd");
    if (!good(section, "cwd") || cwd.empty()) {
        return;
    }
    if (!starts_with(cwd, "/")) {
        error(section, "cwd", quote(cwd) + " is not an absolute path");
    } else if (section.yes("enabled")) {
        if (Status there = files_.check_directory(cwd); !there) {
            error(section, "cwd", there.error().message);
        }
    }
}

/// A command or a URL, and what goes with it.
void Checker::transport(const Section& section) {
    if (!good(section, "transport") || !good(section, "command") ||
        !good(section, "url")) {
        return;
    }
    const std::string& how = section.str("transport");
    const bool has_command = !section.str("command").empty();
    const bool has_url = !section.str("url").empty();
    const bool wants_command = how == "stdio" || (how == "auto" && !has_url);
    if (has_command && has_url) {
        error(section, "url", "stands beside command, expected only one of them");
    } else if (has_url && how == "stdio") {
        error(section, "url", "does not go with transport = stdio, expected command");
    } else if (has_command && !wants_command) {
        error(section, "command",
              "does not go with transport = " + how + ", expected url");
    } else if (wants_command) {
        command(section);
    } else {
        url(section);
    }
}

std::string invalid_url(const std::string& why) {
    return "invalid downstream URL: " + why + ", expected http://HOST:PORT/PATH";
}

void Checker::url(const Section& section) {
    const std::string& text = section.str("url");
    if (text.empty()) {
        error(section, "url", "missing, expected http://HOST:PORT/PATH");
        return;
    }
    const Result<Url> url = parse_url(text);
    if (!url) {
        // "parse URL: reason, expected …": what is expected here is less
        const std::string& why = url.error().message;
        const size_t begin = why.find(": ") + 2;
        error(section, "url",
              invalid_url(why.substr(begin, why.find(", expected") - begin)));
    } else if (url->scheme == "https") {
        error(section, "url", invalid_url("https needs TLS, which is not there yet"));
    } else if (url->scheme != "http") {
        error(section, "url", invalid_url("scheme " + url->scheme));
    } else if (section.str("transport") == "localhost" && is_address(url->host) &&
               !is_loopback(url->host)) {
        error(section, "url",
              url->host + " is not a loopback address, expected one for "
                          "transport = localhost");
    }
}

bool is_header_name(std::string_view name) {
    return !name.empty() && consists_of(name, {kLower, kUpper, kDigits, kTokenMarks});
}

bool is_own_header(std::string_view name) {
    return is_one_of(kOwnHeaders, name) ||
           starts_with(to_lower(name.substr(0, 4)), "mcp-");
}

void Checker::headers(const Section& section) {
    for (const Setting& setting : section.settings()) {
        if (!starts_with(setting.key, "header.")) {
            continue;
        }
        const std::string name = setting.key.substr(7);
        const std::string& value = setting.value.text;
        const bool fits = trim(value) == value &&
                          std::none_of(value.begin(), value.end(), [](char c) {
                              return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f';
                          });
        if (!is_header_name(name)) {
            error_at_key(section, setting,
                         quote(name) + " is not the name of a header field");
        } else if (is_own_header(name)) {
            error_at_key(section, setting, name + " is set by neurond itself");
        } else if (!setting.broken && !fits) {
            error(section, setting.key,
                  "cannot stand in a header field, expected no line breaks or control "
                  "bytes and no blanks around it");
        }
    }
}

void Checker::forwarded(const Section& section) {
    for (const std::string& name : section.list("forward_headers")) {
        if (!is_header_name(name)) {
            error(section, "forward_headers",
                  quote(name) + " is not the name of a header field");
        } else if (is_one_of(kNeverForwarded, name)) {
            error(section, "forward_headers",
                  name + " is never forwarded: what a client proves to neurond is not "
                         "for others, expected header." + name +
                      " with a value of its own");
        } else if (is_own_header(name) || section.find("header." + name) != nullptr) {
            error(section, "forward_headers",
                  name + " is set by neurond itself, expected other names");
        }
    }
}

void Checker::command(const Section& section) {
    const std::string& command = section.str("command");
    if (command.empty()) {
        error(section, "command", "missing, expected an absolute path or self, or a url");
    } else if (command == "self") {
        if (good(section, "args") && section.list("args").empty()) {
            error(section, "args",
                  "missing, expected what self is to do, as host-tools");
        }
    } else if (!starts_with(command, "/")) {
        error(section, "command",
              "stdio command must be absolute path: " + escape(command, 80));
    } else if (section.yes("enabled")) {
        // One that is switched off may wait for its program to be installed.
        if (Status there = files_.check_executable(command); !there) {
            error(section, "command", there.error().message);
        }
    }
}

void Checker::environment(const Section& section) {
    const std::vector<std::string> allowed = section.list("allow_env");
    for (const Setting& setting : section.settings()) {
        if (!starts_with(setting.key, "env.")) {
            continue;
        }
        const std::string name = setting.key.substr(4);
        if (!consists_of(name, {kLower, kUpper, kDigits, "_"}) ||
            kDigits.find(name.front()) != kDigits.npos) {
            error_at_key(section, setting,
                         quote(name) +
                             " is not the name of a variable, expected letters, "
                             "digits and _, no digit first");
        } else if (is_dangerous_variable(name) &&
                   std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
            error_at_key(section, setting,
                         name + " decides which code runs, expected allow_env = " +
                             name + " beside it if that is meant");
        } else if (setting.value.text.find('\0') != std::string::npos) {
            error(section, setting.key, "holds a NUL byte");
        }
    }
}

void Checker::timeouts(const Section& section) {
    for (const Setting& setting : section.settings()) {
        if (starts_with(setting.key, "timeout.") &&
            !glob_is_valid(std::string_view(setting.key).substr(8))) {
            error_at_key(section, setting, "not a valid pattern");
        }
    }
}

void Checker::ordered(const Section& section, const char* small, const char* large) {
    if (!good(section, small) || !good(section, large) ||
        section.duration(small) <= section.duration(large)) {
        return;
    }
    // Blame the one that was written.
    const char* key = section.is_set(small) ? small : large;
    error(section, key,
          std::string(small) + " is longer than " + large + ", expected at most " +
              write_number(Type::kDuration, section.duration(large).count()));
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
    patterns(section, "tools");
    patterns(section, "clients");
    if (good(section, "tools") && section.list("tools").empty()) {
        error(section, "tools", "names nothing, expected at least one pattern");
    }
}

void Checker::patterns(const Section& section, const char* key) {
    for (const std::string& pattern : section.list(key)) {
        if (pattern.empty() || !glob_is_valid(pattern)) {
            error(section, key, quote(pattern) + " is not a valid pattern");
        }
    }
}

/// Deny by default is right, but a proxy that lets nothing through is seldom meant.
void Checker::policy() {
    const Section& section = config_.section("policy");
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
        if (!setting.public_file.empty()) {
            error_at_key(
                section, setting,
                "a secret in " + escape(setting.public_file) +
                    ", which everybody may read, expected mode 0640 or less, or "
                    "${file:/PATH} of a file of such a mode");
        }
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

bool is_dangerous_variable(std::string_view name) {
    return std::any_of(
        std::begin(kDangerous), std::end(kDangerous), [name](std::string_view known) {
            if (!ends_with(known, "*")) {
                return equals_ignoring_case(known, name);
            }
            known.remove_suffix(1);
            return equals_ignoring_case(known, name.substr(0, known.size()));
        });
}

bool is_loopback(std::string_view address) {
    const std::string text(address);
    in_addr v4 = {};
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    in6_addr v6 = {};
    if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) {
        return false;
    }
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    return (mapped && v6.s6_addr[12] == 127) || IN6_IS_ADDR_LOOPBACK(&v6);
}

void check(const Config& config, Files& files, Diagnostics& diagnostics) {
    Checker(config, files, diagnostics).run();
}

}  // namespace neuron::conf
