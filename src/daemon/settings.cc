// From configuration sections to the settings of each module. The values have been
// checked when the configuration was loaded.

#include "neurond/daemon/settings.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "neurond/base/environment.h"
#include "neurond/base/crypto.h"
#include "neurond/base/limits.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/base/url.h"
#include "neurond/conf/dump.h"
#include "neurond/conf/value.h"
#include "neurond/daemon/paths.h"
#include "neurond/daemon/privileges.h"
#include "neurond/daemon/reload_plan.h"

namespace neuron {

namespace {

constexpr const char* kSelf = "/proc/self/exe";
constexpr const char* kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

constexpr size_t kMaxShownCommandBytes = 1024;

std::string or_default(std::string configured, const std::string& otherwise) {
    return configured.empty() ? otherwise : configured;
}

/// Everything of ours but what configures neurond or was used as a secret by it.
void inherit_all(std::vector<std::string>& env, const conf::Config& config) {
    for (char** at = environ; *at != nullptr; ++at) {
        const std::string_view pair(*at);
        const std::string name(pair.substr(0, pair.find('=')));
        if (!starts_with(name, "NEUROND_") && name != "CREDENTIALS_DIRECTORY" &&
            config.variables_used().count(name) == 0) {
            env.emplace_back(pair);
        }
    }
}

void inherit_minimal(std::vector<std::string>& env) {
    for (const char* name : kMinimalEnvironment) {
        const char* value = std::getenv(name);
        if (value != nullptr) {
            env.push_back(std::string(name) + "=" + value);
        } else if (std::string_view(name) == "PATH") {
            env.push_back(std::string("PATH=") + kDefaultPath);
        }
    }
}

void set_variable(std::vector<std::string>& env, const std::string& name,
                  const std::string& value) {
    const std::string prefix = name + "=";
    env.erase(std::remove_if(env.begin(), env.end(),
                             [&](const std::string& pair) {
                                 return starts_with(pair, prefix);
                             }),
              env.end());
    env.push_back(prefix + value);
}

/// What follows from the user a child runs as.
void set_user(std::vector<std::string>& env, const std::string& user) {
    const passwd* known = user.empty() ? nullptr : ::getpwnam(user.c_str());
    if (known != nullptr) {
        set_variable(env, "HOME", known->pw_dir);
        set_variable(env, "USER", user);
        set_variable(env, "LOGNAME", user);
    }
}

std::vector<std::string> environment(const conf::Section& section,
                                     const conf::Config& config) {
    std::vector<std::string> env;
    if (section.str("inherit_env") == "all") {
        inherit_all(env, config);
    } else {
        inherit_minimal(env);
    }
    set_user(env, section.str("user"));
    for (const auto& [name, value] : section.map("env")) {
        set_variable(env, name, value);
    }
    return env;
}

LinkLimits link_limits(const conf::Config& config) {
    const conf::Section& limits = config.section("limits");
    return {static_cast<size_t>(limits.size("message_max")),
            static_cast<unsigned>(limits.integer("json_depth"))};
}

ChildLimits child_limits(const conf::Section& section) {
    ChildLimits out;
    out.memory = static_cast<uint64_t>(section.size("limit_memory"));
    out.processes = static_cast<uint64_t>(section.integer("limit_processes"));
    out.cpu = static_cast<uint64_t>(section.integer("limit_cpu"));
    out.files = static_cast<uint64_t>(section.integer("limit_files"));
    out.user = section.str("user");
    return out;
}

Transport transport(const conf::Section& section) {
    const std::string& how = section.str("transport");
    if (how == "sse") {
        return Transport::kSse;
    }
    const bool stdio = how == "stdio" || (how == "auto" && section.str("url").empty());
    return stdio ? Transport::kStdio : Transport::kHttp;
}

HttpTarget http_target(const conf::Section& section, const conf::Config& config,
                       const TlsContexts& tls) {
    const conf::Section& limits = config.section("limits");
    HttpTarget out;
    out.server = section.label();
    if (Result<Url> url = parse_url(section.str("url")); url) {
        out.url = std::move(*url);
    }
    if (const auto leg = tls.legs.find(section.label()); leg != tls.legs.end()) {
        out.tls = leg->second;
    }
    out.loopback_only = section.str("transport") == "localhost";
    out.headers = section.map("header");
    out.forward_headers = section.list("forward_headers");
    out.max_connections = static_cast<size_t>(section.integer("max_connections"));
    out.idle_connections = static_cast<size_t>(section.integer("idle_connections"));
    out.message_max = static_cast<size_t>(limits.size("message_max"));
    out.header_max = static_cast<size_t>(limits.size("header_max"));
    out.json_depth = static_cast<unsigned>(limits.integer("json_depth"));
    return out;
}

Protocol protocol(const conf::Section& section) {
    const std::string& era = section.str("protocol");
    return era == "legacy"   ? Protocol::kLegacy
           : era == "modern" ? Protocol::kModern
                             : Protocol::kAuto;
}

/// The arguments as anybody may see them.
std::vector<std::string> shown_args(const conf::Section& section) {
    std::vector<std::string> out;
    ArgumentMask mask;
    for (const conf::Text& arg : section.find("args")->value.list) {
        out.push_back(mask.next(arg.text, arg.secret));
    }
    return out;
}

/// The command with those arguments, as a shell would read it.
std::string shown_command(const conf::Section& section) {
    if (section.str("command").empty()) {
        return {};
    }
    std::string out = conf::write_word(section.str("command"));
    for (const std::string& arg : shown_args(section)) {
        out += ' ' + (arg.find(kMask) == std::string::npos ? conf::write_word(arg)
                                                                  : arg);
    }
    return escape(out, kMaxShownCommandBytes);
}

UpkeepSettings upkeep(const conf::Section& section, const conf::Config& config) {
    const std::string& restart = section.str("restart");
    UpkeepSettings out;
    out.server = section.label();
    out.command = shown_command(section);
    out.life.restart = restart == "always"  ? LifecycleSettings::Restart::kAlways
                       : restart == "never" ? LifecycleSettings::Restart::kNever
                                            : LifecycleSettings::Restart::kOnFailure;
    out.life.spawned = transport(section) == Transport::kStdio;
    out.life.crash_window = section.duration("crash_window");
    out.life.stable_after = section.duration("stable_after");
    out.life.max_restarts = static_cast<unsigned>(section.integer("max_restarts"));
    if (const auto rate = conf::parse_rate(section.str("restart_window")); rate) {
        out.life.window_restarts = rate->count;
        out.life.window = rate->window;
    }
    out.life.backoff = section.duration("backoff");
    out.life.backoff_max = section.duration("backoff_max");
    if (const auto part = conf::parse_fraction(section.str("backoff_jitter")); part) {
        out.life.jitter = *part;
    }
    out.breaker = {static_cast<unsigned>(section.integer("breaker_failures")),
                   section.duration("breaker_window"),
                   section.duration("breaker_cooldown")};
    out.health = {section.duration("health_interval"),
                  section.duration("health_timeout")};
    out.alarm_crashes =
        static_cast<unsigned>(config.section("alert").integer("crashes"));
    return out;
}

DownstreamSettings downstream(const conf::Section& section,
                              const conf::Config& config, const TlsContexts& tls) {
    DownstreamSettings out;
    out.name = section.label();
    out.form = form_of(section, config);
    out.enabled = section.yes("enabled");
    out.transport = transport(section);
    out.http = http_target(section, config, tls);
    out.protocol = protocol(section);
    const std::string command = section.str("command");
    out.command.server = section.label();
    out.command.path = command == "self" ? kSelf : command;
    out.command.args = section.list("args");
    out.command.env = environment(section, config);
    out.command.cwd = section.str("cwd");
    out.command.shown_args = shown_args(section);
    out.command.stop_timeout = section.duration("stop_timeout");
    out.command.limits = link_limits(config);
    out.command.may_use = child_limits(section);
    out.exposure.prefixed = section.str("prefix") == "name";
    out.exposure.expose = section.list("expose");
    out.exposure.hide = section.list("hide");
    out.share = section.str("share") == "session" ? Share::kSession : Share::kAll;
    out.max_instances = static_cast<size_t>(section.integer("max_instances"));
    out.instance_idle = section.duration("instance_idle");
    out.on_demand = section.str("start") == "demand";
    out.idle_stop = section.duration("idle_stop");
    out.start_timeout = section.duration("start_timeout");
    out.call_timeout = section.duration("call_timeout");
    out.call_timeout_max = section.duration("call_timeout_max");
    out.timeouts = section.durations("timeout");
    out.max_in_flight = static_cast<size_t>(section.integer("max_in_flight"));
    out.queue = static_cast<size_t>(section.integer("queue"));
    out.upkeep = upkeep(section, config);
    out.required = section.yes("required");
    return out;
}

LogLevel log_level(const conf::Config& config) {
    const std::string& level = config.section("log").str("level");
    return level == "debug"   ? LogLevel::kDebug
           : level == "warn"  ? LogLevel::kWarn
           : level == "error" ? LogLevel::kError
                              : LogLevel::kInfo;
}

LogFormat log_format(const conf::Config& config) {
    return config.section("log").str("format") == "json" ? LogFormat::kJson
                                                         : LogFormat::kText;
}

/// limits.rate for everybody, and what single clients have instead of it.
RateSettings rate_settings(const conf::Config& config) {
    const auto rate = [](const conf::Section& section, RequestRate otherwise) {
        const auto number = [&section](const char* key, unsigned other) {
            return section.is_set(key) ? static_cast<unsigned>(section.integer(key))
                                       : other;
        };
        return RequestRate{number("rate", otherwise.per_second),
                           number("burst", otherwise.burst)};
    };
    RateSettings out;
    out.everybody = rate(config.section("limits"), {});
    for (const conf::Section* section : config.sections("client")) {
        out.clients[section->label()] = rate(*section, out.everybody);
    }
    return out;
}

LogTarget log_target(const conf::Config& config) {
    const std::string& target = config.section("log").str("target");
    if (target == "stderr" || target == "syslog") {
        return {target == "stderr" ? LogTarget::Kind::kStderr : LogTarget::Kind::kSyslog,
                {},
                {}};
    }
    return {LogTarget::Kind::kFile, target, owner_of_files(config)};
}

}  // namespace

DaemonPaths daemon_paths(const conf::Config& config) {
    const conf::Section& server = config.section("server");
    DaemonPaths out;
    out.run_dir = or_default(server.str("run_dir"), default_run_dir());
    out.state_dir = or_default(server.str("state_dir"), default_state_dir());
    out.pid_file = or_default(server.str("pid_file"), out.run_dir + "/neurond.pid");
    out.control_socket = control_socket_path(out.run_dir);
    out.local_socket = or_default(server.str("socket"), local_socket_path(out.run_dir));
    if (out.local_socket == "none") {
        out.local_socket.clear();
    }
    out.audit = config.section("audit").str("path");
    if (!config.section("audit").is_set("path")) {
        out.audit = default_audit_path(out.audit, out.state_dir);
    }
    return out;
}

RequestLog request_log(const conf::Config& config) {
    const std::string& which = config.section("log").str("requests");
    return which == "all"      ? RequestLog::kAll
           : which == "errors" ? RequestLog::kErrors
                               : RequestLog::kNo;
}

Status configure_log(const conf::Config& config) {
    log_configure(log_level(config), log_format(config));
    return log_open(log_target(config));
}

Status try_log(const conf::Config& config) {
    LogOutput output;
    return output.open(log_target(config));
}

void prepare_log(const conf::Config& config) {
    const LogTarget target = log_target(config);
    if (target.owner) {
        (void)open_to_append(target.path, kLogFileMode, target.owner);
    }
}

MetricsFileSettings metrics_file_settings(const conf::Config& config) {
    const conf::Section& metrics = config.section("metrics");
    return {metrics.str("file"), metrics.duration("interval")};
}

HttpServerSettings http_settings(const conf::Config& config, size_t descriptors) {
    const conf::Section& limits = config.section("limits");
    HttpServerSettings out;
    out.limits.message_max = static_cast<size_t>(limits.size("message_max"));
    out.limits.header_max = static_cast<size_t>(limits.size("header_max"));
    out.limits.json_depth = static_cast<unsigned>(limits.integer("json_depth"));
    out.limits.header_timeout = limits.duration("header_timeout");
    out.limits.body_timeout = limits.duration("body_timeout");
    out.limits.idle_timeout = limits.duration("idle_timeout");
    const auto wanted = static_cast<size_t>(limits.integer("connections"));
    // Clients of parked calls have none, but their servers may.
    const size_t parked =
        static_cast<size_t>(config.section("federation").integer("parked_max"));
    const size_t spare = kSpareDescriptors + parked;
    out.connections = std::min(
        wanted, descriptors > 2 * spare ? descriptors - spare : descriptors / 2);
    if (out.connections < wanted) {
        log_warn("daemon", "limits.connections is %zu here: only %zu descriptors",
                 out.connections, descriptors);
    }
    out.open = config.section("server").yes("allow_insecure");
    out.handshake_timeout = limits.duration("handshake_timeout");
    out.allowed_origins = config.section("http").list("allowed_origins");
    out.allowed_hosts = config.section("http").list("allowed_hosts");
    out.cors = config.section("http").yes("cors");
    return out;
}

SupervisorSettings supervisor_settings(const conf::Config& config) {
    const conf::Section& federation = config.section("federation");
    return {federation.str("separator"), federation.yes("describe_prefix"),
            config.section("alert").str("command")};
}

RouterLimits router_limits(const conf::Config& config) {
    const conf::Section& federation = config.section("federation");
    return {static_cast<size_t>(config.section("limits").integer("calls_in_flight")),
            config.section("audit").str("on_failure") == "deny",
            static_cast<unsigned>(federation.integer("input_rounds")),
            federation.duration("input_timeout"), rate_settings(config),
            {static_cast<size_t>(federation.integer("parked_max")),
             federation.duration("input_timeout")}};
}

ListSettings list_settings(const conf::Config& config, const std::string& key) {
    return {static_cast<size_t>(config.section("federation").integer("page_size")),
            hmac_sha256(key, "cursors of lists")};
}

AuditSettings audit_settings(const conf::Config& config,
                             const conf::Config& started_with, std::string key) {
    const conf::Section& audit = config.section("audit");
    const std::string& arguments = audit.str("arguments");
    const std::string& sync = audit.str("sync");
    AuditSettings out;
    out.path = daemon_paths(started_with).audit;
    out.checkpoint = audit.duration("checkpoint");
    out.key = std::move(key);
    out.arguments = arguments == "hash"   ? AuditSettings::Arguments::kHash
                    : arguments == "none" ? AuditSettings::Arguments::kNone
                                          : AuditSettings::Arguments::kFull;
    out.sync = sync == "each" ? AuditSettings::Sync::kEach
               : sync == "no" ? AuditSettings::Sync::kNo
                              : AuditSettings::Sync::kBatch;
    return out;
}

McpSettings mcp_settings(const conf::Config& config) {
    McpSettings out;
    out.keepalive = config.section("http").duration("keepalive_comment");
    for (const conf::Section* section : config.sections("downstream")) {
        for (std::string& name : section->list("forward_headers")) {
            out.forward_headers.push_back(std::move(name));
        }
    }
    return out;
}

LinkSettings link_settings(const conf::Config& config) {
    LinkSettings out;
    out.link = link_limits(config);
    out.link.serves = true;
    out.link.line_timeout = config.section("limits").duration("body_timeout");
    out.stall_timeout = config.section("limits").duration("body_timeout");
    return out;
}

SessionSettings session_settings(const conf::Config& config) {
    const conf::Section& limits = config.section("limits");
    return {static_cast<size_t>(limits.integer("sessions")),
            limits.duration("session_idle"),
            static_cast<size_t>(limits.size("replay_buffer"))};
}

bool wants_cgroups(const conf::Config& config) {
    for (const conf::Section* section : config.sections("downstream")) {
        if (section->yes("enabled") && child_limits(*section).wants_group()) {
            return true;
        }
    }
    return false;
}

std::vector<DownstreamSettings> downstream_settings(const conf::Config& config,
                                                    const TlsContexts& tls) {
    std::vector<DownstreamSettings> out;
    for (const conf::Section* section : config.sections("downstream")) {
        out.push_back(downstream(*section, config, tls));
    }
    return out;
}

}  // namespace neuron
