#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "conf_fake.h"
#include "neurond/conf/config.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

using Words = std::vector<std::string>;

std::shared_ptr<const Config> good(const std::string& text) {
    LoadResult result = load_text(text);
    CHECK(result.diagnostics.to_string() == "");
    REQUIRE((result.config != nullptr));
    return result.config;
}

const char* const kFull = R"(
[server]
bind = 0.0.0.0
port = 9000
serve = mcp health
user = nobody
group = staff
state_dir = /srv/state
run_dir = /srv/run
pid_file = /srv/run/x.pid
socket = /srv/run/n.sock
socket_mode = 0666
socket_group = staff
control_mode = 0660
control_group = staff
drain_timeout = 0s
drain_delay = 1s
watch_config = yes
shutdown_timeout = 30s
allow_insecure = yes
[tls]
cert_path = /srv/cert.pem
key_path = /srv/key.pem
ca_path = /srv/ca.pem
client_auth = optional
crl_path = /srv/crl.pem
min_version = 1.3
ciphers = ECDHE+AESGCM
ciphersuites = TLS_AES_256_GCM_SHA384
session_tickets = no
[listener more]
address = [::1]:9001
serve = mcp admin
names = strict
cert_path = /srv/cert.pem
key_path = /srv/key.pem
ca_path = /srv/ca.pem
client_auth = required
crl_path = /srv/crl.pem
min_version = 1.3
ciphers = ECDHE+AESGCM
ciphersuites = TLS_AES_256_GCM_SHA384
session_tickets = no
[federation]
parked_max = 5
input_timeout = 3m
input_rounds = 4
separator = __
page_size = 100
describe_prefix = yes
names = strict
[downstream redis]
enabled = no
transport = stdio
command = /usr/local/bin/redis-mcp
args = --mode stdio "two words"
args = --again
env.REDIS_URL = ${env:REDIS_URL}
env.ld_preload = /lib/x.so
allow_env = ld_preload
require_env = REDIS_URL
inherit_env = all
cwd = /srv
user = nobody
limit_memory = 512m
limit_cpu = 50%
limit_processes = 64
limit_files = 1024
prefix = none
expose = a*
hide = ab*
share = session
max_instances = 2
instance_idle = 1m
start = demand
idle_stop = 3m
start_timeout = 1s
call_timeout = 2s
call_timeout_max = 3m
timeout.slow_* = 1h
timeout.* = 9s
stop_timeout = 250ms
max_in_flight = 1
queue = 0
health_interval = 10s
health_timeout = 1s
restart = always
crash_window = 0s
max_restarts = 0
restart_window = 5/10m
stable_after = 30s
backoff = 10ms
backoff_max = 10ms
backoff_jitter = 0.5
breaker_failures = 7
breaker_window = 30s
breaker_cooldown = 1m
required = yes
[downstream second]
command = self
args = host-tools
[downstream third]
transport = localhost
url = http://127.0.0.1:8080/mcp
header.Authorization = "Bearer x"
header.X-Tenant = a
forward_headers = X-User X-Trace
max_connections = 1
idle_connections = 0
protocol = modern
[downstream fourth]
url = https://a.example/mcp
tls_ca = /srv/ca.pem
tls_crl = /srv/crl.pem
tls_cert = /srv/cert.pem
tls_key = /srv/key.pem
[registration]
cortexd_url = https://hub.example:8443
node_id = 6a1c2f0e-0f0a-4a2b-8f5d-0a1b2c3d4e5f
heartbeat_interval = 10s
advertise_address = node.example:8443
tls_ca = /srv/ca.pem
tls_crl = /srv/crl.pem
tls_cert = /srv/cert.pem
tls_key = /srv/key.pem
[policy]
default_action = allow
mode = enforce
[rule one]
effect = deny
tools = redis.* *.write_?
prompts = redis.*
resources = file:*
clients = uid:0 anonymous
description = No writing, please
[client backup]
token_file = /srv/token
token_sha256 = 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
cert = backup-?.example
uid = 1000
gid = 100
admin = yes
rate = 50
burst = 60
[limits]
message_max = 1m
header_max = 8k
json_depth = 100
connections = 10
sessions = 11
session_idle = 1d
replay_buffer = 64k
calls_in_flight = 12
buffer_total = 32m
rate = 10
burst = 20
header_timeout = 1s
body_timeout = 2s
idle_timeout = 3s
handshake_timeout = 4s
[http]
allowed_origins = https://a.example https://b.example
allowed_hosts = proxy.example
keepalive_comment = 5s
cors = yes
[audit]
path = none
arguments = hash
on_failure = continue
checkpoint = 2m
sync = each
[metrics]
file = /var/lib/node/neurond.prom
interval = 1m
prefix = mcp_citadel
max_tools = 7
[alert]
crashes = 5
command = /bin/alert
[log]
level = debug
format = json
requests = errors
target = syslog
)";

}  // namespace

