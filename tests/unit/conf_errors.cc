// Every message an operator can get for a configuration that reads but is wrong.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conf_fake.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

using Words = std::vector<std::string>;

struct Row {
    const char* text;
    const char* message;
};

template <size_t N>
void check(const Row (&rows)[N]) {
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(message_for(row.text) == row.message);
    }
}

}  // namespace

TEST_CASE("unknown sections and keys come with what was meant") {
    const Row rows[] = {
        {"[sever]\nport = 1",
         "t.conf:1:2: [sever]: unknown section, did you mean "
         "\"server\"?"},
        {"[nothing]",
         "t.conf:1:2: [nothing]: unknown section, expected one of server, tls, "
         "listener, federation, downstream, policy, rule, client, limits, http, audit, "
         "metrics, alert, log, registration"},
        {"[server]\nprot = 1",
         "t.conf:2:1: server.prot: unknown key, did you mean "
         "\"port\"?"},
        {"[server]\nlevel = info",
         "t.conf:2:1: server.level: unknown key, expected it in "
         "[log]"},
        {"[log]\nxyzzyx = 1",
         "t.conf:2:1: log.xyzzyx: unknown key, expected one of level, "
         "format, requests, target"},
        {"[log x]", "t.conf:1:6: [log]: takes no name, expected [log] alone"},
        {"port = 1",
         "t.conf:1:1: port: stands in no section, expected a [section] before "
         "it"},
        {"[downstream x]\ncomand = /bin/x",  // one mistake: command is not missing too
         "t.conf:2:1: downstream.x.comand: unknown key, did you mean \"command\"?"},
        {"[rule x]\neffct = allow\ntools = *",
         "t.conf:2:1: rule.x.effct: unknown key, did you mean \"effect\"?"},
    };
    check(rows);
}

TEST_CASE("values of a wrong type or range say what was expected") {
    const Row rows[] = {
        {"[server]\nport = http",
         "t.conf:2:8: server.port: \"http\" is not a number, "
         "expected a number from 0 to 65535"},
        {"[server]\nport = 65536",
         "t.conf:2:8: server.port: \"65536\" is out of range, "
         "expected a number from 0 to 65535"},
        {"[server]\nport =",
         "t.conf:2:7: server.port: \"\" is not a number, expected a "
         "number from 0 to 65535"},
        {"[server]\nport = 1 2",
         "t.conf:2:8: server.port: \"1 2\" is not a number, "
         "expected a number from 0 to 65535"},
        {"[server]\nallow_insecure = true",
         "t.conf:2:18: server.allow_insecure: \"true\" "
         "is not known here, expected yes or no"},
        {"[server]\ncontrol_mode = rw",
         "t.conf:2:16: server.control_mode: \"rw\" is not a "
         "mode, expected an octal mode such as 0600"},
        {"[server]\ndrain_timeout = 10",
         "t.conf:2:17: server.drain_timeout: \"10\" has no "
         "unit, expected a duration from 0s to 1d, such as "
         "30s"},
        {"[server]\nshutdown_timeout = soon",
         "t.conf:2:20: server.shutdown_timeout: "
         "\"soon\" is not a duration, expected a "
         "duration from 1ms to 1d, such as 30s"},
        {"[limits]\nheader_max = 10kb",
         "t.conf:2:14: limits.header_max: \"10kb\" is not a "
         "size, expected a size from 1k to 1m, such as 64k"},
        {"[server]\nserve = mcp rest",
         "t.conf:2:13: server.serve: \"rest\" is not known here, "
         "expected mcp, health, metrics or admin"},
        {"[log]\nlevel = loud",
         "t.conf:2:9: log.level: \"loud\" is not known here, expected "
         "debug, info, warn or error"},
        {"[downstream x]\ncommand = /bin/x\ntransport = tcp",
         "t.conf:3:13: downstream.x.transport: \"tcp\" is not known here, expected "
         "auto, stdio, http, localhost or sse"},
        {"[rule x]\ntools = *",
         "t.conf:1:7: rule.x.effect: missing, expected allow or "
         "deny"},
        {"[rule x]\neffect = allow",
         "t.conf:1:7: rule.x: names nothing, "
         "expected patterns in tools, prompts or resources"},
        {"[rule x]\neffect = allow\ntools =",
         "t.conf:1:7: rule.x: names nothing, "
         "expected patterns in tools, prompts or resources"},
    };
    check(rows);
}

