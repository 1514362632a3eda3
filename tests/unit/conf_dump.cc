#include "neurond/conf/dump.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "conf_fake.h"
#include "neurond/conf/value.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

std::string dump_of(FakeFiles& files, const LoadOptions& options) {
    const LoadResult result = load(options, files);
    CAPTURE(result.diagnostics.to_string());
    REQUIRE((result.config != nullptr));
    return dump(*result.config);
}

/// The dump, which must also be the dump of itself: on another machine, and even if its
/// text may be read by everybody.
std::string fixed_dump(FakeFiles& files, const LoadOptions& options = {"t.conf", {}}) {
    const std::string first = dump_of(files, options);
    FakeFiles elsewhere;
    elsewhere.texts["other.conf"] = {first, true};
    CHECK(dump_of(elsewhere, {"other.conf", {}}) == first);
    return first;
}

bool has_line(const std::string& text, const std::string& line) {
    return ('\n' + text).find('\n' + line + '\n') != std::string::npos;
}

}  // namespace

TEST_CASE("a dump shows every key with its origin") {
    FakeFiles files("[server]\nport=9\nserve = mcp\nserve = \\\n health # x\n");
    files.variables["NEUROND_LOG_LEVEL"] = "debug";
    const std::string text =
        fixed_dump(files, {"t.conf", {"audit.path=none", "server.serve= mcp metrics"}});
    CHECK(has_line(text, "[server]"));
    CHECK(has_line(text, "bind = 127.0.0.1 #= default"));
    CHECK(has_line(text, "port = 9 #= t.conf:2"));
    CHECK(has_line(text, "serve = mcp metrics #= -D"));
    CHECK(has_line(text, "level = debug #= environment NEUROND_LOG_LEVEL"));
    CHECK(has_line(text, "path = none #= -D"));
    CHECK(has_line(text, "state_dir = \"\" #= default"));
    CHECK(has_line(text, "allowed_hosts = #= default"));
    for (const SectionSpec& section : sections()) {
        for (const KeySpec& key : section) {
            if (!section.has_label()) {
                CHECK(text.find(std::string("\n") + key.key + " =") !=
                      std::string::npos);
            }
        }
    }
}

TEST_CASE("what needs a restart is in force as it was at the start") {
    FakeFiles before("[server]\nstate_dir = /one\ndrain_timeout = 1s\n");
    FakeFiles after("[server]\nstate_dir = /two\ndrain_timeout = 2s\n");
    const LoadResult started = load({"t.conf", {}}, before);
    const LoadResult now = load({"t.conf", {}}, after);
    REQUIRE((started.config && now.config));
    const std::string text = dump(settings_in_force(*now.config, *started.config));
    CHECK(has_line(text, "state_dir = /one #= t.conf:2"));
    CHECK(has_line(text, "drain_timeout = 2s #= t.conf:3"));
}

TEST_CASE("values are written in their canonical form") {
    FakeFiles files(
        "[limits]\nmessage_max = 2048\nidle_timeout = 60000ms\n"
        "[downstream x]\ncommand = /bin/x\nargs = a \"b c\" --x=\"d e\" \"\" $$HOME\n"
        "args = more\nenv.A = two  words\ntimeout.z* = 120s\nidle_stop = 0s\n"
        "[rule r]\neffect = allow\ntools = x.*\ndescription = \"\"\n");
    const std::string text = fixed_dump(files);
    CHECK(has_line(text, "message_max = 2k #= t.conf:2"));
    CHECK(has_line(text, "idle_timeout = 1m #= t.conf:3"));
    CHECK(has_line(
        text, "args = a \"b c\" \"--x=d e\" \"\" $$HOME more #= t.conf:6, t.conf:7"));
    CHECK(has_line(text, "env.A = \"two  words\" #= t.conf:8"));
    CHECK(has_line(text, "timeout.z* = 2m #= t.conf:9"));
    CHECK(has_line(text, "idle_stop = never #= t.conf:10"));
    CHECK(has_line(text, "[rule r]"));
}