TEST_CASE("without any setting the defaults hold") {
    const auto config = good("");
    const Section& server = config->section("server");
    CHECK(server.str("bind") == "127.0.0.1");
    CHECK(server.integer("port") == 8443);
    CHECK(server.list("serve") == Words{"mcp", "health", "metrics"});
    CHECK(server.str("state_dir").empty());
    CHECK(server.integer("control_mode") == 0600);
    CHECK(server.duration("drain_timeout") == Millis(10000));
    CHECK_FALSE(server.yes("allow_insecure"));
    CHECK_FALSE(server.is_set("port"));
    CHECK(config->section("limits").size("message_max") == 10000000);
    CHECK(config->section("limits").size("header_max") == 16384);
    CHECK(config->section("policy").str("default_action") == "deny");
    CHECK(config->section("audit").str("path") == "/var/log/neurond/audit.log");
    CHECK(config->sections("downstream").empty());
    CHECK(config->find("rule", "x") == nullptr);
}

TEST_CASE("every key of every section is read") {
    FakeFiles files(kFull);
    files.variables["REDIS_URL"] = "redis://x";
    const LoadResult result = load({"t.conf", {}}, files);
    CHECK(result.diagnostics.to_string() == "");
    REQUIRE((result.config != nullptr));
    const Config& config = *result.config;
    const Section& server = config.section("server");
    CHECK(server.str("bind") == "0.0.0.0");
    CHECK(server.integer("port") == 9000);
    CHECK(server.integer("control_mode") == 0660);
    CHECK(server.duration("drain_timeout") == Millis(0));
    CHECK(server.yes("allow_insecure"));
    CHECK(config.section("federation").str("separator") == "__");

    const auto downstreams = config.sections("downstream");
    REQUIRE(downstreams.size() == 4);
    const Section& redis = *downstreams[0];
    CHECK(redis.label() == "redis");
    CHECK(redis.path("command") == "downstream.redis.command");
    CHECK_FALSE(redis.yes("enabled"));
    CHECK(redis.list("args") == Words{"--mode", "stdio", "two words", "--again"});
    const std::vector<std::pair<std::string, std::string>> env = {
        {"REDIS_URL", "redis://x"}, {"ld_preload", "/lib/x.so"}};
    CHECK(redis.map("env") == env);
    const std::vector<std::pair<std::string, Millis>> timeouts = {
        {"slow_*", Millis(3600000)}, {"*", Millis(9000)}};
    CHECK(redis.durations("timeout") == timeouts);
    CHECK(redis.duration("stop_timeout") == Millis(250));
    CHECK(redis.is_set("env.REDIS_URL"));
    CHECK_FALSE(redis.is_set("env.OTHER"));
    CHECK(downstreams[1]->str("command") == "self");
    CHECK(downstreams[1]->map("env").empty());
    const std::vector<std::pair<std::string, std::string>> headers = {
        {"Authorization", "Bearer x"}, {"X-Tenant", "a"}};
    CHECK(downstreams[2]->map("header") == headers);
    CHECK(downstreams[2]->list("forward_headers") == Words{"X-User", "X-Trace"});

    const Section& rule = *config.find("rule", "one");
    CHECK(rule.str("effect") == "deny");
    CHECK(rule.list("tools") == Words{"redis.*", "*.write_?"});
    CHECK(rule.str("description") == "No writing, please");  // blanks need no quotes
    CHECK(config.section("limits").size("message_max") == 1048576);
    CHECK(config.section("audit").str("sync") == "each");
    CHECK(config.variables_used() == std::set<std::string>{"REDIS_URL"});

    for (const SectionSpec& spec : sections()) {
        for (const KeySpec& key : spec) {
            CAPTURE(spec.name);
            CAPTURE(key.key);
            const auto all = config.sections(spec.name);
            CHECK(std::any_of(all.begin(), all.end(), [&key](const Section* section) {
                return key.is_pattern() || section->is_set(key.key);
            }));
        }
    }
}

