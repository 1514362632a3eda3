#include "neurond/back/answer_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "exact.h"

using namespace neuron;

namespace {

constexpr AnswerLimits kLimits{200, 8};

/// Writes down what it is told.
struct Sink final : AnswerSink {
    void on_message(const JsonScanner& scan, const Slice& text) override {
        CHECK(scan.error() == JsonError::kNone);
        CHECK(scan.position() == text.size);
        CHECK(text.view().find_first_of("\r\n") == std::string_view::npos);
        told += "[" + std::string(scan.value().in(text.view())) + "]";
        kept.push_back(text);
        if (stop_after_one != nullptr) {
            stop_after_one->stop();
        }
    }
    void on_garbage(const JsonScanner&, std::string_view) override { told += "?"; }
    void on_oversized() override { told += "!"; }
    void on_named_event(std::string_view name, std::string_view data) override {
        told += "<" + std::string(name) + " " + std::string(data) + ">";
    }
    std::string told;
    std::vector<Slice> kept;
    AnswerReader* stop_after_one = nullptr;
};

std::string told(AnswerReader::Form form, std::string_view in,
                 const std::vector<size_t>& cuts, bool stop = false) {
    Sink sink;
    AnswerReader reader(form, kLimits, sink);
    sink.stop_after_one = stop ? &reader : nullptr;
    size_t begin = 0;
    for (size_t i = 0; i <= cuts.size(); ++i) {
        const size_t end = i < cuts.size() ? cuts[i] : in.size();
        reader.feed(Exact(in.substr(begin, end - begin)).view());
        begin = end;
    }
    reader.finish();
    return sink.told;
}

std::string at_every_split(AnswerReader::Form form, std::string_view in) {
    const std::string once = told(form, in, {});
    std::vector<size_t> every;
    for (size_t cut = 0; cut <= in.size(); ++cut) {
        INFO("cut at " << cut);
        CHECK(told(form, in, {cut}) == once);
        every.push_back(cut);
    }
    CHECK(told(form, in, every) == once);
    return once;
}

std::string json(std::string_view in) {
    return at_every_split(AnswerReader::Form::kJson, in);
}
std::string events(std::string_view in) {
    return at_every_split(AnswerReader::Form::kEvents, in);
}

}  // namespace

TEST_CASE("JSON: one object, or several one behind the other") {
    CHECK(json("") == "");
    CHECK(json(" \r\n\t") == "");
    CHECK(json("{}") == "[{}]");
    CHECK(json(" {\"a\":1.10}\r\n") == "[{\"a\":1.10}]");
    CHECK(json("{\"a\":\n[1,\r\n2]}") == "[{\"a\": [1,  2]}]");  // on one line
    CHECK(json("{\"a\":1}\n{\"b\":2}\n") == "[{\"a\":1}][{\"b\":2}]");
    CHECK(json("{}{} {}\n\n{}") == "[{}][{}][{}][{}]");
    CHECK(json("{\"a\":\"}{\"}{\"b\":1}") == "[{\"a\":\"}{\"}][{\"b\":1}]");
    CHECK(json("[1]\n[2]") == "[[1]][[2]]");
}

TEST_CASE("JSON: what is none ends it") {
    CHECK(json("<html>oops") == "?");
    CHECK(json("{\"a\":") == "?");
    CHECK(json("{}\n{\"a\":") == "[{}]?");
    CHECK(json("\xef\xbb\xbf{}") == "?");
}

TEST_CASE("JSON: a line that has ended is told at once") {
    Sink sink;
    AnswerReader reader(AnswerReader::Form::kJson, kLimits, sink);
    reader.feed("{\"a\":1}\n");
    CHECK(sink.told == "[{\"a\":1}]");
    reader.feed("{\"b\":2}");
    CHECK(sink.told == "[{\"a\":1}]");
    reader.feed("\n");
    CHECK(sink.told == "[{\"a\":1}][{\"b\":2}]");
    CHECK(sink.kept[0].view() == "{\"a\":1} ");  // what was handed on has not moved
}

TEST_CASE("a message over the limit ends it") {
    const std::string large = "{\"x\":\"" + std::string(300, 'y') + "\"}";
    CHECK(json(large) == "!");
    CHECK(json("{}\n" + large + "\n{}") == "[{}]!");
    CHECK(events("data: {}\n\ndata: " + large + "\n\ndata: {}\n\n") == "[{}]!");
    const std::string fits = "{\"x\":\"" + std::string(192, 'y') + "\"}";
    REQUIRE(fits.size() == kLimits.message_max);
    CHECK(json(fits) == "[" + fits + "]");
    CHECK(events("data: " + fits + "\n\n") == "[" + fits + "]");
}

TEST_CASE("events: messages, named ones, and what is none") {
    CHECK(events("data: {\"a\":1}\n\n") == "[{\"a\":1}]");
    CHECK(events("\xef\xbb\xbf: hi\r\nevent: message\r\nid: 1\r\ndata:{}\r\n\r\n") ==
          "[{}]");
    CHECK(events("data: {\"a\":\ndata: 1}\n\n") == "[{\"a\": 1}]");
    CHECK(events("id: 1\ndata:\n\ndata: {}\n\n") == "[{}]");  // priming
    CHECK(events("event: endpoint\ndata: /m?x=1\n\ndata: {}\n\n") ==
          "<endpoint /m?x=1>[{}]");
    CHECK(events("data: oops\n\ndata: {}\n\n") == "?[{}]");
    CHECK(events("data: {}\n\ndata: {\"cut\":") == "[{}]");  // has not ended
}

TEST_CASE("a reader that is stopped says nothing more") {
    CHECK(told(AnswerReader::Form::kJson, "{}{}{}", {}, true) == "[{}]");
    CHECK(told(AnswerReader::Form::kJson, "{}\n{}\n", {4}, true) == "[{}]");
    CHECK(told(AnswerReader::Form::kEvents, "data: 1\n\ndata: 2\n\n", {}, true) == "[1]");
}

TEST_CASE("ids and times of an event stream") {
    Sink sink;
    AnswerReader reader(AnswerReader::Form::kEvents, kLimits, sink);
    CHECK(reader.last_id().empty());
    reader.feed("retry: 1500\nid: e7\ndata:\n\n");
    CHECK(reader.last_id() == "e7");
    CHECK(reader.retry() == 1500U);
    CHECK(sink.told.empty());
}
