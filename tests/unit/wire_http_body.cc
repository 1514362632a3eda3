#include "neurond/wire/http_body.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "exact.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"

using namespace neuron;
using namespace std::string_literals;
using Kind = BodyFraming::Kind;

namespace {

BodyFraming framing_of(const std::string& fields, const char* version = "1.1") {
    const std::string in =
        "POST / HTTP/"s + version + "\r\nHost: h\r\n" + fields + "\r\n";
    RequestHead head;
    REQUIRE(RequestHeadParser(HeadLimits{}).parse(in, head).state == Scan::kDone);
    return request_framing(head);
}

BodyFraming framing_of_response(const std::string& head_text, bool to_head = false) {
    ResponseHead head;
    const std::string in = head_text + "\r\n";
    REQUIRE(ResponseHeadParser(HeadLimits{}).parse(in, head).state == Scan::kDone);
    return response_framing(head, to_head);
}

/// What came of decoding: the body, how much of the input was used, and how it ended.
struct Decoded {
    Scan state = Scan::kMore;
    std::string body;
    size_t used = 0;
};

bool operator==(const Decoded& a, const Decoded& b) {
    return a.state == b.state && a.body == b.body && a.used == b.used;
}

Decoded decode(const BodyFraming& framing, std::string_view in,
               const std::vector<size_t>& cuts) {
    BodyDecoder decoder(framing);
    Decoded all;
    size_t piece_begin = 0;
    for (size_t i = 0; i <= cuts.size(); ++i) {
        const size_t piece_end = i < cuts.size() ? cuts[i] : in.size();
        const Exact piece(in.substr(piece_begin, piece_end - piece_begin));
        std::string_view rest = piece.view();
        piece_begin = piece_end;
        while (!rest.empty() && all.state == Scan::kMore) {
            const BodyStep step = decoder.decode(rest);
            REQUIRE((step.used > 0 || step.state != Scan::kMore));
            all.state = step.state;
            all.body += step.body;
            all.used += step.used;
            rest.remove_prefix(step.used);
        }
    }
    CHECK(decoder.body_bytes() == all.body.size());
    CHECK(decoder.done() == (all.state == Scan::kDone));
    return all;
}

Decoded decode_at_every_split(const BodyFraming& framing, const std::string& in) {
    const Decoded once = decode(framing, in, {});
    std::vector<size_t> every;
    for (size_t cut = 0; cut <= in.size(); ++cut) {
        INFO("cut at " << cut);
        CHECK((decode(framing, in, {cut}) == once));
        every.push_back(cut);
    }
    CHECK((decode(framing, in, every) == once));
    return once;
}

constexpr BodyFraming kChunked{Kind::kChunked, 0, 0, ""};

}  // namespace

TEST_CASE("a request's body is framed by its fields alone") {
    CHECK(framing_of("").kind == Kind::kNone);
    CHECK(framing_of("Content-Length: 0\r\n").kind == Kind::kNone);
    CHECK(framing_of("Content-Length: 5\r\n").length == 5);
    CHECK(framing_of("content-length: 005\r\n").length == 5);
    CHECK(framing_of("Content-Length: 18446744073709551615\r\n").kind == Kind::kLength);
    CHECK(framing_of("Content-Length: 5\r\nContent-Length: 5\r\n").length == 5);
    CHECK(framing_of("Transfer-Encoding: chunked\r\n").kind == Kind::kChunked);
    CHECK(framing_of("transfer-encoding: \t CHUNKED\t\r\n").kind == Kind::kChunked);
    CHECK(framing_of("Content-Length: 7\r\n", "1.0").length == 7);
}

