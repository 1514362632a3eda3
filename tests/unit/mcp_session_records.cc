// What is written down of sessions, and what a later reactor makes of it.

#include "neurond/mcp/session_records.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "neurond/base/limits.h"

using namespace neuron;
using std::chrono::seconds;

namespace {

constexpr seconds kThen{1000};

/// What was written down, read again.
SessionRecords again(const std::string& text, seconds oldest = seconds(0)) {
    SessionRecords records;
    REQUIRE(records.read(text, oldest));
    return records;
}

}  // namespace

TEST_CASE("each change is a line, and all lines tell the same as the text") {
    SessionRecords records;
    std::string lines;
    records.set_write([&lines](std::string_view line) { lines += line; });
    records.set_level("one", kThen, MessageLevel::kDebug);
    records.set_level("one", kThen, MessageLevel::kAlert);
    records.set_level("one", kThen, MessageLevel::kAlert);  // no change
    records.set_subscribed("one", kThen, "a:\n\"b c\"", true);
    records.set_subscribed("one", kThen, "mem:///b", true);
    records.set_subscribed("one", kThen, "mem:///b", true);
    records.set_subscribed("one", kThen, "mem:///b", false);
    records.set_subscribed("one", kThen, "never", false);
    records.set_used("one", kThen, seconds(2000));
    records.set_level("two", kThen, MessageLevel::kInfo);
    records.set_level("two", kThen, std::nullopt);
    records.end("three", kThen);
    records.end("three", kThen);
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 9);
    CHECK(lines.find("three") == lines.npos);  // ids are secrets
    for (const std::string& text : {lines, records.text()}) {
        const SessionRecords read = again(text);
        const SessionRecords::Record* one = read.find("one");
        REQUIRE(one != nullptr);
        CHECK(one->created == kThen);
        CHECK(one->used == seconds(2000));
        CHECK(!one->ended);
        CHECK(one->level == MessageLevel::kAlert);
        CHECK(one->resources == std::set<std::string>{"a:\n\"b c\""});
        CHECK((read.find("two") == nullptr || !read.find("two")->level));
        REQUIRE(read.find("three") != nullptr);
        CHECK(read.find("three")->ended);
        CHECK(read.find("four") == nullptr);
    }
}

TEST_CASE("what has ended wants nothing any more") {
    SessionRecords records;
    records.set_level("one", kThen, MessageLevel::kDebug);
    records.set_subscribed("one", kThen, "mem:///a", true);
    records.end("one", kThen);
    CHECK(again(records.text()).find("one")->resources.empty());
    CHECK(!again(records.text()).find("one")->level);
}

TEST_CASE("sessions whose ids mean nothing any more are forgotten") {
    SessionRecords records;
    records.end("old", seconds(10));
    records.set_level("old too", seconds(10), MessageLevel::kInfo);
    records.set_used("old as well", seconds(10), seconds(500));
    records.set_subscribed("also", seconds(10), "mem:///a", true);
    records.end("young", seconds(11));
    const SessionRecords read = again(records.text(), seconds(11));
    for (const char* token : {"old", "old too", "old as well", "also"}) {
        CHECK(read.find(token) == nullptr);
    }
    CHECK(read.find("young") != nullptr);
}

TEST_CASE("a line that was cut off is none, one that makes no sense is an error") {
    SessionRecords records;
    records.end("one", kThen);
    const std::string line = records.text();
    for (size_t cut = 0; cut < line.size(); ++cut) {
        CHECK(again(line.substr(0, cut)).find("one") == nullptr);
        CHECK(again(line + line.substr(0, cut)).find("one") != nullptr);
    }
    const std::string key(32, 'a');
    for (const std::string& bad : {
             std::string("\n"),                               // an empty line
             std::string("ended\n"),                          // no key
             "ended " + key + "\n",                           // no time
             "ended " + key + " -1\n",                        // not a time
             std::string("ended aa 1\n"),                     // not a key
             "started " + key + " 1\n",                       // no such thing
             "level " + key + " 1 loud\n",                    // no such level
             "used " + key + " 1 now\n",                      // not a time
             "subscribed " + key + " 1 mem:///a\n",           // not a string
             "subscribed " + key + " 1\n",                    // no URI
             "written " + key + " 1 \"mem:///a\"\n",          // no such thing
         }) {
        CAPTURE(bad);
        SessionRecords read;
        const Status done = read.read(line + bad + line, seconds(0));
        REQUIRE(!done);
        CHECK(done.error().message.find("line 2: expected") == 0);
    }
    SessionRecords read;
    CHECK(!read.read(line + std::string(4, '\0'), seconds(0)));
}

TEST_CASE("of very many sessions the first are forgotten, and of very many URIs the last") {
    SessionRecords records;
    for (size_t i = 0; i <= kMaxSessionRecords; ++i) {
        records.end(std::to_string(i), kThen);
    }
    CHECK(records.find("0") == nullptr);
    CHECK(records.find("1") != nullptr);
    const std::string uri(kMaxSessionRecordBytes / 4, 'u');
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        records.set_subscribed(name, kThen, name + uri.substr(1), true);
    }
    CHECK(!records.find("d")->resources.empty());
    CHECK(records.find("e")->resources.empty());
    records.end("a", kThen);
    records.set_subscribed("e", kThen, uri, true);
    CHECK(!records.find("e")->resources.empty());
}