TEST_CASE("sections of one name merge, in the order in which they first appear") {
    const auto config = good(
        "[downstream b]\ncommand = /bin/b\n[downstream a]\ncommand = /bin/a\n"
        "[downstream b]\nargs = x\n[policy]\ndefault_action = allow\n[server]\nport = "
        "1\n[server]\nbind = ::1\n");
    const auto downstreams = config->sections("downstream");
    REQUIRE(downstreams.size() == 2);
    CHECK(downstreams[0]->label() == "b");
    CHECK(downstreams[0]->list("args") == Words{"x"});
    CHECK(config->section("server").integer("port") == 1);
    CHECK(config->section("server").str("bind") == "::1");
}

TEST_CASE("the command line wins over the environment, that over the file") {
    FakeFiles files("[server]\nport = 1\nserve = mcp\n[log]\nlevel = warn\n");
    const auto port = [&files](const Words& overrides) {
        const LoadResult result = load({"t.conf", overrides}, files);
        CHECK(result.diagnostics.to_string() == "");
        return result.config->section("server").integer("port");
    };
    CHECK(port({}) == 1);
    files.variables["NEUROND_SERVER_PORT"] = "2";
    CHECK(port({}) == 2);
    CHECK(port({"server.port=3"}) == 3);
    files.variables.clear();
    files.variables["NEUROND_PORT"] = "4";
    CHECK(port({}) == 4);
    files.variables["NEUROND_PORT"] = "";  // empty is unset
    CHECK(port({}) == 1);
    files.variables = {{"NEUROND_EXE", "/x"}, {"NEUROND_", "x"}, {"NEUROND", "x"}};
    CHECK(port({}) == 1);  // names of nobody
}

TEST_CASE("a list from a higher place replaces, it does not append") {
    FakeFiles files("[server]\nserve = mcp\nserve = health\n");
    files.variables["NEUROND_SERVER_SERVE"] = "metrics";
    const auto serve = [&files](const Words& overrides) {
        return load({"t.conf", overrides}, files)
            .config->section("server")
            .list("serve");
    };
    CHECK(serve({}) == Words{"metrics"});
    CHECK(serve({"server.serve=mcp", "server.serve=metrics"}) ==
          Words{"mcp", "metrics"});
    CHECK(serve({"server.serve="}) == Words{});
}

TEST_CASE("overrides reach sections with a name, and make them") {
    FakeFiles files("[downstream a]\ncommand = /bin/a\n");
    const LoadResult result =
        load({"t.conf",
              {"downstream.a.env.X=1 # 2", "downstream.a.timeout.x.*=5s",
               "downstream.b.command=self", "downstream.b.args=host-tools \"a b\""}},
             files);
    CHECK(result.diagnostics.to_string().find("error") == std::string::npos);
    REQUIRE((result.config != nullptr));
    CHECK(result.config->find("downstream", "a")->map("env")[0].second == "1 # 2");
    CHECK(result.config->find("downstream", "a")->durations("timeout")[0].first ==
          "x.*");
    CHECK(result.config->find("downstream", "b")->list("args") ==
          Words{"host-tools", "a b"});
}

