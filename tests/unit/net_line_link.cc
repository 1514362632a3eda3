#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "net_peer.h"
#include "neurond/base/block.h"
#include "neurond/base/limits.h"
#include "neurond/base/out_queue.h"
#include "neurond/base/text.h"
#include "neurond/net/line_link.h"

using namespace neuron;

namespace {

constexpr Millis kNow{0};
constexpr LinkLimits kLimits{1024 * 1024, 64, false};

/// Writes down what a link delivers, one entry each.
struct Reader final : LinkOwner {
    void on_message(const JsonScanner& scan, const Slice& text) override {
        CHECK(closed.empty());
        CHECK(scan.value().in(text.view()).size() <= text.size);
        log += "message " + std::string(text.view()) + "\n";
        slices.push_back(text);
        if (when_message) {
            when_message();
        }
    }
    void on_garbage(const JsonScanner& scan, std::string_view head,
                    std::string_view id_raw) override {
        log += "garbage " + escape(head, 20) + " (" + scan.message() + ") id " +
               std::string(id_raw) + "\n";
    }
    void on_oversized(std::string_view id_raw) override {
        log += "oversized id " + std::string(id_raw) + "\n";
    }
    void on_shed(std::string_view id_raw) override {
        log += "shed id " + std::string(id_raw) + "\n";
    }
    void on_output_room() override { log += "room\n"; }
    bool on_input_end() override {
        log += "end\n";
        return stays;
    }
    void on_link_closed(const std::string& reason) override {
        closed.push_back(reason);
        if (when_closed) {
            when_closed();
        }
    }

    std::string log;
    std::vector<Slice> slices;
    std::vector<std::string> closed;
    bool stays = false;
    std::function<void()> when_message;
    std::function<void()> when_closed;
};

struct Line {
    explicit Line(LinkLimits limits = kLimits, Kind kind = Kind::kSocket)
        : peer(kind),
          link(std::make_unique<LineLink>(loop, peer.stream(), limits, reader)) {}

    /// The peer says `text`, and it is read.
    void say(std::string_view text) {
        if (!text.empty()) {
            peer.say(text);
            loop.turn(kNow);
        }
    }
    void end() {
        peer.say_no_more();
        CHECK(turn_until(loop, [this] { return !reader.closed.empty(); }));
    }

    EventLoop loop;
    Peer peer;
    Reader reader;
    std::unique_ptr<LineLink> link;
};

/// What is read of `text`, which has to be the same wherever it is cut.
std::string read(const std::string& text, const LinkLimits& limits = kLimits) {
    Line whole(limits);
    whole.say(text);
    for (size_t n = 1; n < text.size(); ++n) {
        Line split(limits);
        split.say(text.substr(0, n));
        split.say(text.substr(n));
        CAPTURE(n);
        CHECK(split.reader.log == whole.reader.log);
    }
    Line slow(limits);
    for (const char c : text) {
        slow.say({&c, 1});
    }
    CHECK(slow.reader.log == whole.reader.log);
    CHECK(whole.reader.closed.empty());
    return whole.reader.log;
}

OutQueue message(std::string_view text) {
    OutQueue out;
    out.write(text);
    return out;
}

std::string json_of_size(size_t size, const std::string& id = "7") {
    const std::string frame = R"({"id":)" + id + R"(,"x":""})";
    return R"({"id":)" + id + R"(,"x":")" + std::string(size - frame.size(), 'x') +
           "\"}";
}

}  // namespace

TEST_CASE("a line is a message, whatever ends it and wherever it is cut") {
    CHECK(read("{\"a\":1}\n[2]\r\n\n\r\n\n{\"b\": \"\\n\"}\n") ==
          "message {\"a\":1}\nmessage [2]\nmessage {\"b\": \"\\n\"}\n");
    CHECK(read("{}\n{}") == "message {}\n");  // the second has not ended
    CHECK(read("\n\n\r\n").empty());
    CHECK(read(" {\"a\":1} \n") == "message  {\"a\":1} \n");
    CHECK(read("7\n\"x\"\nnull\n") == "message 7\nmessage \"x\"\nmessage null\n");
}

TEST_CASE("a carriage return inside a message becomes a blank") {
    CHECK(read("{\"a\":1,\r\"b\":2}\r\r\n{}\n") ==
          "message {\"a\":1, \"b\":2} \nmessage {}\n");
}