TEST_CASE("framing that two programs could read differently is refused") {
    struct Row {
        const char* fields;
        int status;
    };
    const Row rows[] = {
        {"Content-Length:\r\n", 400},
        {"Content-Length: -1\r\n", 400},
        {"Content-Length: +5\r\n", 400},
        {"Content-Length: 0x5\r\n", 400},
        {"Content-Length: 5 5\r\n", 400},
        {"Content-Length: 5.0\r\n", 400},
        {"Content-Length: five\r\n", 400},
        {"Content-Length: 5, 5\r\n", 400},  // a list, even of one value
        {"Content-Length: 5,\r\n", 400},
        {"Content-Length: 18446744073709551616\r\n", 400},
        {"Content-Length: 5\r\nContent-Length: 6\r\n", 400},
        {"Content-Length: 5\r\nContent-Length: 05\r\n", 400},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400},
        {"Transfer-Encoding: x\r\nContent-Length: 5\r\n", 400},
        {"Transfer-Encoding:\r\n", 400},
        {"Transfer-Encoding: ,chunked\r\n", 400},
        {"Transfer-Encoding: chunked,\r\n", 400},
        {"Transfer-Encoding: chunked, chunked\r\n", 400},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding: chunked, gzip\r\n", 400},  // not the last
        {"Transfer-Encoding: chunked;q=1\r\n", 400},
        {"Transfer-Encoding: \"chunked\"\r\n", 400},
        {"Transfer-Encoding: chun ked\r\n", 400},
        {"Transfer-Encoding: gzip, chunked\r\n", 501},
        {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501},
        {"Transfer-Encoding: gzip\r\n", 501},
        {"Transfer-Encoding: identity\r\n", 501},
        {"Transfer-Encoding: xchunked\r\n", 501},
        {"Transfer-Encoding: chunke\r\n", 501},
    };
    for (const Row& row : rows) {
        INFO(row.fields);
        CHECK(framing_of(row.fields).kind == Kind::kBad);
        CHECK(framing_of(row.fields).status == row.status);
    }
    CHECK(framing_of("Transfer-Encoding: chunked\r\n", "1.0").status == 400);
}

TEST_CASE("a response's body depends on its status and on the request") {
    CHECK(framing_of_response("HTTP/1.1 200 OK\r\n").kind == Kind::kUntilClose);
    CHECK(framing_of_response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n").length == 3);
    CHECK(
        framing_of_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n").kind ==
        Kind::kChunked);
    CHECK(framing_of_response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", true).kind ==
          Kind::kNone);
    CHECK(framing_of_response("HTTP/1.1 204 No\r\nContent-Length: 3\r\n").kind ==
          Kind::kNone);
    CHECK(framing_of_response("HTTP/1.1 304 No\r\nContent-Length: 3\r\n").kind ==
          Kind::kNone);
    CHECK(framing_of_response("HTTP/1.1 100 Continue\r\n").kind == Kind::kNone);
    CHECK(
        framing_of_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n").status ==
        502);
    CHECK(framing_of_response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
                              "Transfer-Encoding: chunked\r\n")
              .status == 502);
    CHECK(framing_of_response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n")
              .status == 502);
}

TEST_CASE("a body of known length ends there, and the rest is not touched") {
    const Decoded decoded =
        decode_at_every_split({Kind::kLength, 5, 0, ""}, "helloGET /");
    CHECK(decoded.state == Scan::kDone);
    CHECK(decoded.body == "hello");
    CHECK(decoded.used == 5);
    BodyDecoder short_one({Kind::kLength, 5, 0, ""});
    short_one.decode("hell");
    CHECK(short_one.finish() == Scan::kBad);
    CHECK(BodyDecoder().done());
    CHECK(BodyDecoder().decode("GET").used == 0);
}

TEST_CASE("a body until the connection closes may end anywhere") {
    BodyDecoder decoder({Kind::kUntilClose, 0, 0, ""});
    CHECK(decoder.decode("abc").body == "abc");
    CHECK(decoder.decode("def").state == Scan::kMore);
    CHECK(decoder.finish() == Scan::kDone);
    CHECK(decoder.body_bytes() == 6);
}