TEST_CASE("an include is relative to its file, sorted, and ends its section") {
    FakeFiles files;
    files.texts["etc/t.conf"] = {
        "include = conf.d/*.conf\n[server]\nport = 1\n"
        "include = last.conf\n[log]\nlevel = warn\n",
        false};
    files.texts["etc/conf.d/20.conf"] = {"[downstream b]\ncommand = /bin/b\n", false};
    files.texts["etc/conf.d/10.conf"] = {
        "[downstream a]\ncommand = /bin/a\ninclude = ../more\n", false};
    files.texts["etc/conf.d/../more"] = {"[downstream c]\ncommand = /bin/c\n", false};
    files.texts["etc/last.conf"] = {"[policy]\ndefault_action = allow\n", false};
    const LoadResult result = load({"etc/t.conf", {}}, files);
    CHECK(result.diagnostics.to_string() == "");
    REQUIRE((result.config != nullptr));
    const auto downstreams = result.config->sections("downstream");
    REQUIRE(downstreams.size() == 3);
    CHECK(downstreams[0]->label() == "a");
    CHECK(downstreams[1]->label() == "c");
    CHECK(downstreams[2]->label() == "b");
    CHECK(to_string(downstreams[2]->place("command")) == "etc/conf.d/20.conf:2:11");
    CHECK(result.config->section("log").str("level") == "warn");
}

TEST_CASE("an include takes a variable, and a pattern may match nothing") {
    FakeFiles files("include = ${env:DIR}/x.conf none/*.conf\n");
    files.variables["DIR"] = "/d";
    files.texts["/d/x.conf"] = {"[server]\nport = 7\n", false};
    const LoadResult result = load({"t.conf", {}}, files);
    CHECK(result.diagnostics.to_string() == "");
    CHECK(result.config->section("server").integer("port") == 7);
}

TEST_CASE("an include that goes in circles ends with a message") {
    FakeFiles files("include = a.conf\n");
    files.texts["a.conf"] = {"\ninclude = t.conf\n", false};
    CHECK(messages(load({"t.conf", {}}, files)) ==
          Words{"a.conf:2:11: include: t.conf includes itself"});
    files.texts.clear();
    files.texts["t.conf"] = {"include = ./t.conf\n", false};
    files.texts["./t.conf"] = {"include = ././t.conf\n", false};
    std::string path = "././";
    for (int i = 0; i < 20; ++i, path += "./") {
        files.texts[path + "t.conf"] = {"include = ./t.conf\n", false};
    }
    CHECK(load({"t.conf", {}}, files).diagnostics.error_count() == 1);
}

TEST_CASE("settings know their places") {
    const auto config = good("[server]\n  port = 1\n");
    CHECK(to_string(config->section("server").place("port")) == "t.conf:2:10");
    CHECK(to_string(config->section("server").place("bind")) == "t.conf:1:2");
    CHECK(to_string(config->section("log").place("level")) == "");
}

TEST_CASE("the shipped configuration loads as it is") {
    RealFiles machine;
    auto text = machine.read_config("etc/neurond.conf");
    if (!text) {  // the tests were started elsewhere
        return;
    }
    const auto config = good(text->text);
    REQUIRE(config->sections("downstream").size() == 1);
    CHECK(config->sections("downstream")[0]->label() == "host");
    CHECK(config->section("server").str("bind") == "127.0.0.1");
    REQUIRE(config->sections("rule").size() == 1);
    CHECK(config->sections("rule")[0]->list("tools") == Words{"host.*"});
    CHECK(config->section("policy").str("default_action") == "deny");
}