TEST_CASE("paths of the daemon's own files are absolute") {
    const Row rows[] = {
        {"[server]\nrun_dir = run",
         "t.conf:2:11: server.run_dir: \"run\" is not an absolute path"},
        {"[server]\nstate_dir = ./state",
         "t.conf:2:13: server.state_dir: \"./state\" is not an absolute path"},
        {"[server]\npid_file = none",  // there is no such word here
         "t.conf:2:12: server.pid_file: \"none\" is not an absolute path"},
        {"[server]\nsocket = n.sock",
         "t.conf:2:10: server.socket: \"n.sock\" is neither an absolute path nor none"},
        {"[audit]\npath = audit.log",
         "t.conf:2:8: audit.path: \"audit.log\" is neither an absolute path nor none"},
    };
    check(rows);
}

TEST_CASE("a section that is nothing but a header without a name is one mistake") {
    const Row rows[] = {
        {"[rule]", "t.conf:1:6: [rule]: rule ID cannot be empty"},
        {"[downstream]", "t.conf:1:12: [downstream]: namespace cannot be empty"},
    };
    check(rows);
}

TEST_CASE("a scalar set twice names both places") {
    const Row rows[] = {
        {"[server]\nport = 1\n\n[server]\nport = 1\n",
         "t.conf:5:1: server.port: set twice, first at t.conf:2:1"},
        {"[downstream x]\ncommand = /bin/x\nenv.A = 1\nenv.A = 2",
         "t.conf:4:1: downstream.x.env.A: set twice, first at t.conf:3:1"},
        {"[downstream x]\ncommand = /bin/x\ntimeout.a = 1s\ntimeout.a = 1s",
         "t.conf:4:1: downstream.x.timeout.a: set twice, first at t.conf:3:1"},
    };
    check(rows);
}

TEST_CASE("a namespace follows the rules for names") {
    const Row rows[] = {
        {"[downstream]\ncommand = /bin/x",
         "t.conf:1:12: [downstream]: namespace cannot be empty"},
        {"[downstream \"\"]\ncommand = /bin/x",
         "t.conf:1:13: [downstream]: namespace cannot be empty"},
        {"[downstream a.b]\ncommand = /bin/x",
         "t.conf:1:13: [downstream]: namespace cannot contain dots"},
        {"[downstream ../../etc]\ncommand = /bin/x",
         "t.conf:1:13: [downstream]: namespace cannot contain dots"},
        {"[downstream Redis]\ncommand = /bin/x",
         "t.conf:1:13: [downstream]: namespace \"Redis\" is invalid, expected a to z, "
         "0 to "
         "9, _ and -, no _ or - first"},
        {"[downstream -a]\ncommand = /bin/x",
         "t.conf:1:13: [downstream]: namespace \"-a\" is invalid, expected a to z, 0 "
         "to 9, "
         "_ and -, no _ or - first"},
        {"[downstream \"a b\"]\ncommand = /bin/x",
         "t.conf:1:13: [downstream]: namespace \"a b\" is invalid, expected a to z, 0 "
         "to "
         "9, _ and -, no _ or - first"},
        {"[downstream metrics]\ncommand = /bin/x",
         "t.conf:1:13: [downstream]: namespace \"metrics\" is reserved"},
        {"[rule]\neffect = allow\ntools = *",
         "t.conf:1:6: [rule]: rule ID cannot be empty"},
        {"[rule default]\neffect = allow\ntools = *",
         "t.conf:1:7: [rule]: \"default\" names the default action in records, "
         "expected "
         "another ID"},
        {"[rule a.b]\neffect = allow\ntools = *",
         "t.conf:1:7: [rule]: \"a.b\" is no rule ID, expected at most 64 letters, "
         "digits, "
         "_ and -"},
    };
    check(rows);
    CHECK(message_for("[downstream " + std::string(65, 'a') + "]\ncommand = /bin/x") ==
          "t.conf:1:13: [downstream]: namespace is too long, expected at most 64 "
          "characters");
    CHECK(message_for("[policy]\ndefault_action = allow\n[downstream " +
                      std::string(64, 'a') + "]\ncommand = /bin/x") == "");
}

