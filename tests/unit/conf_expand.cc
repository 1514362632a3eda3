#include "neurond/conf/expand.h"

#include <doctest/doctest.h>

#include <string>

#include "conf_fake.h"
#include "exact.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

FakeFiles machine() {
    FakeFiles files;
    files.variables = {
        {"HOME", "/root"},           {"EMPTY", ""},
        {"DOLLAR", "${env:HOME}$$"}, {"API_TOKEN", "t0p"},
        {"BELL", "a\x07"},           {"LATIN", "\xfc"},
        {"LINES", "a\nb"},           {"CREDENTIALS_DIRECTORY", "/run/cred"}};
    files.texts["/etc/token"] = {"s3cret\n", false};
    files.texts["/etc/two"] = {"a\n\n", false};
    files.texts["/etc/public"] = {"x", true};
    files.texts["/etc/nul"] = {std::string("a\0b", 3), false};
    files.texts["/run/cred/db"] = {"pw", false};
    return files;
}

/// The text, or the error behind "!".
std::string expanded(std::string_view text) {
    FakeFiles files = machine();
    std::set<std::string> used;
    const Exact exact(text);
    auto result = expand(exact.view(), files, used);
    return result ? result->text : "!" + result.error().message;
}

struct Row {
    const char* text;
    const char* result;
};

}  // namespace

TEST_CASE("variables, files and credentials are put in their places") {
    const Row rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"${env:HOME}", "/root"},
        {"a${env:HOME}b${env:HOME}", "a/rootb/root"},
        {"${env:EMPTY}", ""},
        {"${env:NOPE:-fall back}", "fall back"},
        {"${env:EMPTY:-x}", "x"},  // as a shell has it: unset or empty
        {"${env:NOPE:-}", ""},
        {"${env:NOPE:-a:-b}", "a:-b"},
        {"${env:NOPE:-$$}", "$$"},  // once: a default is not looked into
        {"${env:HOME:-x}", "/root"},
        {"${env:DOLLAR}", "${env:HOME}$$"},  // once: nor is a value
        {"${env:LINES}", "a\nb"},
        {"$$", "$"},
        {"$$$$", "$$"},
        {"$${env:HOME}", "${env:HOME}"},
        {"Bearer ${file:/etc/token}", "Bearer s3cret"},
        {"${file:/etc/two}", "a\n"},  // one final newline is dropped
        {"${credential:db}", "pw"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(expanded(row.text) == row.result);
    }
}

TEST_CASE("what cannot be expanded says why") {
    const Row rows[] = {
        {"${env:NOPE}",
         "!${env:NOPE} is not set, expected the variable NOPE or a default "
         "as in ${env:NOPE:-value}"},
        {"${env:}", "!${env:} names no variable, expected ${env:NAME}"},
        {"${env:A B}", "!${env:A B} names no variable, expected ${env:NAME}"},
        {"${env:BELL}", "!${env:BELL} holds control bytes or invalid UTF-8"},
        {"${env:LATIN}", "!${env:LATIN} holds control bytes or invalid UTF-8"},
        {"${file:/nope}", "!open /nope: No such file or directory"},
        {"${file:etc/token}",
         "!${file:etc/token} has no absolute path, expected "
         "${file:/PATH}"},
        {"${file:/etc/nul}", "!read /etc/nul: it holds a NUL byte"},
        {"${credential:../x}",
         "!${credential:../x} names no credential, expected "
         "${credential:NAME}"},
        {"${credential:..}",
         "!${credential:..} names no credential, expected "
         "${credential:NAME}"},
        {"${credential:none}", "!open /run/cred/none: No such file or directory"},
        {"${HOME}",
         "!${HOME} is not known, expected ${env:NAME}, ${file:/PATH} or "
         "${credential:NAME}"},
        {"$HOME",
         "!a single $ means nothing, expected $$ for a dollar sign or "
         "${env:NAME}, ${file:/PATH} or ${credential:NAME}"},
        {"5$",
         "!a single $ means nothing, expected $$ for a dollar sign or "
         "${env:NAME}, ${file:/PATH} or ${credential:NAME}"},
        {"${env:HOME", "!${ is not closed, expected a }"},
        {"${", "!${ is not closed, expected a }"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(expanded(row.text) == row.result);
        for (std::string text = row.text; !text.empty(); text.pop_back()) {
            expanded(text);  // no prefix may harm
        }
    }
    FakeFiles none;
    std::set<std::string> used;
    CHECK(expand("${credential:db}", none, used).error().message ==
          "${credential:db} has no place, expected CREDENTIALS_DIRECTORY to be set by "
          "systemd");
}

TEST_CASE("an expansion remembers where its parts came from") {
    FakeFiles files = machine();
    std::set<std::string> used;
    auto plain = expand("a$$b", files, used);
    REQUIRE(plain);
    CHECK(plain->literal);
    CHECK_FALSE(plain->from_file);
    auto variable = expand("${env:HOME}", files, used);
    REQUIRE(variable);
    CHECK_FALSE(variable->literal);
    CHECK_FALSE(variable->secret_variable);
    auto secret = expand("x${env:API_TOKEN}", files, used);
    REQUIRE(secret);
    CHECK(secret->secret_variable);
    auto file = expand("${file:/etc/token}", files, used);
    REQUIRE(file);
    CHECK(file->from_file);
    CHECK(file->public_file.empty());
    auto open = expand("${file:/etc/public}", files, used);
    REQUIRE(open);
    CHECK(open->public_file == "/etc/public");
    CHECK(used == std::set<std::string>{"API_TOKEN", "HOME"});
}
