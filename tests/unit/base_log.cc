#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "neurond/base/atomic_file.h"
#include "neurond/base/fd.h"
#include "neurond/base/limits.h"
#include "neurond/base/log.h"

using namespace neuron;

namespace {

/// Takes the place of stderr, and of the logger's settings, for one test.
class Capture {
  public:
    Capture(LogLevel level, LogFormat format) : real_(::dup(STDERR_FILENO)) {
        int ends[2] = {-1, -1};
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        out_.reset(ends[0]);
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
        ::dup2(ends[1], STDERR_FILENO);
        Fd(ends[1]).reset();
        log_configure(level, format);
    }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture() {
        ::dup2(real_.get(), STDERR_FILENO);
        ::unsetenv("JOURNAL_STREAM");
        log_configure(LogLevel::kInfo, LogFormat::kText);
    }

    /// All that was written since the last call.
    std::string text() {
        std::string all;
        char chunk[65536];
        for (;;) {
            const ssize_t n = ::read(out_.get(), chunk, sizeof chunk);
            if (n <= 0) {
                return all;
            }
            all.append(chunk, static_cast<size_t>(n));
        }
    }
    /// The same behind the time stamp of a single line of text.
    std::string after_time() {
        const std::string line = text();
        return line.substr(
            std::min(line.size(), std::string("2026-11-21T01:02:03.456Z ").size()));
    }

  private:
    Fd real_;
    Fd out_;
};

size_t count_of(std::string_view text, std::string_view part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("a line of text has time, level, module and message") {
    Capture capture(LogLevel::kDebug, LogFormat::kText);
    log_info("supervisor", "%s: healthy (%d tools)", "redis", 12);
    const std::string line = capture.text();
    REQUIRE(line.size() > 25);
    CHECK(line[10] == 'T');
    CHECK(line.substr(23, 2) == "Z ");
    CHECK(line.substr(25) == "info supervisor: redis: healthy (12 tools)\n");
    log_debug("a", "x");
    CHECK(capture.after_time() == "debug a: x\n");
    log_warn("a", "x");
    CHECK(capture.after_time() == "warn a: x\n");
    log_error("a", "x");
    CHECK(capture.after_time() == "error a: x\n");
}

TEST_CASE("what is below the level is not written, nor are its arguments evaluated") {
    Capture capture(LogLevel::kWarn, LogFormat::kText);
    int evaluated = 0;
    log_info("a", "%d", ++evaluated);
    log_child_line("redis", "hello");
    CHECK(capture.text().empty());
    CHECK(evaluated == 0);
    CHECK_FALSE(log_enabled(LogLevel::kInfo));
    CHECK(log_enabled(LogLevel::kError));
}

TEST_CASE("a line of JSON is an object of the same fields") {
    Capture capture(LogLevel::kInfo, LogFormat::kJson);
    log_warn("conf", "say \"hi\"\\ \x01 %s", "\xc3\xbc\xff");
    const std::string line = capture.text();
    CHECK(line.rfind("{\"timestamp\":\"20", 0) == 0);
    CHECK(line.substr(line.find("\",\"level\"")) ==
          "\",\"level\":\"warn\",\"module\":\"conf\","
          "\"message\":\"say \\\"hi\\\"\\\\ \\u0001 \xc3\xbc\xef\xbf\xbd\"}\n");
}

TEST_CASE("an event of several facts is a member each in JSON, and one text otherwise") {
    const std::vector<LogField> fields = {{"id", "a\"b"}, {"ms", "1.5", true}};
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    log_fields(LogLevel::kInfo, "request", "call x ms=1.5 [req=a\"b]", "call x", fields);
    CHECK(capture.after_time() == "info request: call x ms=1.5 [req=a\"b]\n");
    log_configure(LogLevel::kInfo, LogFormat::kJson);
    log_fields(LogLevel::kInfo, "request", "call x ms=1.5 [req=a\"b]", "call x", fields);
    const std::string line = capture.text();
    CHECK(line.substr(line.find("\"message\"")) ==
          "\"message\":\"call x\",\"id\":\"a\\\"b\",\"ms\":1.5}\n");
}

TEST_CASE("a fact that has no room is left out, and the line is still an object") {
    Capture capture(LogLevel::kInfo, LogFormat::kJson);
    const std::string large(kMaxLogLineBytes, 'x');
    log_fields(LogLevel::kInfo, "a", "t", "m", {{"why", large}, {"n", "1", true}});
    const std::string line = capture.text();
    CHECK(line.substr(line.find("\"message\"")) == "\"message\":\"m\",\"n\":1}\n");
}

TEST_CASE("a child's line names its server") {
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    log_child_line("redis", "starting");
    CHECK(capture.after_time() == "info stderr: redis: starting\n");
    log_configure(LogLevel::kInfo, LogFormat::kJson);
    log_child_line("redis", "100 %s");
    const std::string line = capture.text();
    CHECK(line.substr(line.find("\"level\"")) ==
          "\"level\":\"info\",\"module\":\"stderr\",\"server\":\"redis\","
          "\"stream\":\"stderr\",\"message\":\"100 %s\"}\n");
}

TEST_CASE("an event stays on one line even if nobody escaped it") {
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    log_info("a", "x\ny\x1b[31m");
    CHECK(capture.after_time() == "info a: x y [31m\n");
}

TEST_CASE("a long line is cut to what a pipe takes whole") {
    for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
        Capture capture(LogLevel::kInfo, format);
        log_info("a", "%s", std::string(10000, '"').c_str());
        const std::string line = capture.text();
        CHECK(line.size() <= kMaxLogLineBytes);
        CHECK(line.size() > kMaxLogLineBytes - 16);
        CHECK(line.find(format == LogFormat::kJson ? "...\"}\n" : "...\n") !=
              std::string::npos);
    }
}

TEST_CASE("a message of exactly the room that is left is not cut") {
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    const size_t around = std::string("2026-11-21T01:02:03.456Z info a: \n").size();
    const std::string message(kMaxLogLineBytes - around, 'x');
    log_info("a", "%s", message.c_str());
    CHECK((capture.after_time() == "info a: " + message + "\n"));
}

TEST_CASE("errno survives a log call") {
    const Capture capture(LogLevel::kInfo, LogFormat::kText);
    errno = ENOENT;
    log_info("a", "x");
    CHECK(errno == ENOENT);
}

TEST_CASE("under the journal a line begins with its priority") {
    Capture capture(LogLevel::kDebug, LogFormat::kText);
    struct stat about = {};
    REQUIRE(::fstat(STDERR_FILENO, &about) == 0);
    const std::string stream =
        std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino);
    ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
    log_configure(LogLevel::kDebug, LogFormat::kText);
    log_error("a", "x");
    CHECK(capture.text().rfind("<3>2", 0) == 0);
    log_configure(LogLevel::kDebug, LogFormat::kJson);
    log_debug("a", "x");
    CHECK(capture.text().rfind("<7>{", 0) == 0);
    ::setenv("JOURNAL_STREAM", "1:1", 1);  // inherited, but stderr is another file
    log_configure(LogLevel::kDebug, LogFormat::kText);
    log_error("a", "x");
    CHECK(capture.text().rfind("2", 0) == 0);
}