TEST_CASE("a command is absolute and can be run") {
    const Row rows[] = {
        {"[downstream x]",
         "t.conf:1:13: downstream.x.command: missing, expected an "
         "absolute path or self, or a url"},
        {"[downstream x]\ncommand = npx",
         "t.conf:2:11: downstream.x.command: stdio "
         "command must be absolute path: npx"},
        {"[downstream x]\ncommand = ./x",
         "t.conf:2:11: downstream.x.command: stdio "
         "command must be absolute path: ./x"},
        {"[downstream x]\ncommand = /nope",
         "t.conf:2:11: downstream.x.command: execute "
         "/nope: No such file or directory"},
        {"[downstream x]\ncommand = self",
         "t.conf:1:13: downstream.x.args: missing, "
         "expected what self is to do, as host-tools"},
        {"[downstream x]\ncommand = /bin/x\ncwd = srv",
         "t.conf:3:7: downstream.x.cwd: \"srv\" is not an absolute path"},
        {"[downstream x]\ncommand = /bin/x\ncwd = /nope",
         "t.conf:3:7: downstream.x.cwd: enter /nope: No such file or directory"},
        {"[downstream x]\ncommand = /bin/x\nuser = somebody",
         "t.conf:3:8: downstream.x.user: find user somebody: there is none"},
        {"[downstream x]\ncommand = /bin/x\nlimit_processes = 8",
         "t.conf:3:19: downstream.x.limit_processes: needs user, because without a "
         "cgroup it counts all processes of a user, and root is not bound by it "
         "(use cgroups: no controller pids)"},
        {"[downstream x]\ncommand = /bin/x\nlimit_cpu = 50",
         "t.conf:3:13: downstream.x.limit_cpu: \"50\" is not a percentage, expected a "
         "percentage from 0% to 100000%, such as 50%"},
    };
    check(rows);
    CHECK(message_for("[policy]\ndefault_action=allow\n[downstream x]\nenabled = no\n"
                      "command = /nope\ncwd = /nope") == "");  // not installed yet
}

