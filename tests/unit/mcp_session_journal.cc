// The file of the session records: written at once, read by the next reactor, and never
// much larger than what it says.

#include "neurond/mcp/session_journal.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <optional>

#include "helper_main.h"
#include "loop_world.h"
#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"

using namespace neuron;

namespace {

const bool kIsHelperToo = [] {
    helper_main = run_helper;
    return true;
}();

constexpr std::chrono::seconds kNow{4000000000};  // young in any year of these tests

/// A reactor's part in it.
struct Life {
    explicit Life(const std::string& path)
        : writer(std::in_place, world.loop, world.children, HelperRole::kWriter),
          journal(world.loop, *writer, path, records) {}
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    ~Life() {
        writer.reset();
        CHECK(world.until([this] { return world.children.size() == 0; }));
    }

    World world;
    SessionRecords records;
    std::optional<Helper> writer;
    SessionJournal journal;
};

std::string content(const std::string& path) {
    return *read_file(path, 64 * 1024 * 1024);
}

}  // namespace

TEST_CASE("what changed in a turn is in the file at its end, for whoever comes next") {
    Scratch scratch;
    const std::string path = scratch.path("sessions");
    {
        Life life(path);
        REQUIRE(life.journal.open());
        life.records.end("one", kNow);
        life.records.set_level("two", kNow, MessageLevel::kError);
        life.world.loop.turn(Millis{0});
        CHECK(content(path) == life.records.text());
        const auto asked = [&life] { return life.writer->in_hand() == 1; };
        CHECK(turn_until(life.world.loop, asked));  // to force it to the medium
        CHECK(turn_until(life.world.loop, [&] { return life.writer->in_hand() == 0; }));
    }
    Life next(path);
    REQUIRE(next.journal.open());
    CHECK(next.records.find("one")->ended);
    CHECK(next.records.find("two")->level == MessageLevel::kError);
    next.records.end("two", kNow);
    next.world.loop.turn(Millis{0});
    Life last(path);
    REQUIRE(last.journal.open());
    CHECK(last.records.find("one")->ended);
    CHECK(last.records.find("two")->ended);
}

TEST_CASE("a line that a dying reactor left half is gone, a damaged file is an error") {
    Scratch scratch;
    const std::string path = scratch.path("sessions");
    SessionRecords one;
    one.end("one", kNow);
    REQUIRE(write_file_atomically(path, one.text() + "ended abc", 0600));
    {
        Life life(path);
        REQUIRE(life.journal.open());
        CHECK(content(path) == one.text());
        life.records.end("two", kNow);
        life.world.loop.turn(Millis{0});
    }
    {
        Life life(path);
        REQUIRE(life.journal.open());
        CHECK(life.records.find("one")->ended);
        CHECK(life.records.find("two")->ended);
    }
    REQUIRE(write_file_atomically(path, "ended abc\n" + one.text(), 0600));
    Life life(path);
    const Status opened = life.journal.open();
    REQUIRE(!opened);
    CHECK(opened.error().message.find("read " + path + ": line 1: expected") == 0);
}

TEST_CASE("the file is rewritten when most of it is out of date, and nothing is lost") {
    Scratch scratch;
    const std::string path = scratch.path("sessions");
    {
        Life life(path);
        REQUIRE(life.journal.open());
        const std::string uri(10000, 'u');
        size_t largest = 0;
        for (int i = 0; i < 400; ++i) {
            life.records.set_subscribed("one", kNow, uri, i % 2 == 0);
            life.records.end("ended " + std::to_string(i), kNow);
            life.world.loop.turn(Millis{0});
            largest = std::max(largest, content(path).size());
        }
        const auto is_small = [&path] { return content(path).size() < 1200 * 1024; };
        CHECK(largest > 1024 * 1024);
        CHECK(turn_until(life.world.loop, is_small));
        CHECK(turn_until(life.world.loop, [&] { return life.writer->in_hand() == 0; }));
    }
    Life next(path);
    REQUIRE(next.journal.open());
    CHECK(next.records.find("one")->resources.empty());
    for (int i = 0; i < 400; ++i) {
        CHECK(next.records.find("ended " + std::to_string(i)) != nullptr);
    }
}

TEST_CASE("on a full disk no line is cut in the middle of the file") {
    Scratch scratch;
    const std::string path = scratch.path("sessions");
    Life life(path);
    REQUIRE(life.journal.open());
    life.records.end("one", kNow);
    life.world.loop.turn(Millis{0});
    const std::string before = content(path);
    rlimit old{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    const rlimit full{before.size() + 10, old.rlim_max};
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
    life.records.end("two", kNow);
    life.world.loop.turn(Millis{0});
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK(content(path) == before);
    life.records.end("three", kNow);
    life.world.loop.turn(Millis{0});
    Life next(path);
    REQUIRE(next.journal.open());
    CHECK(next.records.find("one") != nullptr);
    CHECK(next.records.find("three") != nullptr);
}
