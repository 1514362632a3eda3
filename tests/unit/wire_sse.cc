#include "neurond/wire/sse.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "exact.h"
#include "neurond/base/text.h"

using namespace neuron;
using namespace std::string_literals;

namespace {

constexpr size_t kMaxEvent = 4096;

/// Everything a stream told, as one string: `[event|data|last id]` for each event, then
/// the retry, the last id, and "!" if it was refused.
std::string told(std::string_view in, const std::vector<size_t>& cuts) {
    SseDecoder decoder(kMaxEvent);
    std::string all;
    size_t begin = 0;
    for (size_t i = 0; i <= cuts.size(); ++i) {
        const size_t end = i < cuts.size() ? cuts[i] : in.size();
        const Exact piece(in.substr(begin, end - begin));
        std::string_view rest = piece.view();
        begin = end;
        for (;;) {
            const SseStep step = decoder.decode(rest);
            rest.remove_prefix(step.used);
            if (step.state == Scan::kBad) {
                return all + "!";
            }
            if (step.state == Scan::kMore) {
                CHECK(rest.empty());
                break;
            }
            const std::string event(decoder.event());
            const BlockRef data = decoder.take_data();
            all += "[" + event + "|" + std::string(data->view()) + "|" +
                   decoder.last_id() + "]";
        }
    }
    if (decoder.retry()) {
        all += "retry=" + std::to_string(*decoder.retry());
    }
    return decoder.last_id().empty() ? all : all + "id=" + decoder.last_id();
}

std::string told_at_every_split(std::string_view in) {
    std::string once = told(in, {});
    std::vector<size_t> every;
    for (size_t cut = 0; cut <= in.size(); ++cut) {
        INFO("cut at " << cut);
        CHECK(told(in, {cut}) == once);
        every.push_back(cut);
    }
    CHECK(told(in, every) == once);
    return once;
}

}  // namespace

TEST_CASE("streams are read as the standard has it, at every split") {
    struct Row {
        std::string in;
        std::string told;
    };
    const Row rows[] = {
        {"", ""},
        {"data: x\n\n", "[message|x|]"},
        {"event: message\ndata: {\"a\":1}\n\n", "[message|{\"a\":1}|]"},
        {"data: x\r\n\r\n", "[message|x|]"},  // all three line ends
        {"data: x\r\r", "[message|x|]"},
        {"data: x\r\n\ndata: y\r\r\ndata: z\n\r",
         "[message|x|][message|y|][message|z|]"},
        {"data:x\n\n", "[message|x|]"},       // the blank is optional
        {"data:  x \n\n", "[message| x |]"},  // and only one is taken
        {"data: a\ndata: b\ndata:\ndata: c\n\n", "[message|a\nb\n\nc|]"},
        {"data\ndata: b\n\n", "[message|\nb|]"},  // a field without a colon
        {"data:\n\n", ""},                        // empty: not reported
        {"data\n\n", ""},
        {"id: 1\ndata:\n\ndata: x\n\n", "[message|x|1]id=1"},  // but its id counts
        {"id: 7\n\n", "id=7"},
        {"event: ping\n\ndata: x\n\n", "[message|x|]"},  // a name without data is void
        {"event: endpoint\ndata: /m\n\n", "[endpoint|/m|]"},
        {"event\ndata: x\n\n", "[message|x|]"},
        {"id: a\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n",
         "[message|1|a][message|2|a][message|3|]"},  // an id stays until changed
        {"id: a\0b\ndata: 1\n\n"s, "[message|1|]"},  // an id with NUL is ignored
        {"retry: 1500\n\n", "retry=1500"},
        {"retry: 1.5\nretry: -1\nretry:\n\n", ""},
        {": comment\n\n: another\ndata: x\n\n", "[message|x|]"},
        {":\n:\n\n", ""},
        {"foo: bar\ndata: x\nDATA: y\ndatas: z\ndat: w\n\n", "[message|x|]"},
        {" data: x\n\n", ""},  // a blank is part of the name
        {"\xef\xbb\xbf"
         "data: x\n\n",
         "[message|x|]"},  // a byte order mark
        {"\xef\xbb"
         "data: x\n\ndata: y\n\n",
         "[message|y|]"},
        {"\xef\xbb\xbf\xef\xbb\xbf"
         "data: x\n\n",
         ""},  // only one
        {"\n\n\ndata: x\n\n\n\n", "[message|x|]"},
        {"data: x\n", ""},  // cut off: never reported
        {"data: x", ""},
        {"data: a:b: c\n\n", "[message|a:b: c|]"},
        {"data: \xe2\x82\xac\n\n", "[message|\xe2\x82\xac|]"},
    };
    for (const Row& row : rows) {
        INFO(escape(row.in));
        CHECK(told_at_every_split(row.in) == row.told);
    }
}