TEST_CASE("a downstream has a command or a URL that can be used") {
    const std::string expected = ", expected http:// or https://HOST:PORT/PATH";
    const struct {
        std::string text;
        std::string message;  ///< behind "downstream.x."
    } rows[] = {
        // neither, both, and what does not go together
        {"transport = http", "url: missing" + expected},
        {"transport = stdio",
         "command: missing, expected an absolute path or self, or a url"},
        {"command = /bin/x\nurl = http://a/",
         "url: stands beside command, expected only one of them"},
        {"transport = stdio\nurl = http://a/",
         "url: does not go with transport = stdio, expected command"},
        {"transport = sse\ncommand = /bin/x",
         "command: does not go with transport = sse, expected url"},
        // URLs
        {"url = localhost:80", "url: invalid downstream URL: no \"://\"" + expected},
        {"url = ws://a/mcp", "url: invalid downstream URL: scheme ws" + expected},
        {"transport = localhost\nurl = http://10.0.0.1/mcp",
         "url: 10.0.0.1 is not a loopback address, expected one for transport = "
         "localhost"},
        // headers
        {"url = http://a/\nheader.X:Y = z",
         "header.X:Y: \"X:Y\" is not the name of a header field"},
        {"url = http://a/\nheader.mcp-session-id = z",
         "header.mcp-session-id: mcp-session-id is set by neurond itself"},
        {"url = http://a/\nheader.X = \"a\\nb\"",
         "header.X: cannot stand in a header field, expected no line breaks or control "
         "bytes and no blanks around it"},
        {"url = http://a/\nforward_headers = authorization",
         "forward_headers: authorization is never forwarded: what a client proves to "
         "neurond is not for others, expected header.authorization with a value of its "
         "own"},
        {"url = http://a/\nforward_headers = X-A Host",
         "forward_headers: Host is set by neurond itself, expected other names"},
        {"url = http://a/\nheader.X-A = 1\nforward_headers = X-A",
         "forward_headers: X-A is set by neurond itself, expected other names"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const std::string message = message_for("[downstream x]\n" + row.text);
        const size_t at = message.find("downstream.x.");
        REQUIRE(at != std::string::npos);
        CHECK(message.substr(at + 13) == row.message);
    }
    CHECK(message_for("[policy]\ndefault_action=allow\n[downstream x]\n"
                      "transport = localhost\nurl = http://localhost:1/a?b=c") == "");
}

TEST_CASE("variables that decide which code runs are refused") {
    const std::string head =
        "[policy]\ndefault_action=allow\n[downstream x]\ncommand = "
        "/bin/x\n";
    for (const char* name : {"LD_PRELOAD",
                             "LD_LIBRARY_PATH",
                             "LD_AUDIT",
                             "ld_preload",
                             "PATH",
                             "Path",
                             "PYTHONPATH",
                             "NODE_OPTIONS",
                             "NODE_PATH",
                             "BASH_ENV",
                             "ENV",
                             "IFS",
                             "PERL5LIB",
                             "PERL5OPT",
                             "RUBYOPT",
                             "RUBYLIB",
                             "GCONV_PATH",
                             "DYLD_INSERT_LIBRARIES",
                             "PYTHONSTARTUP",
                             "PYTHONHOME",
                             "JAVA_TOOL_OPTIONS"}) {
        CAPTURE(name);
        const std::string key = "env." + std::string(name);
        CHECK(message_for(head + key + " = x") ==
              "t.conf:5:1: downstream.x." + key + ": " + name +
                  " decides which code runs, expected allow_env = " + name +
                  " beside it if that is meant");
        CHECK(message_for(head + key + " = x\nallow_env = OTHER " + name) == "");
    }
    CHECK(message_for(head + "require_env = A B\nenv.A = x\nenv.B = x") == "");
    CHECK(message_for(head + "require_env = A B\nenv.A = x\nenv.B = \"\"") ==
          "t.conf:5:15: downstream.x.require_env: B is not set, expected env.B beside it");
    CHECK(message_for(head + "require_env = HOME") ==
          "t.conf:5:15: downstream.x.require_env: HOME is not set, expected env.HOME "
          "beside it, or the variable in neurond's environment");
    for (const char* name : {"MY_PATH", "LDX", "lower_case", "_X9", "ENVIRONMENT"}) {
        CHECK(message_for(head + "env." + name + " = x") == "");
    }
    for (const char* name : {"9X", "A-B", "A.B", "\xC3\xA4"}) {
        CHECK(
            message_for(head + "env." + name + " = x")
                .find(
                    "is not the name of a variable, expected letters, digits and _, no "
                    "digit first") != std::string::npos);
    }
}

TEST_CASE("pairs of keys, patterns, separators and addresses are checked") {
    const Row rows[] = {
        {"[downstream x]\ncommand = /bin/x\nbackoff = 2m",
         "t.conf:3:11: downstream.x.backoff: backoff is longer than backoff_max, "
         "expected "
         "at most 1m"},
        {"[downstream x]\ncommand = /bin/x\ncall_timeout_max = 1s",
         "t.conf:3:20: downstream.x.call_timeout_max: call_timeout is longer than "
         "call_timeout_max, expected at most 1s"},
        {"[downstream x]\ncommand = /bin/x\ntimeout.[a = 1s",
         "t.conf:3:1: downstream.x.timeout.[a: not a valid pattern"},
        {"[rule x]\neffect = deny\ntools = a [z-a]",
         "t.conf:3:9: rule.x.tools: \"[z-a]\" is not a valid pattern"},
        {"[rule x]\neffect = deny\ntools = a\nclients = \"\"",
         "t.conf:4:11: rule.x.clients: \"\" is not a valid pattern"},
        {"[federation]\nseparator = ....",
         "t.conf:2:13: federation.separator: \"....\" cannot separate, expected 1 to 3 "
         "of "
         ". _ - : /"},
        {"[metrics]\nprefix = my-own",
         "t.conf:2:10: metrics.prefix: \"my-own\" cannot begin the name of a metric, "
         "expected at most 64 letters, digits and _, no digit first, and not \"process\", "
         "which has a meaning of its own"},
        {"[metrics]\nprefix = 9lives",
         "t.conf:2:10: metrics.prefix: \"9lives\" cannot begin the name of a metric, "
         "expected at most 64 letters, digits and _, no digit first, and not \"process\", "
         "which has a meaning of its own"},
        {"[metrics]\nprefix = process",
         "t.conf:2:10: metrics.prefix: \"process\" cannot begin the name of a metric, "
         "expected at most 64 letters, digits and _, no digit first, and not \"process\", "
         "which has a meaning of its own"},
        {"[federation]\nseparator = x",
         "t.conf:2:13: federation.separator: \"x\" cannot separate, expected 1 to 3 of "
         ". _ "
         "- : /"},
        {"[federation]\nseparator = \"\"",
         "t.conf:2:13: federation.separator: \"\" cannot separate, expected 1 to 3 of "
         ". _ "
         "- : /"},
        {"[server]\nbind = example.org",
         "t.conf:2:8: server.bind: \"example.org\" is not an address, expected one "
         "such as "
         "127.0.0.1 or ::1"},
        {"[server]\nbind = 0.0.0.0",
         "t.conf:2:8: server.bind: 0.0.0.0 can be reached from other hosts and callers "
         "are "
         "not authenticated, expected a loopback address such as 127.0.0.1 or ::1, or "
         "cert_path and key_path in [tls] with ca_path or a token in a [client], "
         "or allow_insecure = yes in [server]"},
    };
    check(rows);
    for (const char* bind : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
        CHECK(message_for("[server]\nbind = " + std::string(bind)) == "");
    }
    for (const char* bind :
         {"0.0.0.0", "::", "192.0.2.1", "::ffff:10.0.0.1", "128.0.0.1"}) {
        const std::string text = "[server]\nbind = " + std::string(bind);
        CHECK(message_for(text) != "");
        CHECK(message_for(text + "\nallow_insecure = yes") ==
              "t.conf:3:18: server.allow_insecure: everybody who can reach " +
                  std::string(bind) +
                  " can call tools without proving who they are");
        CHECK(message_for(text + "\n[tls]\ncert_path = /c\nkey_path = /k\nca_path = /a") ==
              "");
        CHECK(message_for(text + "\n[tls]\ncert_path = /c\nkey_path = /k") != "");
    }
}

TEST_CASE("what is included, overridden or expanded is reported where it stands") {
    const Row rows[] = {
        {"[server]\ninclude = nope.conf",
         "t.conf:2:11: include: open nope.conf: No such file or directory"},
        {"include =",
         "t.conf:1:10: include: names no file, expected a path or a pattern"},
        {"include = ${env:NOPE}/x",
         "t.conf:1:11: include: ${env:NOPE} is not set, expected the variable NOPE or "
         "a "
         "default as in ${env:NOPE:-value}"},
        {"[server]\ninclude = x*.conf\nport = 1",  // it ended the section
         "t.conf:3:1: port: stands in no section, expected a [section] before it"},
        {"[server]\nbind = ${env:NOPE}",
         "t.conf:2:8: server.bind: ${env:NOPE} is not set, expected the variable NOPE "
         "or a "
         "default as in ${env:NOPE:-value}"},
    };
    check(rows);
    FakeFiles files("[log]\nlevel = info");
    files.variables = {{"NEUROND_SERVER_PROT", "1"}, {"NEUROND_LOG_LEVEL", "x"}};
    CHECK(
        messages(load({"t.conf",
                       {"server.port=x", "log.level", "nope.x=1", "downstream.x=1",
                        "downstream.x.a b=1", "log.lvl=info", "=", "server.=1"}},
                      files)) ==
        Words{"environment NEUROND_LOG_LEVEL: log.level: \"x\" is not known here, "
              "expected "
              "debug, info, warn or error",
              "environment NEUROND_SERVER_PROT: server.prot: unknown key, did you mean "
              "\"port\"?",
              "-D server.port: server.port: \"x\" is not a number, expected a number "
              "from 0 to 65535",
              "-D log.level: expected section.key=value or section.name.key=value",
              "-D nope.x: [nope]: unknown section, expected one of server, tls, "
              "listener, federation, downstream, policy, rule, client, limits, http, "
              "audit, "
              "metrics, alert, log, registration",
              "-D downstream.x: expected section.key=value or section.name.key=value",
              "-D downstream.x.a b: expected section.key=value or "
              "section.name.key=value",
              "-D log.lvl: log.lvl: unknown key, did you mean \"level\"?",
              "-D : expected section.key=value or section.name.key=value",
              "-D server.: expected section.key=value or section.name.key=value"});
}

TEST_CASE("a file that is not there is one error") {
    FakeFiles files;
    CHECK(messages(load({"x.conf", {}}, files)) ==
          Words{"x.conf: open x.conf: No such file or directory"});
}

TEST_CASE("secrets that everybody may read are refused") {
    const std::string text =
        "[policy]\ndefault_action = allow\n[downstream x]\ncommand = "
        "/bin/x\nenv.API_TOKEN = ";
    FakeFiles files;
    files.texts["/public"] = {"s", true};
    files.texts["/private"] = {"s", false};
    files.variables["T"] = "s";
    const auto loaded = [&](const std::string& value, bool world_readable) {
        files.texts["t.conf"] = {text + value, world_readable};
        const Words said = messages(load({"t.conf", {}}, files));
        return said.empty() ? std::string() : said[0];
    };
    const std::string where = "t.conf:5:1: downstream.x.env.API_TOKEN: a secret in ";
    const std::string fix =
        ", which everybody may read, expected mode 0640 or less, or "
        "${file:/PATH} of a file of mode 0640 or less";
    CHECK(loaded("abc", true) == where + "t.conf" + fix);
    CHECK(loaded("abc", false) == "");
    CHECK(loaded("\"Bearer ${file:/private}\"", true) == "");
    CHECK(loaded("${file:/public}", false) == where + "/public" + fix);
    CHECK(loaded("${env:T}", true) == "");
    CHECK(loaded("x\nargs = ${file:/public}", false) ==
          "t.conf:6:1: downstream.x.args: a secret in /public" + fix);
    CHECK(loaded("x\nargs = ${file:/private}", false) == "");
    CHECK(loaded("\"\"", true) == "");
    CHECK(loaded("***", true) == "");  // what a dump leaves of a secret
    files.texts["t.conf"] = {text + "abc", true};
    CHECK(load({"t.conf", {}}, files).diagnostics.to_string().find("abc") ==
          std::string::npos);
}

TEST_CASE("a secret within a value is refused as one that is the whole of it") {
    struct Row {
        const char* line;
        bool refused;
    };
    const Row rows[] = {
        {"env.DATABASE = pg://u:pass-word@h/x", true},
        {"env.DATABASE = pg://u:***@h/x", false},  // as a dump shows it
        {"env.DATABASE = pg://u@h/x", false},
        {"env.DATABASE = pg://u:${file:/private}@h/x", false},
        {"env.OTHER = ${env:API_TOKEN:-pass-word}", true},
        {"env.OTHER = ${env:API_TOKEN:-}", false},
        {"env.API_TOKEN = ${env:OTHER:-pass-word}", true},
        {"env.OTHER = ${env:PLAIN:-word}", false},
        {"env.OTHER = pg://u:${file:/private}@${env:HOST:-h}/x", false},
        {"env.OTHER = pg://u:pass-word@${env:SET}/x", true},
        {"args = --token=pass-word", true},
        {"args = --token pass-word", true},
        {"args = x --db pg://u:pass-word@h/x", true},
        {"args = --token\nargs = pass-word", true},
        {"args = --token *** --key=***", false},
        {"args = --token ${file:/private} --key=${file:/private}", false},
        {"args = --token-file=/srv/token --max-tokens 4096", false},
        {"args = --verbose --key=", false},
    };
    for (const Row& row : rows) {
        FakeFiles files("[policy]\ndefault_action = allow\n[downstream x]\n"
                        "command = /bin/x\n" + std::string(row.line));
        files.texts["/private"] = {"pass-word", false};
        files.variables["SET"] = "h";
        CAPTURE(row.line);
        CHECK(messages(load({"t.conf", {}}, files)) == Words{});
        files.texts["t.conf"].world_readable = true;
        const std::string told = load({"t.conf", {}}, files).diagnostics.to_string();
        CHECK((told.find("a secret in t.conf, which everybody may read") !=
               std::string::npos) == row.refused);
        CHECK(told.find("pass-word") == std::string::npos);
    }
}

TEST_CASE("what stands in a URL's query is refused, too") {
    FakeFiles files;
    const std::string text = "[policy]\ndefault_action = allow\n[downstream x]\nurl = ";
    files.texts["t.conf"] = {text + "http://127.0.0.1/?api_key=pass-word", true};
    CHECK(messages(load({"t.conf", {}}, files)).size() == 1);
    files.texts["t.conf"].text = text + "http://127.0.0.1/?api_key=***&x=1";
    CHECK(messages(load({"t.conf", {}}, files)).empty());
}

TEST_CASE("everybody may read the command line") {
    FakeFiles files("[policy]\ndefault_action = allow\n[downstream x]\ncommand = /bin/x\n");
    files.texts["/private"] = {"pass-word", false};
    CHECK(messages(load({"t.conf", {"downstream.x.env.TOKEN=pass-word"}}, files)) ==
          Words{"-D downstream.x.env.TOKEN: downstream.x.env.TOKEN: a secret in -D "
                "downstream.x.env.TOKEN, which everybody may read, expected "
                "${file:/PATH} of a file of mode 0640 or less"});
    CHECK(messages(load({"t.conf", {"downstream.x.env.TOKEN=${file:/private}"}}, files))
              .empty());
}

TEST_CASE("a policy that lets nothing through is worth a warning") {
    const LoadResult result = load_text("[downstream x]\ncommand = /bin/x\n");
    CHECK((result.config != nullptr));
    CHECK(result.diagnostics.to_string() ==
          "warning: [policy]: no rule allows anything: all calls will be denied\n");
}

TEST_CASE("five mistakes in one file are five errors, in their order") {
    const LoadResult result = load_text(
        "[server]\n"
        "port = 99999\n"
        "prot = 1\n"
        "[downstream a.b]\n"
        "command = npx\n"
        "args = \"open\n");
    CHECK((result.config == nullptr));
    const Words expected = {
        "t.conf:2:8: server.port: \"99999\" is out of range, expected a number from 0 "
        "to "
        "65535",
        "t.conf:3:1: server.prot: unknown key, did you mean \"port\"?",
        "t.conf:4:13: [downstream]: namespace cannot contain dots",
        "t.conf:5:11: downstream.a.b.command: stdio command must be absolute path: npx",
        "t.conf:6:8: downstream.a.b.args: the quote is not closed, expected a \" on "
        "this "
        "line"};
    CHECK(messages(result) == expected);
}
