#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "loop_world.h"
#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/text.h"
#include "neurond/loop/child.h"
#include "neurond/mcp/audit.h"
#include "neurond/mcp/audit_verifier.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_view.h"

using namespace neuron;
using Arguments = AuditSettings::Arguments;

namespace {

const WallTime kWhen{std::chrono::milliseconds(1795223045678)};

AuditRecord call_record() {
    AuditRecord record;
    record.event = "call";
    record.request_id = "r-1";
    record.client = "uid:1000";
    record.peer = "127.0.0.1:4711";
    record.method = "tools/call";
    record.tool = "linux.system.info";
    record.downstream = "linux";
    record.params = R"({"n":9007199254740993})";
    record.rule = "host";
    record.bytes_in = 120;
    return record;
}

AuditRecord result_record() {
    AuditRecord record = call_record();
    record.event = "result";
    record.result = "success";
    record.duration = Millis(34);
    record.bytes_out = 900;
    return record;
}

std::string line(const AuditRecord& record, Arguments arguments = Arguments::kFull) {
    return audit_line(record, arguments, kWhen) + "\n";
}

/// One record a line, and nothing else.
void check_one_json_line(const std::string& text) {
    REQUIRE_FALSE(text.empty());
    CHECK(text.find('\n') == text.size() - 1);
    CHECK(text.find('\r') == std::string::npos);
    JsonScanner scanner(64);
    CHECK(scanner.finish(text) == Scan::kDone);
}

/// A log with all it needs, into the file at `path`. Never syncs: that takes a helper.
class Log {
  public:
    explicit Log(std::string path)
        : children_(),
          writer_(loop_, children_, HelperRole::kWriter),
          log_(loop_, writer_,
               {std::move(path), Arguments::kFull, AuditSettings::Sync::kNo,
                Millis(60000), std::string(kEd25519KeyBytes, 'k')}) {}

    AuditLog& operator*() { return log_; }
    AuditLog* operator->() { return &log_; }
    /// Writes what was added; the error's errno, 0 when it went well.
    int write() {
        int calls = 0;
        int error = 0;
        log_.write([&](const Status& status) {
            ++calls;
            error = status ? 0 : status.error().sys;
        });
        CHECK(calls == 1);
        return error;
    }

  private:
    EventLoop loop_;
    Children children_;
    Helper writer_;
    AuditLog log_;
};

std::vector<std::string> lines_of(const std::string& path) {
    const Result<std::string> text = read_file(path, 1024 * 1024);
    REQUIRE(text);
    std::vector<std::string> out;
    for (const std::string_view part : split(*text, '\n')) {
        out.emplace_back(part);
    }
    CHECK(out.back().empty());  // the file ends in a line end
    out.pop_back();
    return out;
}

/// What an auditor finds wrong with these files; empty = nothing.
std::string faults_of(const std::vector<std::string>& paths) {
    AuditVerifier verifier(ed25519_public_key(std::string(kEd25519KeyBytes, 'k')));
    bool sound = true;
    for (const std::string& path : paths) {
        verifier.begin_file(path);
        for (const std::string& each : lines_of(path)) {
            sound = sound && verifier.line(each, true);
        }
    }
    sound = sound && verifier.finish();
    return sound ? "" : std::to_string(verifier.fault()->place.line) + ": " +
                            verifier.fault()->why;
}

/// Lets files grow to `bytes`, as a full disk would; returns what was allowed before.
rlimit limit_file_size(size_t bytes) {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit now = before;
    now.rlim_cur = bytes;
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
    return before;
}

}  // namespace

TEST_CASE("a call's record, field by field") {
    CHECK(
        line(call_record()) ==
        R"({"event":"call","timestamp":")" + to_rfc3339(kWhen) +
            R"(","request_id":"r-1","client":"uid:1000","peer":"127.0.0.1:4711",)"
            R"("method":"tools/call","tool":"linux.system.info","downstream":"linux",)"
            R"("params":{"n":9007199254740993},"decision":"allowed","rule":"host",)"
            R"("bytes_in":120})"
            "\n");
}

