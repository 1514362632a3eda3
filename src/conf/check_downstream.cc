// Rules of [downstream NAME]: how it is reached, what it is given, what goes together.

#include "neurond/conf/check_downstream.h"

#include <algorithm>
#include <iterator>

#include "neurond/base/environment.h"
#include "neurond/base/glob.h"
#include "neurond/base/text.h"
#include "neurond/base/url.h"
#include "neurond/conf/check.h"
#include "neurond/conf/check_base.h"
#include "neurond/conf/value.h"

namespace neuron::conf {
namespace {

// clang-format off

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

class DownstreamCheck : private CheckBase {
  public:
    DownstreamCheck(Files& files, Diagnostics& diagnostics)
        : CheckBase(files, diagnostics) {}

    void run(const Section& section);

  private:
    void transport(const Section& section);
    void command(const Section& section);
    void url(const Section& section);
    void headers(const Section& section);
    void forwarded(const Section& section);
    void environment(const Section& section);
    void required_environment(const Section& section);
    void timeouts(const Section& section);
    void privileges(const Section& section);
    void restarts(const Section& section);
    void limits(const Section& section);
};

void DownstreamCheck::run(const Section& section) {
    if (Status fine = check_namespace(section.label()); !fine) {
        diagnostics_.error(section.place(), "[downstream]", fine.error().message);
    }
    transport(section);
    headers(section);
    forwarded(section);
    environment(section);
    required_environment(section);
    timeouts(section);
    privileges(section);
    restarts(section);
    limits(section);
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
void DownstreamCheck::transport(const Section& section) {
    if (section.is_bare() || !good(section, "transport") || !good(section, "command") ||
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

constexpr const char* kUrlForm = ", expected http:// or https://HOST:PORT/PATH";

std::string invalid_url(const std::string& why) {
    return "invalid downstream URL: " + why + kUrlForm;
}

void DownstreamCheck::url(const Section& section) {
    const std::string& text = section.str("url");
    if (text.empty()) {
        error(section, "url", std::string("missing") + kUrlForm);
        return;
    }
    const Result<Url> url = parse_url(text);
    if (!url) {
        // "parse URL: reason, expected …": what is expected here is less
        const std::string& why = url.error().message;
        const size_t begin = why.find(": ") + 2;
        error(section, "url",
              invalid_url(why.substr(begin, why.find(", expected") - begin)));
    } else if (url->scheme != "http" && url->scheme != "https") {
        error(section, "url", invalid_url("scheme " + url->scheme));
    } else if (section.str("transport") == "localhost" && is_address(url->host) &&
               !is_loopback(url->host)) {
        error(section, "url",
              url->host +
                  " is not a loopback address, expected one for "
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

void DownstreamCheck::headers(const Section& section) {
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

void DownstreamCheck::forwarded(const Section& section) {
    for (const std::string& name : section.list("forward_headers")) {
        if (!is_header_name(name)) {
            error(section, "forward_headers",
                  quote(name) + " is not the name of a header field");
        } else if (is_one_of(kNeverForwarded, name)) {
            error(section, "forward_headers",
                  name +
                      " is never forwarded: what a client proves to neurond is not "
                      "for others, expected header." +
                      name + " with a value of its own");
        } else if (is_own_header(name) || section.find("header." + name) != nullptr) {
            error(section, "forward_headers",
                  name + " is set by neurond itself, expected other names");
        }
    }
}

void DownstreamCheck::command(const Section& section) {
    const std::string& command = section.str("command");
    if (command.empty()) {
        error(section, "command",
              "missing, expected an absolute path or self, or a url");
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

void DownstreamCheck::environment(const Section& section) {
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

/// Said before a start, which would fail in the server's own words, or later and worse.
void DownstreamCheck::required_environment(const Section& section) {
    const bool all = section.str("inherit_env") == "all";
    for (const std::string& name : section.list("require_env")) {
        const bool inherited =
            all || std::find(std::begin(kMinimalEnvironment),
                             std::end(kMinimalEnvironment),
                             name) != std::end(kMinimalEnvironment);
        const bool given = section.is_set("env." + name)
                               ? !section.str("env." + name).empty()
                               : inherited && !files_.variable(name).value_or("").empty();
        if (!given && section.yes("enabled")) {
            error(section, "require_env",
                  escape(name, 64) + " is not set, expected env." + escape(name, 64) +
                      " beside it" +
                      (inherited ? ", or the variable in neurond's environment" : ""));
        }
    }
}

void DownstreamCheck::privileges(const Section& section) {
    const std::string& user = section.str("user");
    if (good(section, "user") && !user.empty() && section.yes("enabled")) {
        if (Status may = files_.check_user(user); !may) {
            error(section, "user", may.error().message);
        }
    }
}

/// Where a limit cannot be had from a cgroup: the weaker way, if there is one, and why.
void DownstreamCheck::limits(const Section& section) {
    const auto lacks = [&](const char* key, const char* controller, std::string& why) {
        if (!section.yes("enabled") || !good(section, key) ||
            section.find(key)->value.number == 0) {
            return false;
        }
        const Status has = files_.check_cgroup(controller);
        why = has ? std::string() : " (" + has.error().message + ")";
        return !has;
    };
    std::string why;
    if (lacks("limit_memory", "memory", why)) {
        warning(section, "limit_memory",
                "limits the data of each process, not what all use together" + why);
    }
    if (lacks("limit_cpu", "cpu", why)) {
        warning(section, "limit_cpu", "has no effect" + why);
    }
    if (section.str("user").empty() && lacks("limit_processes", "pids", why)) {
        error(section, "limit_processes",
              "needs user, because without a cgroup it counts all processes of a user, "
              "and root is not bound by it" + why);
    }
}

void DownstreamCheck::timeouts(const Section& section) {
    for (const Setting& setting : section.settings()) {
        if (starts_with(setting.key, "timeout.") &&
            !glob_is_valid(std::string_view(setting.key).substr(8))) {
            error_at_key(section, setting, "not a valid pattern");
        }
    }
}

void DownstreamCheck::restarts(const Section& section) {
    ordered(section, "backoff", "backoff_max");
    const std::string& window = section.str("restart_window");
    if (const Result<Rate> rate = parse_rate(window);
        good(section, "restart_window") && !rate) {
        error(section, "restart_window", quote(window) + " " + rate.error().message);
    }
    const std::string& jitter = section.str("backoff_jitter");
    if (const Result<double> part = parse_fraction(jitter);
        good(section, "backoff_jitter") && !part) {
        error(section, "backoff_jitter", quote(jitter) + " " + part.error().message);
    }
}

}  // namespace

void check_downstream(const Section& section, Files& files, Diagnostics& diagnostics) {
    DownstreamCheck(files, diagnostics).run(section);
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

}  // namespace neuron::conf
