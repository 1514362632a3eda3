#include "neurond/conf/bundle.h"

#include <doctest/doctest.h>

#include <string>

#include "conf_fake.h"
#include "exact.h"
#include "neurond/conf/dump.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

FakeFiles machine() {
    FakeFiles files(
        "include = d/*.conf\n[downstream x]\ncommand = /bin/x\ncwd = /srv\nuser = nobody\n"
        "env.A = ${file:/secret}\nenv.B = ${env:B:-none}\nenv.C = ${env:C}\n");
    files.texts["d/1.conf"] = {"[server]\nport = 1\n", true};
    files.texts["d/2.conf"] = {"[policy]\ndefault_action = allow\n", false};
    files.texts["/secret"] = {"line\nline\xff\n", false};
    files.variables = {{"C", "see"}, {"NEUROND_LOG_LEVEL", "debug"}, {"OTHER", "x"}};
    return files;
}

const LoadOptions kOptions = {"t.conf", {"server.bind=::1", "audit.path=/a b"}};

}  // namespace

TEST_CASE("a bundle repeats a load without the machine") {
    FakeFiles files = machine();
    RecordingFiles recorder(files);
    const LoadResult first = load(kOptions, recorder);
    REQUIRE((first.config != nullptr));
    auto bundle = parse_bundle(recorder.serialize(kOptions));
    REQUIRE(bundle);
    const LoadResult second = load(bundle->options, bundle->files);
    CHECK(second.diagnostics.to_string() == "");
    REQUIRE((second.config != nullptr));
    CHECK(dump(*second.config) == dump(*first.config));
    CHECK(second.config->find("downstream", "x")->map("env")[0].second ==
          "line\nline\xff");
    CHECK(second.config->section("server").str("bind") == "::1");
    CHECK(second.config->section("log").str("level") == "debug");
}

TEST_CASE("a bundle repeats failures too") {
    FakeFiles files(
        "include = nope.conf\n[server]\nbind = ${env:NOPE}\n"
        "[downstream x]\ncommand = /nope\ncwd = /nope\n");
    RecordingFiles recorder(files);
    const LoadResult first = load(kOptions, recorder);
    CHECK(first.diagnostics.error_count() == 4);
    auto bundle = parse_bundle(recorder.serialize(kOptions));
    REQUIRE(bundle);
    const LoadResult second = load(bundle->options, bundle->files);
    CHECK(second.diagnostics.to_string() == first.diagnostics.to_string());
}

TEST_CASE("a replay knows nothing but what was recorded") {
    ReplayFiles files;
    CHECK_FALSE(files.read_config("/etc/passwd"));
    CHECK_FALSE(files.read_secret("/etc/passwd"));
    CHECK_FALSE(files.expand("/*"));
    CHECK_FALSE(files.variable("PATH"));
    CHECK(files.own_variables().empty());
    CHECK_FALSE(files.check_executable("/bin/sh"));
    CHECK_FALSE(files.check_directory("/"));
    CHECK_FALSE(files.check_group("staff"));
    CHECK_FALSE(files.check_user("nobody"));
    CHECK_FALSE(files.check_cgroup("pids"));
}

TEST_CASE(
    "a bundle that is cut or changed is refused or read, never believed blindly") {
    FakeFiles files = machine();
    RecordingFiles recorder(files);
    REQUIRE((load(kOptions, recorder).config != nullptr));
    const std::string text = recorder.serialize(kOptions);
    for (size_t n = 0; n < text.size(); ++n) {
        const Exact cut(std::string_view(text).substr(0, n));
        auto bundle = parse_bundle(cut.view());
        if (bundle) {  // cut between two records
            load(bundle->options, bundle->files);
        }
        std::string changed = text;
        changed[n] = static_cast<char>(changed[n] ^ 1);
        auto other = parse_bundle(Exact(changed).view());
        if (other) {
            load(other->options, other->files);
        }
    }
    for (const char* bad : {"", "x", "neurond bundle 2\n", "neurond bundle 1\n1 5\nab",
                            "neurond bundle 1\n2 1 99999999999999999999\na",
                            "neurond bundle 1\n-1\n", "neurond bundle 1\n0\n"}) {
        CHECK_FALSE(parse_bundle(bad));
    }
}