TEST_CASE("a result's record has what a call's cannot have, and not its arguments") {
    CHECK(
        line(result_record()) ==
        R"({"event":"result","timestamp":")" + to_rfc3339(kWhen) +
            R"(","request_id":"r-1","client":"uid:1000","peer":"127.0.0.1:4711",)"
            R"("method":"tools/call","tool":"linux.system.info","downstream":"linux",)"
            R"("decision":"allowed","rule":"host","result":"success","duration_ms":34,)"
            R"("bytes_in":120,"bytes_out":900})"
            "\n");
}

TEST_CASE("a refusal is complete in its one record") {
    AuditRecord record = call_record();
    record.allowed = false;
    record.result = "blocked";
    record.rule = "default";
    const std::string text = line(record);
    check_one_json_line(text);
    const JsonView view(text);
    CHECK(view.find("event").is_string("call"));
    CHECK(view.find("decision").is_string("denied"));
    CHECK(view.find("result").is_string("blocked"));
    CHECK(view.find("rule").is_string("default"));
    CHECK(view.find("duration_ms").as_int64() == 0);
    CHECK(view.find("params").raw() == record.params);
}

TEST_CASE("arguments are recorded as the bytes that came") {
    for (const char* params : {
             R"({})",
             R"({"n":9007199254740993,"m":123456789012345678901234567890,"z":-0})",
             R"({"price":1.10,"big":1E5,"b":1,"a":2})",  // digits and order stay
             R"({"s":"\u0041\/\n","t":"tab\t"})",        // escapes stay
             R"({"a" : [ 1 , 2 ] })",                    // blanks too
             R"({"o":{"x":1,"x":2}})",
         }) {
        CAPTURE(std::string(params));
        AuditRecord record = call_record();
        record.params = params;
        const std::string text = line(record);
        check_one_json_line(text);
        CHECK(JsonView(text).find("params").raw() == params);
    }
}

TEST_CASE("line breaks between tokens of the arguments do not break the line") {
    AuditRecord record = call_record();
    record.params = "{\r\n  \"a\": \"b\\n\",\n\t\"c\": 1.10\n}";
    const std::string text = line(record);
    check_one_json_line(text);
    CHECK(JsonView(text).find("params").raw() ==
          "{    \"a\": \"b\\n\", \t\"c\": 1.10 }");
}

TEST_CASE("arguments may be recorded as a hash or not at all") {
    AuditRecord record = call_record();
    const std::string hashed = line(record, Arguments::kHash);
    check_one_json_line(hashed);
    CHECK(JsonView(hashed).find("params").is_string("sha256:" +
                                                    hex_encode(sha256(record.params))));
    const std::string without = line(record, Arguments::kNone);
    CHECK_FALSE(JsonView(without).find("params").exists());
    CHECK(without.find("9007199254740993") == std::string::npos);
    record.params = {};
    CHECK_FALSE(JsonView(line(record)).find("params").exists());
}

TEST_CASE("no text of a client's ends a line or a string") {
    AuditRecord record = call_record();
    const std::string evil = "a\"b\\c\n{\"event\":\"x\"}\r\x01\x7f\xff\xc2\x85";
    record.request_id = evil;
    record.client = evil;
    record.peer = evil;
    record.tool = evil;
    const std::string text = line(record);
    check_one_json_line(text);
    CHECK(JsonView(text).find("event").is_string("call"));
    CHECK(JsonView(text).find("tool").is_string());
}

TEST_CASE("what is not known is left out") {
    AuditRecord record;
    record.event = "call";
    const std::string text = line(record);
    check_one_json_line(text);
    for (const char* key :
         {"request_id", "client", "peer", "method", "tool", "downstream", "params",
          "rule", "result", "duration_ms", "bytes_out"}) {
        CAPTURE(std::string(key));
        CHECK_FALSE(JsonView(text).find(key).exists());
    }
}

