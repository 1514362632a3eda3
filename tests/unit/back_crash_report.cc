#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "neurond/back/crash_report.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"

using namespace neuron;

namespace {

WallTime at(int64_t seconds) {
    return WallTime(std::chrono::seconds(seconds));
}

CrashFacts facts(ExitStatus status) {
    CrashFacts out;
    out.server = "redis";
    out.status = status;
    out.reason = status.to_string();
    out.uptime = Millis{1500};
    out.command = "/usr/bin/redis-mcp";
    out.args = {"--mode", "a \"b\""};
    out.time = at(1700000000);
    out.stderr_tail = {"first", "second"};
    return out;
}

/// A disk that only notes what it was told.
struct Notes {
    CrashReports::Disk disk() {
        return {[this](const std::string& path, const std::string&) {
                    written.push_back(path);
                },
                [this](const std::string& path) { removed.push_back(path); }};
    }
    std::vector<std::string> written;
    std::vector<std::string> removed;
};

struct Directory {
    Directory() { REQUIRE((::mkdtemp(path) != nullptr)); }
    ~Directory() { (void)!std::system(("rm -rf " + std::string(path)).c_str()); }
    char path[32] = "/tmp/neurond-unit-XXXXXX";
};

}  // namespace

TEST_CASE("a crash report says how, when and with which last words") {
    CHECK(crash_report_json(facts({3, 0})) ==
          R"({"server":"redis","exit_status":3,"signal":null,)"
          R"("reason":"exited with status 3","uptime_seconds":1.5,)"
          R"("command":"/usr/bin/redis-mcp","args":["--mode","a \"b\""],)"
          R"("timestamp":"2023-11-14T22:13:20.000Z","stderr":["first","second"]})"
          "\n");
    const std::string killed = crash_report_json(facts({0, 11}));
    CHECK(killed.find(R"("exit_status":null,"signal":11,)"
                      R"("reason":"killed by SIGSEGV")") != std::string::npos);
}

TEST_CASE("a crash report is bounded; the last lines matter most") {
    CrashFacts big = facts({1, 0});
    big.args.assign(1000, std::string(500, '"'));
    for (int n = 0; n < 50; ++n) {
        big.stderr_tail.push_back(std::string(1000, '\\') + std::to_string(n));
    }
    const std::string text = crash_report_json(big);
    CHECK(text.size() <= kMaxCrashReportBytes);
    CHECK(text.find("\\49\"]}") != std::string::npos);
}

TEST_CASE("only the newest crash reports stay") {
    Directory directory;
    const std::string dir = std::string(directory.path) + "/crashes";
    Notes notes;
    {
        CrashReports reports(dir, notes.disk());
        REQUIRE(reports.open());
        struct stat info {};
        REQUIRE(::stat(dir.c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0700);
    }
    for (const char* name :
         {"b-300.json", "a-100.json", "a-b-200.json", "other", "x-y.json"}) {
        REQUIRE(write_file_atomically(dir + "/" + name, "{}", 0600));
    }
    CrashReports reports(dir, notes.disk());
    REQUIRE(reports.open());
    CrashFacts crash = facts({1, 0});
    for (size_t n = 0; n < kMaxCrashReports; ++n) {
        crash.time = at(1000 + static_cast<int64_t>(n));
        reports.add(crash);
        reports.add(crash);  // within the same second
    }
    CHECK(notes.written.front() == dir + "/redis-1000.json");
    CHECK(notes.written.size() == 2 * kMaxCrashReports);
    const std::vector<std::string> oldest = {dir + "/a-100.json", dir + "/a-b-200.json",
                                             dir + "/b-300.json"};
    CHECK(notes.removed == oldest);
}