TEST_CASE("a line that is not JSON costs its caller only") {
    CHECK(read("{}\nListening on 80\n{\"id\":5,\"result\":tru}\n{\"a\":1}\n") ==
          "message {}\n"
          "garbage Listening on 80 (unexpected byte at byte 0) id \n"
          "garbage {\"id\":5,\"result\":tru... (unknown word at byte 20) id 5\n"
          "message {\"a\":1}\n");
}

TEST_CASE("whatever breaks the grammar is told with the reason and the id") {
    struct Row {
        std::string line;
        const char* id;
    };
    for (const Row& row : {
             Row{"{\"id\":1", ""},                       // may have been 11
             Row{"{\"id\":1,", "1"},                     // cut off
             Row{"{\"id\":1}{\"id\":2}", ""},            // two on one line: which?
             Row{"{\"id\":1}}", "1"},                    // too much
             Row{"{\"id\":\"a\",\"x\":\xff}", "\"a\""},  // not UTF-8
             Row{"{\"id\":1,\"id\":2}", ""},             // duplicate key
             Row{"{\"x\":{\"id\":3},\"id\":4,}", "4"},   // trailing comma
             Row{std::string("{\"id\":1,\"x\":\0}", 13), "1"}, Row{"  ", ""},
             Row{"\xef\xbb\xbf{\"id\":1}", "1"},                    // a byte order mark
             Row{"{\"id\":1," + std::string(300, '[') + "!", "1"},  // over 256 bytes
         }) {
        CAPTURE(escape(row.line, 60));
        const std::string log = read(row.line + "\n{}\n");
        CHECK(starts_with(log, "garbage "));
        CHECK(ends_with(log, ") id " + std::string(row.id) + "\nmessage {}\n"));
        CHECK(log.find("()") == std::string::npos);  // there is a reason
    }
}

TEST_CASE("a message of the greatest size passes, one byte more does not") {
    const LinkLimits limits{100, 64, false};
    const std::string longest = json_of_size(100);
    for (const char* line_end : {"\n", "\r\n"}) {
        CHECK(read(longest + line_end + "{}\n", limits) ==
              "message " + longest + "\nmessage {}\n");
        CHECK(read(json_of_size(101) + line_end + "{}\n", limits) ==
              "oversized id 7\nmessage {}\n");
    }
}

TEST_CASE("of a message that is too large the id is told, first or last") {
    const LinkLimits limits{40, 64, false};
    const std::string padding(60, 'x');
    CHECK(read("{\"id\":12,\"x\":\"" + padding + "\"}\n{}\n", limits) ==
          "oversized id 12\nmessage {}\n");
    CHECK(read("{\"x\":\"" + padding + "\",\"id\": 34}\n{}\n", limits) ==
          "oversized id 34\nmessage {}\n");
    CHECK(read("{\"x\":{\"id\":1,\"y\":\"" + padding + "\"}}\n{}\n", limits) ==
          "oversized id \nmessage {}\n");
    CHECK(read("{\"id\":1,\"x\":\"" + padding + "\"}\n{\"id\":2,\"x\":\"" + padding +
                   "\"}\n",
               limits) ==
          "oversized id 1\noversized id 2\n");  // one has nothing of the other
    CHECK(read(padding + padding + "\n{}\n", limits) == "oversized id \nmessage {}\n");
}

TEST_CASE("ids are told of answers, or to one who serves of requests") {
    const std::string padding(60, 'x');
    const std::string request =
        "{\"id\":1,\"method\":\"x\",\"params\":{\"x\":\"" + padding + "\"}}\n";
    const std::string answer = "{\"result\":{\"x\":\"" + padding + "\"},\"id\":2}\n";
    const std::string garbage = "{\"method\":\"x\",\"id\":3,}\n{\"id\":4,}\n";
    const std::string text = request + answer + garbage;
    const auto ids = [](const std::string& log) {
        std::string out;
        for (const std::string_view line : split(log, '\n')) {
            out += line.substr(std::min(line.size(), line.rfind(' ')));
        }
        return out;
    };
    CHECK(ids(read(text, {40, 64, false})) == "  2  4");
    CHECK(ids(read(text, {40, 64, true})) == " 1  3 ");
}