TEST_CASE("records of a turn are written together, in order, and appended") {
    Scratch scratch;
    const std::string path = scratch.path("audit.log");
    REQUIRE(write_file_atomically(path, "{\"old\":1}\n", 0640));
    Log log(path);
    REQUIRE(log->open());
    CHECK(log->enabled());
    log->add(call_record());
    log->add(result_record());
    CHECK(lines_of(path).size() == 2);  // the chain's start; nothing before write()
    CHECK(log.write() == 0);
    CHECK(log.write() == 0);  // nothing is new
    log->add(call_record());
    CHECK(log.write() == 0);
    const std::vector<std::string> lines = lines_of(path);
    REQUIRE(lines.size() == 5);
    CHECK(lines[0] == "{\"old\":1}");
    CHECK(JsonView(lines[1]).find("event").is_string("start"));
    CHECK(JsonView(lines[2]).find("event").is_string("call"));
    CHECK(JsonView(lines[3]).find("event").is_string("result"));
    CHECK(JsonView(lines[4]).find("event").is_string("call"));
}

TEST_CASE("a new audit file is nobody else's to read or write") {
    Scratch scratch;
    const std::string path = scratch.path("audit.log");
    Log log(path);
    REQUIRE(log->open());
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0137) == 0);
}

TEST_CASE("the path none writes nothing and always succeeds") {
    Log log("none");
    CHECK(log->open());
    CHECK_FALSE(log->enabled());
    log->add(call_record());
    CHECK(log.write() == 0);
    CHECK(::access("none", F_OK) != 0);
}

TEST_CASE("a full disk is an error every time, and nothing is kept for later") {
    Log log("/dev/full");
    REQUIRE(log->open());
    for (int i = 0; i < 3; ++i) {
        log->add(call_record());
        CHECK(log.write() == ENOSPC);
    }
    CHECK(log.write() == 0);  // nothing to write is no failure
}

TEST_CASE("without an open file every record fails") {
    Log log("/nonexistent-directory/audit.log");
    CHECK_FALSE(log->open());
    log->add(call_record());
    CHECK(log.write() != 0);
}

TEST_CASE("after a rename reopen makes a new file; on failure the old one stays") {
    Scratch scratch;
    const std::string path = scratch.path("audit.log");
    const std::string moved = scratch.path("audit.log.1");
    Log log(path);
    REQUIRE(log->open());
    log->add(call_record());
    CHECK(log.write() == 0);
    REQUIRE(::rename(path.c_str(), moved.c_str()) == 0);
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    CHECK_FALSE(log->reopen());
    log->add(call_record());
    CHECK(log.write() == 0);
    CHECK(lines_of(moved).size() == 4);  // start, call, checkpoint, call
    REQUIRE(::rmdir(path.c_str()) == 0);
    REQUIRE(log->reopen());
    log->add(call_record());
    CHECK(log.write() == 0);
    CHECK(lines_of(moved).size() == 5);
    CHECK(lines_of(path).size() == 1);
    CHECK(faults_of({moved, path}) == "");
}

TEST_CASE("a file that a crash left inside a line gets its line end first") {
    Scratch scratch;
    const std::string path = scratch.path("audit.log");
    REQUIRE(write_file_atomically(path, "{\"whole\":1}\n{\"torn\":", 0640));
    Log log(path);
    REQUIRE(log->open());
    for (int i = 0; i < 2; ++i) {
        log->add(call_record());
        CHECK(log.write() == 0);
    }
    const std::vector<std::string> lines = lines_of(path);
    REQUIRE(lines.size() == 5);
    CHECK(lines[1] == "{\"torn\":");
    check_one_json_line(lines[2] + "\n");
    check_one_json_line(lines[3] + "\n");
    CHECK(faults_of({path}) == "");
}