TEST_CASE("an event is reported at its empty line, before what follows") {
    SseDecoder decoder(kMaxEvent);
    CHECK(decoder.decode("data: x\r\n\r").state == Scan::kDone);
    CHECK(decoder.data() == "x");
    CHECK(decoder.decode("\ndata: y\n").state == Scan::kMore);
    CHECK(decoder.data() == "y");  // so far
}

TEST_CASE("an event is bounded, a stream is not") {
    const std::string most = "data: " + std::string(kMaxEvent, 'x') + "\n\n";
    CHECK(told(most + most, {}).size() == 2 * (kMaxEvent + 11));
    CHECK(told("data: x" + most.substr(6), {}) == "!");
    CHECK(told("id: x\n" + most, {}) == "!");  // all that is kept counts
    std::string lines;
    for (size_t i = 0; i < kMaxEvent + 2; ++i) {
        lines += "data\n";
    }
    CHECK(told(lines, {}) == "!");
    CHECK(told(":" + std::string(10 * kMaxEvent, 'x') + "\ndata: y\n\n", {}) ==
          "[message|y|]");
    CHECK(told(std::string(10 * kMaxEvent, 'x') + ": y\ndata: y\n\n", {}) ==
          "[message|y|]");
    SseDecoder decoder(4);
    CHECK(decoder.decode("data: 12345").state == Scan::kBad);
    CHECK(decoder.decode("\n\ndata: 1\n\n").state == Scan::kBad);
}

TEST_CASE("a large event comes out whole, whatever the splits") {
    const unsigned seed = std::random_device()();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::string data;
    while (data.size() < 1000000) {
        data += static_cast<char>(' ' + random() % 90);
    }
    const std::string in = "event: message\r\ndata: " + data + "\r\n\r\n";
    SseDecoder decoder(data.size() + 7);  // the name counts too
    std::string_view rest(in);
    SseStep step;
    while (step.state == Scan::kMore) {
        REQUIRE(!rest.empty());
        step = decoder.decode(rest.substr(0, 1 + random() % 9999));
        rest.remove_prefix(step.used);
    }
    REQUIRE(step.state == Scan::kDone);
    CHECK((decoder.take_data()->view() == data));
}

TEST_CASE("what is written is read back") {
    OutQueue out;
    OutQueue message;
    message.write("{\"a\":1}");
    write_sse_comment(out);
    write_sse_retry(out, 500);
    write_sse_event(out, "", "", "1-0");  // primes a client with an id
    write_sse_message(out, std::move(message), "1-1");
    write_sse_event(out, "endpoint", "/a\nb\r\nc\rd");
    write_sse_comment(out, "bye");
    CHECK(out.to_string() ==
          ":\n\nretry: 500\n\nid: 1-0\ndata: \n\n"
          "id: 1-1\nevent: message\ndata: {\"a\":1}\n\n"
          "event: endpoint\ndata: /a\ndata: b\ndata: c\ndata: d\n\n: bye\n\n");
    CHECK(told_at_every_split(out.to_string()) ==
          "[message|{\"a\":1}|1-1][endpoint|/a\nb\nc\nd|1-1]retry=500id=1-1");
}