TEST_CASE("a full pipe loses lines, blocks nobody, and the loss is told") {
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    const uint64_t before = log_dropped_lines();
    for (int i = 0; i < 3000; ++i) {
        log_info("a", "%0100d", i);
    }
    const uint64_t lost = log_dropped_lines() - before;
    CHECK(lost > 0);
    const std::string taken = capture.text();
    CHECK(taken.back() == '\n');  // no half line
    CHECK(static_cast<uint64_t>(std::count(taken.begin(), taken.end(), '\n')) + lost ==
          3000);
    log_info("a", "after");
    const std::string rest = capture.text();
    CHECK(rest.find("warn log: " + std::to_string(lost) + " lines lost") !=
          std::string::npos);
    CHECK(rest.find("info a: after\n") != std::string::npos);
    log_info("a", "again");
    CHECK(capture.after_time() == "info a: again\n");  // told once
}

TEST_CASE("a log in a file is appended to, and opened anew by its name") {
    char directory[] = "/tmp/neurond-unit-XXXXXX";
    REQUIRE(::mkdtemp(directory) != nullptr);
    const std::string path = std::string(directory) + "/log";
    const std::string moved = path + ".1";
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    REQUIRE(log_open({LogTarget::Kind::kFile, path, {}}));
    log_info("m", "one");
    ::rename(path.c_str(), moved.c_str());
    log_info("m", "two");
    REQUIRE(log_reopen());
    log_info("m", "three");
    CHECK(read_file(moved, 10000)->find("info m: two\n") != std::string::npos);
    CHECK(read_file(path, 10000)->find("info m: three\n") != std::string::npos);
    CHECK(capture.text().empty());
    CHECK_FALSE(log_open({LogTarget::Kind::kFile, "/nowhere/log", {}}));
    log_info("m", "four");  // the old one stays
    CHECK(read_file(path, 10000)->find("info m: four\n") != std::string::npos);
    REQUIRE(log_open({}));
    ::unlink(path.c_str());
    ::unlink(moved.c_str());
    ::rmdir(directory);
}

TEST_CASE("errors are echoed to stderr while somebody waits for the start") {
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    REQUIRE(log_open({LogTarget::Kind::kFile, "/dev/null", {}}));
    log_echo_errors(true);
    log_info("m", "quiet");
    log_error("m", "loud");
    log_echo_errors(false);
    log_error("m", "later");
    REQUIRE(log_open({}));
    CHECK(capture.after_time() == "error m: loud\n");
}

TEST_CASE("lines that do not fit into a file are counted, with the reason") {
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    const uint64_t before = log_dropped_lines();
    REQUIRE(log_open({LogTarget::Kind::kFile, "/dev/full", {}}));
    log_info("m", "lost");
    REQUIRE(log_open({}));
    log_info("m", "back");
    CHECK(log_dropped_lines() == before + 1);
    CHECK(capture.text().find("1 lines lost, No space left on device") !=
          std::string::npos);
}

TEST_CASE("a line that repeats itself is withheld and counted") {
    Capture capture(LogLevel::kInfo, LogFormat::kText);
    for (size_t i = 0; i < kMaxSameLines + 7; ++i) {
        log_warn("m", "again and again");
    }
    log_child_line("a", "again and again");
    log_flush();
    const std::string text = capture.text();
    CHECK(count_of(text, "warn m: again and again\n") == kMaxSameLines);
    CHECK(count_of(text, "warn log: 7 more of: m: again and again\n") == 1);
    CHECK(count_of(text, "info stderr: a: again and again\n") == 1);
}