TEST_CASE(
    "a short write is a failure, and its torn line does not merge with the next") {
    Scratch scratch;
    const std::string path = scratch.path("fifo");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const Fd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(reader);
    const int room = ::fcntl(reader.get(), F_SETPIPE_SZ, 4096);
    REQUIRE(room > 0);
    Log log(path);
    REQUIRE(log->open());
    std::string got(static_cast<size_t>(room) * 2, '\0');
    const ssize_t start = ::read(reader.get(), got.data(), got.size());
    REQUIRE(start > 0);
    std::string all = got.substr(0, static_cast<size_t>(start));
    const std::string large =
        "{\"a\":\"" + std::string(static_cast<size_t>(room), 'x') + "\"}";
    AuditRecord record = call_record();
    record.params = large;
    log->add(record);
    CHECK(log.write() != 0);  // some of it went out
    log->add(call_record());
    CHECK(log.write() == EAGAIN);  // the pipe is full

    const ssize_t torn = ::read(reader.get(), got.data(), got.size());
    REQUIRE(torn > 0);
    const std::string text_of_torn = got.substr(0, static_cast<size_t>(torn));
    CHECK(text_of_torn.find('\n') == std::string::npos);
    log->add(call_record());
    CHECK(log.write() == 0);
    log->add(result_record());
    CHECK(log.write() == 0);
    const ssize_t n = ::read(reader.get(), got.data(), got.size());
    REQUIRE(n > 0);
    const std::string rest = got.substr(0, static_cast<size_t>(n));
    CHECK(rest.front() == '\n');
    const std::vector<std::string_view> lines = split(rest, '\n');
    REQUIRE(lines.size() == 4);  // the end of the torn line, two records, the end
    CHECK(JsonView(lines[1]).find("event").is_string("call"));
    CHECK(JsonView(lines[2]).find("event").is_string("result"));
    CHECK(lines[3].empty());
    CHECK(JsonView(lines[1]).find("lost").as_int64() == 2);
    all += text_of_torn + rest;
    REQUIRE(write_file_atomically(scratch.path("all"), all, 0600));
    CHECK(faults_of({scratch.path("all")}) == "");
}

TEST_CASE("what a failure loses is told by the next record, and the chain holds") {
    // a disk with room for n bytes more, for every n that cuts one of three lines
    for (size_t room = 0; room < 1400; room += 7) {
        CAPTURE(room);
        Scratch scratch;
        const std::string path = scratch.path("audit.log");
        Log log(path);
        REQUIRE(log->open());
        log->add(call_record());
        CHECK(log.write() == 0);
        struct stat about {};
        REQUIRE(::stat(path.c_str(), &about) == 0);
        const rlimit full = limit_file_size(static_cast<size_t>(about.st_size) + room);
        for (int i = 0; i < 3; ++i) {
            log->add(call_record());
            log->add(result_record());
            log->add(call_record());
            (void)log.write();
        }
        ::setrlimit(RLIMIT_FSIZE, &full);
        log->add(call_record());
        CHECK(log.write() == 0);
        log->close();
        CHECK(faults_of({path}) == "");
    }
}

TEST_CASE(
    "with sync = batch records are forced to the medium a little later, together") {
    World world;
    Scratch scratch;
    {
        Helper writer(world.loop, world.children, HelperRole::kWriter);
        AuditLog log(
            world.loop, writer,
            {scratch.path("audit.log"), Arguments::kFull, AuditSettings::Sync::kBatch,
             Millis(60000), std::string(kEd25519KeyBytes, 'k')});
        REQUIRE(log.open());
        const TimePoint begin = world.loop.now();
        int done = 0;
        for (int i = 0; i < 3; ++i) {
            log.add(call_record());
            log.write([&done](const Status& status) { done += status ? 1 : 0; });
        }
        CHECK(done == 3);          // nobody waits for it
        CHECK(writer.pid() == 0);  // and nothing is asked yet
        CHECK(world.until([&] { return writer.pid() != 0; }));
        CHECK(world.loop.now() - begin >= Millis{100});
        CHECK(writer.in_hand() == 1);  // one for all three
        CHECK(world.until([&] { return writer.in_hand() == 0; }));
    }
    CHECK(world.until([&] { return world.children.size() == 0; }));
}