TEST_CASE("chunks are taken out of their framing at every split") {
    struct Row {
        std::string in;
        std::string body;
    };
    const Row rows[] = {
        {"0\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"1\r\na\r\n2\r\nbc\r\n00\r\n\r\n", "abc"},
        {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
        {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
        {"0000000000000001\r\nx\r\n0\r\n\r\n", "x"},
        {"3;name=value\r\nabc\r\n0;last\r\n\r\n", "abc"},  // extensions
        {"3;n=\"q;\\\"\"\r\nabc\r\n0\r\n\r\n", "abc"},
        {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},  // line ends as content
        {"5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"},
        {"1\r\nx\r\n0\r\nA: b\r\nC-d:\te \r\n\r\n", "x"},  // trailers are dropped
        {"0\r\nA:\r\n\r\n", ""},
    };
    for (const Row& row : rows) {
        INFO(escape(row.in));
        const Decoded decoded = decode_at_every_split(kChunked, row.in + "NEXT");
        CHECK(decoded.state == Scan::kDone);
        CHECK(decoded.body == row.body);
        CHECK(decoded.used == row.in.size());
    }
}

TEST_CASE("malformed chunks are refused: what smugglers send") {
    const std::string rows[] = {
        "\r\n",
        "\n",
        "5\nhello\r\n0\r\n\r\n",  // bare LF
        "5\rhello",
        "5 \r\nhello",  // a blank behind the size
        " 5\r\nhello",
        "5\t\r\nhello",
        "5 ;x\r\nhello",
        "-1\r\n",
        "+5\r\nhello",
        "0x5\r\nhello",
        "5h\r\nhello",
        "g\r\n",
        "00000000000000005\r\nhello",  // 17 digits
        "10000000000000000\r\n",       // more than 64 bits
        "5;x\ny\r\nhello",
        "5;x\0\r\nhello"s,
        "5;x\ry\r\nhello",
        "5\r\nhelloX\r\n",  // more content than announced
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n",
        "5\r\nhello0\r\n\r\n",
        "0\r\n\n",
        "0\r\nA\r\n\r\n",  // trailer without a colon
        "0\r\nA : b\r\n\r\n",
        "0\r\n: b\r\n\r\n",
        "0\r\n A: b\r\n\r\n",
        "0\r\nA: b\n\r\n",
        "0\r\nA: b\0\r\n\r\n"s,
        "0\r\nA: b\r\n c\r\n\r\n",
        "0\r\nA: b\r\n\rX",
    };
    for (const std::string& in : rows) {
        INFO(escape(in));
        CHECK(decode_at_every_split(kChunked, in).state == Scan::kBad);
    }
}

TEST_CASE("chunked framing is bounded") {
    const auto state_of = [](const std::string& in) {
        return decode(kChunked, in, {}).state;
    };
    const std::string longest(kMaxChunkLineBytes, 'x');
    CHECK(state_of("1;" + longest + "\r\na\r\n0\r\n\r\n") == Scan::kDone);
    CHECK(state_of("1;" + longest + "x") == Scan::kBad);
    std::string many;
    for (size_t i = 0; i <= kMaxChunkOverheadBytes / 100; ++i) {
        many += "1;" + std::string(100, 'x') + "\r\na\r\n";
    }
    CHECK(state_of(many) == Scan::kBad);
    CHECK(state_of("0\r\nA:" + std::string(kMaxTrailerBytes, 'x')) == Scan::kBad);
}

TEST_CASE("an unfinished chunked body is not a body") {
    const std::string in = "3\r\nabc\r\n0\r\n\r\n";
    for (size_t n = 0; n < in.size(); ++n) {
        BodyDecoder decoder(kChunked);
        std::string_view rest = std::string_view(in).substr(0, n);
        while (!rest.empty()) {
            const BodyStep step = decoder.decode(rest);
            REQUIRE(step.state == Scan::kMore);
            rest.remove_prefix(step.used);
        }
        CHECK(decoder.finish() == Scan::kBad);
    }
}

TEST_CASE("a large chunked body comes out whole, whatever the splits") {
    const unsigned seed = std::random_device()();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::string body;
    std::string in;
    while (body.size() < 300000) {
        const std::string chunk(1 + random() % 5000,
                                static_cast<char>('a' + random() % 26));
        char size[16];
        std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
        in += size + chunk + "\r\n";
        body += chunk;
    }
    in += "0\r\n\r\n";
    std::vector<size_t> cuts;
    for (size_t cut = 0; cut < in.size(); cut += 1 + random() % 999) {
        cuts.push_back(cut);
    }
    const Decoded decoded = decode(kChunked, in, cuts);
    CHECK(decoded.state == Scan::kDone);
    CHECK((decoded.body == body));
    CHECK(decoded.used == in.size());
}