TEST_CASE("nesting deeper than allowed is garbage") {
    const LinkLimits limits{1000, 3, false};
    CHECK(read("[[[]]]\n[[[[]]]]\n", limits) ==
          "message [[[]]]\ngarbage [[[[]]]] (nested too deep at byte 3) id \n");
}

TEST_CASE("a line without an end takes no memory for it") {
    for (const char* begin : {"{\"id\":5,\"x\":\"", "garbage"}) {
        Line line({100 * 1024, 64, false});
        const uint64_t before = Block::total_bytes();
        uint64_t most = 0;
        line.say(begin);
        for (int i = 0; i < 200; ++i) {  // six megabytes
            line.say(std::string(30 * 1024, 'x'));
            most = std::max(most, Block::total_bytes() - before);
        }
        CHECK(most < 600 * 1024);
        line.say("\"}\n{}\n");
        CHECK(ends_with(line.reader.log, "message {}\n"));
        CHECK((starts_with(line.reader.log, "oversized id 5\n") ||
               starts_with(line.reader.log, "garbage garbage")));
    }
}

TEST_CASE("slices that are kept stay as they are while reading goes on") {
    Line line;
    std::mt19937 random(3);  // NOLINT: the same every time
    std::string sent;
    std::vector<std::string> copies;
    for (int i = 0; i < 400; ++i) {
        const size_t size =
            i % 50 == 0 ? 100000 + random() % 100000 : 20 + random() % 9000;
        copies.push_back(json_of_size(size, std::to_string(1000 + i)));
        sent += copies.back() + (i % 3 == 0 ? "\r\n" : "\n");
    }
    std::vector<Slice> kept(copies.size());
    size_t taken = 0;
    line.reader.when_message = [&] {
        CHECK(line.reader.slices.size() == 1);
        if (taken % 2 == 0) {  // the others are let go at once
            kept[taken] = line.reader.slices[0];
        }
        CHECK(line.reader.slices[0].view() == copies[taken]);
        ++taken;
        line.reader.slices.clear();
        line.reader.log.clear();
    };
    while (!sent.empty()) {
        const size_t n = std::min(sent.size(), 1 + random() % 60000);
        line.say(std::string_view(sent).substr(0, n));
        sent.erase(0, n);
    }
    CHECK(turn_until(line.loop, [&] { return taken == copies.size(); }));
    for (size_t i = 0; i < copies.size(); i += 2) {
        CHECK(kept[i].view() == copies[i]);
    }
}

TEST_CASE("a slice that is kept is not read over by the next line") {
    Line line;
    for (int i = 0; i < 200; ++i) {  // alone, so that nothing is pending between them
        line.say(json_of_size(900, std::to_string(1000 + i)) + "\n");
    }
    REQUIRE(line.reader.slices.size() == 200);
    for (int i = 0; i < 200; ++i) {
        CHECK(line.reader.slices[static_cast<size_t>(i)].view() ==
              json_of_size(900, std::to_string(1000 + i)));
    }
}

TEST_CASE("a block nobody shares is used again") {
    Line line;
    line.reader.when_message = [&] { line.reader.slices.clear(); };
    line.say("{}\n");
    const uint64_t one = Block::total_bytes();
    for (int i = 0; i < 500; ++i) {
        line.say(json_of_size(1000) + "\n");
    }
    CHECK(Block::total_bytes() == one);
}

TEST_CASE("a link that serves holds nothing while nothing comes") {
    const uint64_t before = Block::total_bytes();
    Line line({1000, 64, true});
    line.say("{\"a\":1}\n{\"b\"");
    line.reader.slices.clear();
    CHECK(Block::total_bytes() > before);
    line.say(":2}\n");
    line.reader.slices.clear();
    CHECK(Block::total_bytes() == before);
    line.say("{\"c\":3}\n");
    line.say("{\"method\":\"x\"," + json_of_size(2000).substr(1));  // nothing is kept
    CHECK(line.reader.log ==
          "message {\"a\":1}\nmessage {\"b\":2}\nmessage {\"c\":3}\n");
    line.say("\n");
    CHECK(ends_with(line.reader.log, "oversized id 7\n"));
    line.reader.slices.clear();
    CHECK(Block::total_bytes() == before);
}