TEST_CASE("secrets are masked, by name and by where they come from") {
    FakeFiles files(
        "[downstream x]\ncommand = /bin/x\n"
        "args = --token ${file:/secret} ${env:DB_PASSWORD} ${env:PLAIN} plain\n"
        "env.API_TOKEN = ${env:PLAIN}\nenv.URL = http://u:${credential:c}@h/\n"
        "env.PLAIN = ${env:PLAIN}\nenv.my_Secret = literal\n"
        "[rule r]\neffect = allow\ntools = ${file:/pattern}\n");
    files.texts["/secret"] = {"hush", false};
    files.texts["/pattern"] = {"x.*\n", false};
    files.texts["/cred/c"] = {"hush", false};
    files.variables = {
        {"DB_PASSWORD", "hush"}, {"PLAIN", "seen"}, {"CREDENTIALS_DIRECTORY", "/cred"}};
    const std::string text = fixed_dump(files);
    CHECK(text.find("hush") == std::string::npos);
    CHECK(text.find("literal") == std::string::npos);
    CHECK(has_line(text, "args = --token *** *** seen plain #= t.conf:3"));
    CHECK(has_line(text, "env.API_TOKEN = *** #= t.conf:4"));
    CHECK(has_line(text, "env.URL = *** #= t.conf:5"));
    CHECK(has_line(text, "env.PLAIN = seen #= t.conf:6"));
    CHECK(has_line(text, "env.my_Secret = *** #= t.conf:7"));
    // A masked pattern would mean another one when it is read again.
    CHECK(has_line(text, "tools = x.* #= t.conf:10"));
}

TEST_CASE("sections are dumped in one order, those with names as they appeared") {
    FakeFiles files(
        "[rule z]\neffect=deny\ntools=*\n[downstream b]\ncommand=/bin/b\n[log]\n"
        "[downstream a]\ncommand=/bin/a\n[rule y]\neffect=deny\ntools=*\n");
    const std::string text = fixed_dump(files);
    size_t at = 0;
    for (const char* header :
         {"[server]", "[federation]", "[downstream b]", "[downstream a]", "[policy]",
          "[rule z]", "[rule y]", "[limits]", "[http]", "[audit]", "[log]"}) {
        CAPTURE(header);
        const size_t found = text.find(header);
        REQUIRE(found != std::string::npos);
        CHECK(found >= at);
        at = found;
    }
}

TEST_CASE("a key that was dumped as a default still counts as unset") {
    FakeFiles files("");
    FakeFiles again(dump_of(files, {"t.conf", {}}));
    const LoadResult result = load({"t.conf", {}}, again);
    REQUIRE((result.config != nullptr));
    CHECK_FALSE(result.config->section("server").is_set("port"));
    CHECK_FALSE(result.config->section("server").is_set("state_dir"));
}

TEST_CASE("a dump is a fixed point, whatever the strings hold") {
    std::mt19937 random(20260728);
    const std::string alphabet[] = {"a",  "B", "9",   " ",  "\t", "\"",
                                    "\\", "#", "=",   "$$", "[",  "]",
                                    "*",  "-", "#= ", ".",  "\n", "\xC3\xBC"};
    const auto pick = [&random](size_t n) { return random() % n; };
    const auto text = [&](size_t longest) {
        std::string out;
        for (size_t n = pick(longest + 1); n > 0; --n) {
            out += alphabet[pick(std::size(alphabet))];
        }
        return out;
    };
    const auto quoted = [](std::string plain) {
        std::string out = "\"";
        for (const char c : plain) {
            out += c == '"' || c == '\\' ? std::string{'\\', c}
                   : c == '\n'           ? "\\n"
                                         : std::string{c};
        }
        return out + '"';
    };
    for (int round = 0; round < 300; ++round) {
        std::string config = "[policy]\ndefault_action = allow\n";
        for (size_t d = pick(4); d > 0; --d) {
            config += "[downstream n" + std::to_string(d) + "]\ncommand = /bin/x\n";
            for (size_t i = pick(4); i > 0; --i) {
                config += "env.V" + std::to_string(i) + " = " + quoted(text(12)) + '\n';
                config += "args = " + quoted(text(8)) + ' ' + quoted(text(8)) + '\n';
            }
            config += "call_timeout = " + std::to_string(1 + pick(500000)) + "ms\n";
        }
        config +=
            "[limits]\nmessage_max = " + std::to_string(1024 + pick(1 << 20)) + '\n';
        CAPTURE(config);
        FakeFiles files(config);
        fixed_dump(files);
    }
}

TEST_CASE("for the log: a line a section, with what is set there, secrets masked") {
    FakeFiles files("[server]\nport = 9\nbind = ::1\n[downstream a]\ncommand = self\n"
                    "env.API_KEY = abcdefgh\nargs = \"a b\" --token abcdefgh\n");
    const LoadResult result = load({"t.conf", {}}, files);
    REQUIRE((result.config != nullptr));
    const std::vector<std::string> lines = settings_in_lines(*result.config, false);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "[server] bind = ::1; port = 9");
    CHECK(lines[1] == "[downstream a] command = self; args = \"a b\" --token ***; "
                      "env.API_KEY = ***");
    CHECK(settings_in_lines(*result.config, true).size() > 10);
}
