#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "loop_world.h"
#include "mcp_scratch.h"
#include "neurond/back/alert_command.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/limits.h"

using namespace neuron;

namespace {

/// A program that tells in a file what it was given.
std::string program(Scratch& scratch, const std::string& script) {
    const std::string path = scratch.path("alert");
    std::ofstream(path) << "#!/bin/sh\n" << script;
    REQUIRE(::chmod(path.c_str(), 0700) == 0);
    return path;
}

std::string content(const std::string& path) {
    const Result<std::string> text = read_file(path, 4096);
    return text ? *text : std::string();
}

}  // namespace

TEST_CASE("the command is given name and reason, and nothing of ours") {
    Scratch scratch;
    World world;
    const std::string out = scratch.path("out");
    const std::string script =
        "read x; echo \"$1|$2|$NEUROND_DOWNSTREAM|$NEUROND_REASON|$HOME|$x\" >" + out;
    AlertCommand alert(world.loop, world.children, program(scratch, script));
    CHECK(alert.run("redis", "a $(touch /nonexistent) 'b'"));
    CHECK(world.until([&] { return alert.running() == 0; }));
    CHECK(content(out) ==
          "redis|a $(touch /nonexistent) 'b'|redis|a $(touch /nonexistent) 'b'||\n");
}

TEST_CASE("one a minute for each downstream, and not too many at a time") {
    Scratch scratch;
    World world;
    {
        AlertCommand alert(world.loop, world.children,
                           program(scratch, "exec sleep 1000"));
        CHECK(alert.run("a", "x"));
        CHECK_FALSE(alert.run("a", "x"));
        for (size_t n = 1; n < kAlertCommands; ++n) {
            CHECK(alert.run("b" + std::to_string(n), "x"));
        }
        CHECK_FALSE(alert.run("c", "x"));
        CHECK(alert.running() == kAlertCommands);
    }
    // Those that still ran have gone with it.
    CHECK(world.until([&] { return world.children.size() == 0; }));
}

TEST_CASE("without a command, or with one that cannot be run, nothing runs") {
    World world;
    CHECK_FALSE(AlertCommand(world.loop, world.children, "").run("a", "x"));
    CHECK_FALSE(AlertCommand(world.loop, world.children, "/nonexistent").run("a", "x"));
}
