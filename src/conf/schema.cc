// The one table: every section and key there is, with type, default, bounds and a
// sentence. Parser, defaults, dump and `neurond -T` follow from it, and
// tests/lint/settings.sh holds neurond.8 and etc/neurond.conf against it.

#include "neurond/conf/schema.h"

namespace neuron::conf {
namespace {

constexpr int64_t kSecond = 1000;
constexpr int64_t kDay = 24 * 60 * 60 * kSecond;
constexpr int64_t kKilo = 1024;
constexpr int64_t kGiga = kKilo * kKilo * kKilo;
constexpr Applies kReload = Applies::kOnReload;
constexpr Applies kRestart = Applies::kOnRestart;

struct Range {
    int64_t min;
    int64_t max;
};
constexpr Range kWait = {1, kDay};          // a time that must pass
constexpr Range kWaitOrNot = {0, kDay};     // 0s: at once
constexpr Range kCount = {1, 1000 * 1000};  // a table that must hold something
constexpr Range kPerSecond = {0, 1000 * 1000};

constexpr KeySpec text(const char* key, const char* initial, Applies when,
                       const char* help) {
    return {key, Type::kString, initial, nullptr, 0, 0, when, false, help};
}
constexpr KeySpec free_text(const char* key, Type type, const char* initial,
                            Applies when, const char* help) {
    return {key, type, initial, nullptr, 0, 0, when, true, help};
}
constexpr KeySpec yes_no(const char* key, const char* initial, Applies when,
                         const char* help) {
    return {key, Type::kYesNo, initial, nullptr, 0, 1, when, false, help};
}
constexpr KeySpec number(const char* key, Type type, const char* initial, Range range,
                         Applies when, const char* help) {
    return {key, type, initial, nullptr, range.min, range.max, when, false, help};
}
constexpr KeySpec integer(const char* key, const char* initial, Range range,
                          Applies when, const char* help) {
    return number(key, Type::kInteger, initial, range, when, help);
}
constexpr KeySpec size(const char* key, const char* initial, Range range, Applies when,
                       const char* help) {
    return number(key, Type::kSize, initial, range, when, help);
}
constexpr KeySpec duration(const char* key, const char* initial, Range range,
                           Applies when, const char* help) {
    return number(key, Type::kDuration, initial, range, when, help);
}
/// `never` and 0s are the same.
constexpr KeySpec duration_or_never(const char* key, Range range, Applies when,
                                    const char* help) {
    return {key,       Type::kDuration, "never", "never", range.min,
            range.max, when,            false,   help};
}
constexpr KeySpec choice(const char* key, const char* initial, const char* choices,
                         Applies when, const char* help) {
    return {key, Type::kChoice, initial, choices, 0, 0, when, false, help};
}
constexpr KeySpec list(const char* key, const char* initial, const char* choices,
                       Applies when, const char* help) {
    return {key, Type::kList, initial, choices, 0, 0, when, false, help};
}

/// What a listener may serve.
constexpr const char* kServes = "mcp health metrics admin";

// One key, two lines.
// clang-format off
constexpr KeySpec kServer[] = {
    text("bind", "127.0.0.1", kReload,
         "The IP address to listen on."),
    integer("port", "8443", {0, 65535}, kReload,
         "The TCP port to listen on; 0 lets the kernel pick a free one, for tests."),
    list("serve", "mcp health metrics", kServes, kReload,
         "What the listener serves."),
    text("user", "", kRestart,
         "Who serves, if root starts it; all that only root may is done beforehand."),
    text("group", "", kRestart,
         "That user's group, by name or number; by default their own."),
    text("state_dir", "", kRestart,
         "Where state that outlives the process is kept."),
    text("run_dir", "", kRestart,
         "Where the PID file and the sockets lie."),
    text("pid_file", "", kRestart,
         "The PID file; its lock decides whether another instance runs."),
    text("socket", "", kRestart,
         "The Unix socket for local clients, or none; by default in run_dir."),
    number("socket_mode", Type::kMode, "0600", {0, 0777}, kRestart,
         "The mode of that socket."),
    text("socket_group", "", kRestart,
         "The group of that socket, by name or number."),
    number("control_mode", Type::kMode, "0600", {0, 0777}, kRestart,
         "The mode of the control socket."),
    text("control_group", "", kRestart,
         "The group of the control socket, by name or number."),
    duration("drain_delay", "0s", kWaitOrNot, kReload,
         "How long a stop goes on serving while readiness says that it is coming."),
    duration("drain_timeout", "10s", kWaitOrNot, kReload,
         "How long calls in flight may take to finish on a stop."),
    duration("shutdown_timeout", "20s", kWait, kReload,
         "After this long a stop is over, whatever is left."),
    yes_no("watch_config", "no", kReload,
         "Whether a change of the configuration's files is put in force by itself."),
    yes_no("allow_insecure", "no", kReload,
         "Whether to listen beyond loopback although callers are not authenticated."),
};

constexpr KeySpec kTlsCert = text("cert_path", "", kReload,
    "The certificate in PEM, its chain behind it; with it the listener speaks TLS.");
constexpr KeySpec kTlsKey = text("key_path", "", kReload,
    "The private key in PEM, without a passphrase.");
constexpr KeySpec kTlsCa = text("ca_path", "", kReload,
    "The CA certificates in PEM that vouch for clients.");
constexpr KeySpec kTlsAuth = choice(
    "client_auth", "auto", "auto none optional required", kReload,
    "Whether clients show a certificate; auto is required with ca_path, else none.");
constexpr KeySpec kTlsCrl = text("crl_path", "", kReload,
    "The revocation lists of those CAs, in PEM.");
constexpr KeySpec kTlsVersion = choice("min_version", "1.2", "1.2 1.3", kReload,
    "The oldest version of TLS.");
constexpr KeySpec kTlsCiphers = text("ciphers", "", kReload,
    "Ciphers of TLS 1.2 as OpenSSL writes them; by default those with forward secrecy.");
constexpr KeySpec kTlsSuites = text("ciphersuites", "", kReload,
    "Ciphers of TLS 1.3 as OpenSSL writes them; by default OpenSSL's.");
constexpr KeySpec kTlsTickets = yes_no("session_tickets", "yes", kReload,
    "Whether clients may resume a session without a whole handshake.");

constexpr KeySpec kTls[] = {
    kTlsCert, kTlsKey, kTlsCa, kTlsAuth, kTlsCrl,
    kTlsVersion, kTlsCiphers, kTlsSuites, kTlsTickets,
};

constexpr KeySpec kListener[] = {
    text("address", nullptr, kReload,
         "Where it listens: IP:PORT, [IPV6]:PORT or unix:/PATH."),
    list("serve", "mcp health metrics", kServes, kReload,
         "What it serves."),
    choice("names", "auto", "auto plain strict", kReload,
         "How its clients see names; auto is as federation.names says."),
    kTlsCert, kTlsKey, kTlsCa, kTlsAuth, kTlsCrl,
    kTlsVersion, kTlsCiphers, kTlsSuites, kTlsTickets,
};

constexpr KeySpec kFederation[] = {
    text("separator", ".", kReload,
         "What joins a namespace and a tool's own name: 1 to 3 of . _ - : /"),
    choice("names", "plain", "plain strict", kReload,
         "How clients see names: as they are, or in [A-Za-z0-9_-]{1,64}."),
    duration("input_timeout", "10m", kWait, kReload,
         "How long a client may take to reply to what a server asks it."),
    integer("input_rounds", "8", {1, 1000}, kReload,
         "How many times a server may ask the client of one call."),
    integer("parked_max", "1024", kCount, kReload,
         "How many calls may wait for clients that are asked by an answer."),
    integer("page_size", "0", {0, 10 * 1000}, kReload,
            "How many things a page of a list has; 0 is all of them."),
    yes_no("describe_prefix", "no", kReload,
           "Whether descriptions begin with the downstream's name in brackets."),
};

constexpr KeySpec kDownstream[] = {
    yes_no("enabled", "yes", kReload,
         "Whether this downstream is started."),
    choice("transport", "auto", "auto stdio http localhost sse", kReload,
         "How to talk to it; auto is stdio for a command and http for a url."),
    free_text("url", Type::kString, "", kReload,
         "Where it listens, as http://HOST:PORT/PATH or https://HOST/PATH."),
    free_text("header.*", Type::kString, "", kReload,
         "A header field that goes with every HTTP request to it."),
    text("tls_ca", "", kReload,
         "The CA certificates in PEM that vouch for it; by default the system's."),
    text("tls_crl", "", kReload,
         "The revocation lists in PEM of every CA in tls_ca."),
    text("tls_cert", "", kReload,
         "The certificate in PEM that neurond shows it."),
    text("tls_key", "", kReload,
         "The private key of that certificate, in PEM without a passphrase."),
    list("forward_headers", "", nullptr, kReload,
         "Names of header fields of clients that go with their calls."),
    integer("max_connections", "20", {1, 1000}, kReload,
         "How many HTTP connections to it may be busy at a time."),
    integer("idle_connections", "5", {0, 1000}, kReload,
         "How many HTTP connections are kept for the next request."),
    choice("protocol", "auto", "auto legacy modern", kReload,
         "Which era of MCP it speaks: found out, up to 2025-11-25, or 2026-07-28."),
    text("command", "", kReload,
         "The program, as an absolute path, or self for neurond's own binary."),
    free_text("args", Type::kList, "", kReload,
         "Its arguments."),
    free_text("env.*", Type::kString, "", kReload,
         "A variable of its environment."),
    list("allow_env", "", nullptr, kReload,
         "Dangerous variables that env may set nevertheless, by name."),
    list("require_env", "", nullptr, kReload,
         "Variables that it cannot do without: unset or empty, they are an error."),
    choice("inherit_env", "minimal", "minimal all", kReload,
         "What of neurond's own environment it gets: PATH HOME LANG TZ TMPDIR, or all."),
    text("cwd", "", kReload,
         "Its working directory; without it, neurond's own."),
    text("user", "", kReload,
         "The user it runs as; without it, neurond's own. Needs root."),
    size("limit_memory", "0", {0, kKilo * kGiga}, kReload,
         "How much memory it may have; 0 is no limit."),
    number("limit_cpu", Type::kPercent, "0%", {0, 100 * 1000}, kReload,
           "How much of one CPU it may have, 200% being two; 0% is no limit."),
    integer("limit_processes", "0", {0, 1000 * 1000}, kReload,
         "How many processes and threads it may have; 0 is no limit."),
    integer("limit_files", "0", {0, 1000 * 1000}, kReload,
         "How many files each of its processes may have open; 0 is no limit."),
    choice("prefix", "name", "name none", kReload,
         "Whether its tools are called NAME and separator first, or as it calls them."),
    list("expose", "", nullptr, kReload,
         "Patterns of own names; without any, all tools are shown."),
    list("hide", "", nullptr, kReload,
         "Patterns of own names of tools that are not shown."),
    choice("share", "all", "all session", kReload,
         "Who shares an instance: everybody, or nobody: each session has its own."),
    integer("max_instances", "16", {1, 1000}, kReload,
         "How many instances serve somebody in particular at a time."),
    duration("instance_idle", "10m", kWait, kReload,
         "How long such an instance may have nothing to do before it is ended."),
    choice("start", "eager", "eager demand", kReload,
         "When it is started: at once, or by the first call."),
    duration_or_never("idle_stop", kWaitOrNot, kReload,
         "Stopped after so long without a call, and started by the next."),
    duration("start_timeout", "10s", kWait, kReload,
         "How long a start may take until its tools are listed."),
    duration("call_timeout", "50s", kWait, kReload,
         "How long a call may take; progress starts it anew."),
    duration("call_timeout_max", "10m", kWait, kReload,
         "How long a call may take in all."),
    number("timeout.*", Type::kDuration, "", kWait, kReload,
         "call_timeout for the tools whose own names match the pattern."),
    duration("stop_timeout", "5s", kWait, kReload,
         "How long it may take to stop after TERM, before KILL."),
    integer("max_in_flight", "256", kCount, kReload,
         "How many calls it is given at a time."),
    integer("queue", "1024", {0, 1000 * 1000}, kReload,
         "How many more calls wait for it before callers are told that it is busy."),
    duration("health_interval", "30s", kWaitOrNot, kReload,
         "After this long a silence it is asked whether it lives; 0s: never."),
    duration("health_timeout", "5s", kWait, kReload,
         "How long it may take to answer that."),
    choice("restart", "on-failure", "on-failure always never", kReload,
         "When it is started again by itself; an exit with status 0 is no failure."),
    duration("crash_window", "5s", kWaitOrNot, kReload,
         "Dead sooner than this and never healthy: not started again; 0s: it is."),
    integer("max_restarts", "3", {0, 1000 * 1000}, kReload,
         "How many restarts in a row before it is given up; 0: no limit."),
    text("restart_window", "10/1h", kReload,
         "How many restarts, in a row or not, within how long; 0: no limit."),
    duration("stable_after", "1m", kWait, kReload,
         "Healthy for this long, and the next restart is the first of a row."),
    duration("backoff", "1s", kWait, kReload,
         "How long to wait before the first restart; each further one doubles it."),
    duration("backoff_max", "1m", kWait, kReload,
         "The longest such wait."),
    text("backoff_jitter", "0.2", kReload,
         "By which part of itself the wait is longer or shorter at random, 0 to 1."),
    integer("breaker_failures", "5", {0, 1000}, kReload,
         "How many failures open the circuit, so that calls fail at once; 0: never."),
    duration("breaker_window", "1m", kWait, kReload,
         "Within how long those failures must come."),
    duration("breaker_cooldown", "5m", kWait, kReload,
         "After this long one call or start is let through; it decides."),
    yes_no("required", "no", kReload,
         "Whether neurond is ready only while this downstream is healthy."),
};

constexpr KeySpec kPolicy[] = {
    choice("default_action", "deny", "deny allow", kReload,
         "What happens to a call that no rule matches."),
    choice("mode", "enforce", "enforce report", kReload,
         "Whether what is denied is refused, or only told of in the audit."),
};

constexpr KeySpec kRule[] = {
    choice("effect", nullptr, "allow deny", kReload,
         "What the rule does; where rules disagree, deny wins."),
    list("tools", "", nullptr, kReload,
         "Patterns on full tool names."),
    list("prompts", "", nullptr, kReload,
         "Patterns on full prompt names."),
    list("resources", "", nullptr, kReload,
         "Patterns on URIs and URI templates of resources."),
    list("clients", "", nullptr, kReload,
         "Patterns on identities; none is everybody."),
    free_text("description", Type::kString, "", kReload,
         "For people."),
};

constexpr KeySpec kClient[] = {
    text("token_file", "", kReload,
         "A file that holds its bearer token."),
    list("token_sha256", "", nullptr, kReload,
         "SHA-256 digests of its bearer tokens, in hexadecimal."),
    list("cert", "", nullptr, kReload,
         "Patterns on the names in its certificate: common name and subjectAltName."),
    list("uid", "", nullptr, kReload,
         "Users, by number, that are it on a Unix socket."),
    list("gid", "", nullptr, kReload,
         "Groups, by number, whose members are it on a Unix socket."),
    yes_no("admin", "no", kReload,
         "Whether it may use the admin API."),
    integer("rate", "0", kPerSecond, kReload,
         "Instead of limits.rate, for this client; 0 is no limit."),
    integer("burst", "0", kPerSecond, kReload,
         "Instead of limits.burst, for this client."),
};

constexpr KeySpec kLimits[] = {
    size("message_max", "10000000", {kKilo, kGiga}, kReload,
         "The largest message of a client or a downstream."),
    size("header_max", "16k", {kKilo, kKilo * kKilo}, kReload,
         "The largest head of an HTTP request."),
    integer("json_depth", "64", {4, 1000}, kReload,
         "How deep JSON may nest."),
    integer("connections", "4096", kCount, kReload,
         "How many client connections may be open."),
    integer("sessions", "4096", kCount, kReload,
         "How many MCP sessions may be open."),
    duration("session_idle", "1h", {kSecond, 366 * kDay}, kReload,
         "After this long without a request or a stream a session ends."),
    size("replay_buffer", "256k", {0, kGiga}, kReload,
         "What is kept of a session's streams for a client that reconnects."),
    integer("calls_in_flight", "4096", kCount, kReload,
         "How many calls may be in flight, all downstreams together."),
    size("buffer_total", "256m", {kKilo * kKilo, kKilo * kGiga}, kReload,
         "How much all messages on their way may take together."),
    integer("rate", "0", kPerSecond, kReload,
         "How many requests a second each client may make; 0 is no limit."),
    integer("burst", "0", kPerSecond, kReload,
         "How many of them may come at once; 0: as many as in a second."),
    duration("header_timeout", "10s", kWait, kReload,
         "How long a client may take to send the head of a request."),
    duration("body_timeout", "30s", kWait, kReload,
         "How long a client may take to send the body of a request."),
    duration("idle_timeout", "75s", kWait, kReload,
         "How long a connection may be kept open between requests."),
    duration("handshake_timeout", "10s", kWait, kReload,
         "How long a client may take for the handshake of TLS."),
};

constexpr KeySpec kHttp[] = {
    list("allowed_origins", "", nullptr, kReload,
         "Origins of web pages that may call, beside those on loopback."),
    list("allowed_hosts", "", nullptr, kReload,
         "Host names this server answers to, beside the address and loopback names."),
    yes_no("cors", "no", kReload,
           "Whether pages of these origins, and of loopback, may read what is answered."),
    duration("keepalive_comment", "15s", {kSecond, kDay}, kReload,
         "A comment is sent this often on a silent event stream to keep it open."),
};

constexpr KeySpec kAudit[] = {
    text("path", "/var/log/neurond/audit.log", kRestart,
         "The audit file, or none."),
    choice("arguments", "full", "full hash none", kReload,
         "What is recorded of a call's arguments."),
    choice("on_failure", "deny", "deny continue", kReload,
         "What happens to a call whose record cannot be written."),
    choice("sync", "batch", "batch each no", kReload,
         "When records reach the medium: ten times a second, before each call, never."),
    duration("checkpoint", "1m", {kSecond, kDay}, kReload,
             "While calls are recorded, a signed record is written this often."),
};

constexpr KeySpec kMetrics[] = {
    text("file", "", kReload,
         "A file that the metrics are written to, for node_exporter, as an absolute path."),
    duration("interval", "15s", {kSecond, kDay}, kReload,
         "How often it is written."),
    text("prefix", "neurond", kReload,
         "What the names of our own metrics begin with."),
    integer("max_tools", "200", {0, 100 * 1000}, kReload,
         "How many tools are counted by name; those beyond are counted as other."),
};

constexpr KeySpec kAlert[] = {
    integer("crashes", "3", {0, 1000}, kReload,
         "How many crashes of a downstream in a minute raise an alarm; 0: none."),
    text("command", "", kReload,
         "A program that is run then, as an absolute path."),
};

constexpr KeySpec kRegistration[] = {
    text("cortexd_url", "", kReload,
         "Where this node is registered: a URL of cortexd or a hub, http: or https:."),
    text("node_id", "", kReload,
         "Who this node is; by default a UUID that is made once and kept in state_dir."),
    duration("heartbeat_interval", "30s", kWait, kReload,
         "How often this node says that it is there."),
    text("advertise_address", "", kReload,
         "HOST or HOST:PORT where clients reach this node; by default bind and port."),
    text("tls_ca", "", kReload,
         "The CA certificates in PEM that vouch for cortexd; by default the system's."),
    text("tls_crl", "", kReload,
         "The revocation lists in PEM of every CA in tls_ca."),
    text("tls_cert", "", kReload,
         "The certificate in PEM that neurond shows it."),
    text("tls_key", "", kReload,
         "The private key of that certificate, in PEM without a passphrase."),
};

constexpr KeySpec kLog[] = {
    choice("level", "info", "debug info warn error", kReload,
         "The least important lines that are written."),
    choice("format", "text", "text json", kReload,
         "How they are written."),
    choice("requests", "no", "no errors all", kReload,
         "Of which calls there is a line: of none, of those that fail, of all."),
    text("target", "stderr", kReload,
         "Where they go: stderr, syslog, or the absolute path of a file."),
};
// clang-format on

template <size_t N>
SectionSpec section(const char* name, const char* label, const KeySpec (&keys)[N]) {
    return {name, label, keys, N};
}

}  // namespace

const std::vector<SectionSpec>& sections() {
    static const std::vector<SectionSpec> all = {
        section("server", nullptr, kServer),
        section("tls", nullptr, kTls),
        section("listener", "NAME", kListener),
        section("federation", nullptr, kFederation),
        section("downstream", "NAME", kDownstream),
        section("policy", nullptr, kPolicy),
        section("rule", "ID", kRule),
        section("client", "ID", kClient),
        section("limits", nullptr, kLimits),
        section("http", nullptr, kHttp),
        section("audit", nullptr, kAudit),
        section("metrics", nullptr, kMetrics),
        section("alert", nullptr, kAlert),
        section("log", nullptr, kLog),
        section("registration", nullptr, kRegistration),
    };
    return all;
}

}  // namespace neuron::conf