TEST_CASE("the last line counts without a line end, if it is whole") {
    for (const Kind kind : kKinds) {
        struct Row {
            const char* text;
            const char* log;
        };
        for (const Row& row : {
                 Row{"{}\n{\"id\":1}", "message {}\nmessage {\"id\":1}\nend\n"},
                 Row{"{\"id\":1}\r", "message {\"id\":1}\nend\n"},
                 Row{"{\"id\":1,",
                     "garbage {\"id\":1, (unexpected end at byte 8) id \nend\n"},
                 Row{"\r", "end\n"},
                 Row{"", "end\n"},
             }) {
            CAPTURE(std::string(row.text));
            Line line(kLimits, kind);
            line.say(row.text);
            line.end();
            CHECK(line.reader.log == row.log);
            CHECK(line.reader.closed == std::vector<std::string>{"end of input"});
        }
    }
}

TEST_CASE("what was too large when the input ends is nobody's message") {
    Line line({40, 64, false});
    line.say(json_of_size(100));
    line.end();
    CHECK(line.reader.log == "end\n");
}

TEST_CASE("closed in the middle of a batch of lines, it delivers no more of them") {
    Line line;
    line.reader.when_message = [&] { line.link->close("enough"); };
    line.say("{\"a\":1}\n{\"b\":2}\nnonsense\n");
    CHECK(turn_until(line.loop, [&] { return !line.reader.closed.empty(); }));
    line.loop.turn(kNow);
    CHECK(line.reader.log == "message {\"a\":1}\n");
    CHECK(line.reader.closed == std::vector<std::string>{"enough"});
}

TEST_CASE("a link may be retired when it has closed") {
    Line line;
    line.reader.when_closed = [&] { line.loop.retire(std::move(line.link)); };
    line.say("{}\n");
    line.end();
    line.loop.turn(kNow);
    CHECK(line.link == nullptr);
    CHECK(line.reader.slices[0].view() == "{}");  // the block lives for its slices
}

TEST_CASE("paused between two lines it delivers the rest when resumed, in order") {
    Line line;
    line.reader.when_message = [&] { line.link->pause_input(); };
    line.say("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    CHECK(line.reader.log == "message {\"a\":1}\n");
    line.say("{\"d\":4}\n");
    CHECK(line.reader.log == "message {\"a\":1}\n");
    line.link->resume_input();
    CHECK(line.reader.log == "message {\"a\":1}\n");  // not from inside the call
    line.loop.turn(kNow);
    CHECK(line.reader.log == "message {\"a\":1}\nmessage {\"b\":2}\n");
    line.reader.when_message = nullptr;
    line.link->resume_input();
    CHECK(turn_until(line.loop, [&] { return ends_with(line.reader.log, "4}\n"); }));
    CHECK(
        line.reader.log ==
        "message {\"a\":1}\nmessage {\"b\":2}\nmessage {\"c\":3}\nmessage {\"d\":4}\n");
}

TEST_CASE("messages go out on a line each, and the end after the last") {
    for (const Kind kind : kKinds) {
        Line line(kLimits, kind);
        line.link->send(message("{\"a\":1}"));
        line.link->send(message(json_of_size(100000)));
        line.link->end_output();
        std::string got;
        CHECK(turn_until(line.loop, [&] {
            got += line.peer.hear();
            return line.peer.heard_end();
        }));
        CHECK(starts_with(got, "{\"a\":1}\n{\"id\":7,"));
        CHECK(ends_with(got, "\"}\n"));
        CHECK(got.size() == 8 + 100001);
        line.link->send(message("{\"too\":\"late\"}"));
        line.say("{\"still\":\"heard\"}\n");
        CHECK(line.reader.log == "message {\"still\":\"heard\"}\n");
    }
}

TEST_CASE("a reader that is slow makes itself felt and is forgiven") {
    Line line;
    CHECK_FALSE(line.link->congested());
    line.link->send(message(json_of_size(600 * 1024)));
    CHECK(line.link->congested());
    CHECK(turn_until(line.loop, [&] {
        line.peer.hear(16 * 1024);
        return !line.link->congested();
    }));
    CHECK(line.reader.log == "room\n");
}

TEST_CASE("a link may stay open for answers when the peer says no more") {
    Line line;
    line.reader.stays = true;
    line.say("{\"id\":1}\n");
    line.peer.say_no_more();
    CHECK(turn_until(line.loop, [&] { return ends_with(line.reader.log, "end\n"); }));
    line.link->send(message("{\"id\":1,\"result\":{}}"));
    line.loop.turn(kNow);
    CHECK(line.peer.hear() == "{\"id\":1,\"result\":{}}\n");
    CHECK(line.reader.closed.empty());
    line.link->finish("answered");
    CHECK(turn_until(line.loop, [&] { return !line.reader.closed.empty(); }));
    CHECK(line.reader.closed == std::vector<std::string>{"answered"});
    line.link = nullptr;
    CHECK(line.peer.hear().empty());
    CHECK(line.peer.heard_end());
}

TEST_CASE("a line that does not come to its end in time ends the link") {
    LinkLimits limits = kLimits;
    limits.line_timeout = Millis{30};
    Line line(limits);
    line.say("{\"a\":1}\n");
    line.loop.turn(Millis{60});  // silence between lines is no slowness
    CHECK(line.reader.closed.empty());
    line.say("{\"a\"");
    const TimePoint begun = monotonic_now();
    while (line.reader.closed.empty() && monotonic_now() - begun < Millis{10000}) {
        line.peer.say(" ");  // single bytes are no progress
        line.loop.turn(Millis{2});
    }
    REQUIRE(line.reader.closed.size() == 1);
    CHECK(line.reader.closed.front() == "a message did not arrive in time");
    CHECK(monotonic_now() - begun >= Millis{29});
}

TEST_CASE("the time of a line does not run while nobody reads it") {
    LinkLimits limits = kLimits;
    limits.line_timeout = Millis{20};
    Line line(limits);
    line.say("{\"a\"");
    line.link->pause_input();
    const TimePoint begun = monotonic_now();
    while (monotonic_now() - begun < Millis{60}) {
        line.loop.turn(Millis{5});
    }
    CHECK(line.reader.closed.empty());
    line.link->resume_input();
    line.peer.say(":1}\n");
    CHECK(turn_until(line.loop, [&] { return !line.reader.log.empty(); }));
    CHECK(line.reader.log == "message {\"a\":1}\n");
}

TEST_CASE("a line that grows while there is no room is dropped by its id") {
    const std::string text = "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"" +
                             std::string(3 * kReadBudgetBytes, 'x') + "\"}\n";
    Line line;
    Block::set_total_max(1);
    for (size_t at = 0; at < text.size(); at += 4096) {
        line.say(text.substr(at, 4096));
    }
    Block::set_total_max(UINT64_MAX);
    line.say("{\"b\":2}\n");
    CHECK(line.reader.log == "shed id 7\nmessage {\"b\":2}\n");
}

TEST_CASE("a crowd of half lines has half of the memory, small ones pass") {
    const std::string head = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"x\",\"params\":\"";
    const LinkLimits serving = {1 << 20, 64, true};
    Block::set_total_max(Block::total_bytes() + 8 * kSmallBytes);
    Arriving others;
    others.hold(static_cast<size_t>(Block::total_bytes()) + 8 * kSmallBytes);
    Line small(serving);
    small.say(head + "\"}\n");
    CHECK(starts_with(small.reader.log, "message "));
    Line large(serving);
    large.say(head + std::string(kSmallBytes, 'x'));
    large.say("\"}\n{\"b\":2}\n");
    CHECK(large.reader.log == "shed id 7\nmessage {\"b\":2}\n");
    Line of_a_server({1 << 20, 64});  // that is about work in hand
    of_a_server.say(head + std::string(2 * kSmallBytes, 'x') + "\"}\n");
    CHECK(starts_with(of_a_server.reader.log, "message "));
    Block::set_total_max(UINT64_MAX);
}

TEST_CASE("between two reads a small part of a line holds little") {
    const uint64_t before = Block::total_bytes();
    Line line({1 << 20, 64, true});
    line.say("{\"a\":\"");
    CHECK(Block::total_bytes() - before < 2 * kSmallBytes);
    line.say(std::string(kSmallBytes / 2, 'x'));
    CHECK(Block::total_bytes() - before < 2 * kSmallBytes);
    line.say("\"}\n");
    CHECK(starts_with(line.reader.log, "message "));
}
