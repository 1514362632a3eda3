#include "neurond/wire/http_head.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "exact.h"
#include "neurond/base/text.h"

using namespace neuron;
using namespace std::string_literals;

namespace {

HeadLimits small_limits() {
    HeadLimits limits;
    limits.head_bytes = 1024;
    limits.target_bytes = 64;
    limits.fields = 8;
    return limits;
}

/// Parses `in` in one go, then as two pieces cut at every place, then byte by byte: the
/// answer must be the same, and no prefix of a good head may be refused.
template <typename Parser, typename Head>
HeadParse parse_at_every_split(const std::string& in, Head& head) {
    const HeadLimits limits = small_limits();
    const Exact whole(in);
    const HeadParse once = Parser(limits).parse(whole.view(), head);
    Parser byte_by_byte(limits);
    for (size_t cut = 0; cut <= in.size(); ++cut) {
        INFO("cut at " << cut);
        const Exact early(std::string_view(in).substr(0, cut));
        Head other;
        Parser parser(limits);
        HeadParse parsed = parser.parse(early.view(), other);
        if (parsed.state == Scan::kMore) {
            const Exact late(in);
            parsed = parser.parse(late.view(), other);
        }
        CHECK(parsed.state == once.state);
        CHECK(parsed.status == once.status);
        CHECK(parsed.used == once.used);
        const HeadParse step = byte_by_byte.parse(early.view(), other);
        if (step.state != Scan::kMore) {
            CHECK(step.state == once.state);
            CHECK(step.status == once.status);
            break;
        }
    }
    return once;
}

/// The status a request is refused with; 0 = accepted, -1 = more is wanted.
int refusal(const std::string& in) {
    RequestHead head;
    const HeadParse parsed = parse_at_every_split<RequestHeadParser>(in, head);
    return parsed.state == Scan::kBad    ? parsed.status
           : parsed.state == Scan::kDone ? 0
                                         : -1;
}

int response_refusal(const std::string& in) {
    ResponseHead head;
    const HeadParse parsed = parse_at_every_split<ResponseHeadParser>(in, head);
    return parsed.state == Scan::kBad    ? parsed.status
           : parsed.state == Scan::kDone ? 0
                                         : -1;
}

struct Row {
    std::string in;
    int status;
};

}  // namespace

TEST_CASE("a request head is taken apart, its bytes untouched") {
    const std::string in =
        "POST /api/v1/mcp?names=strict HTTP/1.1\r\nHost: localhost:8443\r\n"
        "X-Empty:\r\nX-Blank: \t \r\naccept: \t a, b \t\r\nACCEPT:c\r\n\r\nbody";
    const Exact exact(in);
    RequestHead head;
    const HeadParse parsed = parse_at_every_split<RequestHeadParser>(in, head);
    REQUIRE(parsed.state == Scan::kDone);
    RequestHeadParser parser(small_limits());
    parser.parse(exact.view(), head);
    CHECK(parsed.used == in.size() - 4);
    CHECK(head.method == "POST");
    CHECK(head.target == "/api/v1/mcp?names=strict");
    CHECK(head.path == "/api/v1/mcp");
    CHECK(head.query == "names=strict");
    CHECK(head.authority == "localhost:8443");
    CHECK(head.minor_version == 1);
    CHECK(head.fields.size() == 5);
    CHECK(head.fields.field("x-empty") == "");
    CHECK(head.fields.field("X-BLANK") == "");
    CHECK(head.fields.field("Accept") == "a, b");
    CHECK(head.fields.count("accept") == 2);
    CHECK_FALSE(head.fields.field("Accep"));
}

TEST_CASE("pipelined requests are parsed one after the other") {
    const std::string first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string all = first + "\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n";
    RequestHeadParser parser(small_limits());
    RequestHead head;
    CHECK(parser.parse(all, head).used == first.size());
    parser.reset();
    const std::string rest = all.substr(first.size());
    const HeadParse parsed = parser.parse(rest, head);
    CHECK(parsed.state == Scan::kDone);
    CHECK(parsed.used == rest.size());
    CHECK(head.path == "/2");
    CHECK(head.authority == "b");
}

TEST_CASE("targets have the forms of RFC 9112 section 3.2") {
    struct TargetRow {
        const char* line;
        TargetForm form;
        const char* path;
        const char* query;
        const char* authority;
    };
    const TargetRow rows[] = {
        {"GET /", TargetForm::kOrigin, "/", "", "h"},
        {"GET /a/b?", TargetForm::kOrigin, "/a/b", "", "h"},
        {"GET /a?b?c=/d", TargetForm::kOrigin, "/a", "b?c=/d", "h"},
        {"GET //a", TargetForm::kOrigin, "//a", "", "h"},
        {"GET /%2e%2E/", TargetForm::kOrigin, "/%2e%2E/", "", "h"},
        {"GET /a:b@c[]|{}", TargetForm::kOrigin, "/a:b@c[]|{}", "", "h"},
        {"GET http://x.y:80/z?q", TargetForm::kAbsolute, "/z", "q", "x.y:80"},
        {"GET HTTPS://x", TargetForm::kAbsolute, "/", "", "x"},
        {"GET http://[::1]:8443?q", TargetForm::kAbsolute, "/", "q", "[::1]:8443"},
        {"OPTIONS *", TargetForm::kAsterisk, "*", "", "h"},
        {"brew-2 /pot", TargetForm::kOrigin, "/pot", "", "h"},  // the router's business
    };
    for (const TargetRow& row : rows) {
        INFO(row.line);
        const std::string in = std::string(row.line) + " HTTP/1.1\r\nHost: h\r\n\r\n";
        CHECK(refusal(in) == 0);
        RequestHead head;
        RequestHeadParser(small_limits()).parse(in, head);
        CHECK(head.form == row.form);
        CHECK(head.path == row.path);
        CHECK(head.query == row.query);
        CHECK(head.authority == row.authority);
    }
}

TEST_CASE("a malformed request line is refused as soon as it is there") {
    const std::string host = " HTTP/1.1\r\nHost: h\r\n\r\n";
    const Row rows[] = {
        {"GET /\r\n", 400},  // HTTP/0.9
        {"GET\r\n", 400},
        {"\r\n\r\nGET / HTTP/1.1\r\n", 400},  // one empty line is tolerated, not two
        {"\n", 400},
        {" GET / HTTP/1.1\r\n", 400},
        {"GET  / HTTP/1.1\r\n", 400},  // two blanks
        {"GET /  HTTP/1.1\r\n", 400},
        {"GET / HTTP/1.1 \r\n", 400},
        {"GET\t/\tHTTP/1.1\r\n", 400},
        {"GET / x HTTP/1.1\r\n", 400},
        {"G(T / HTTP/1.1\r\n", 400},
        {"G\xc3\x89T / HTTP/1.1\r\n", 400},
        {std::string(33, 'A') + " / HTTP/1.1\r\n", 400},
        {"GET / http/1.1\r\n", 400},  // the name is case-sensitive
        {"GET / HTTP/1\r\n", 400},
        {"GET / HTTP/11\r\n", 400},
        {"GET / HTTP/1.10\r\n", 400},
        {"GET / HTTP/1,1\r\n", 400},
        {"GET / HTTPS/1.1\r\n", 400},
        {"GET / HTTP/+1.1\r\n", 400},
        {"GET / HTTP/2.0\r\n", 505},
        {"GET / HTTP/0.9\r\n", 505},
        {"GET / HTTP/2.1\r\nA: \0"s, 505},  // the first error counts
        {"PRI * HTTP/2.0\r\n", 505},        // the preface of HTTP/2
        {"GET *" + host, 400},
        {"OPTIONS **" + host, 400},
        {"CONNECT example.org:443" + host, 400},
        {"CONNECT /" + host, 400},
        {"GET example.org/" + host, 400},
        {"GET ftp://x/" + host, 400},
        {"GET http:///x" + host, 400},    // no host in the URL
        {"GET http://u@x/" + host, 400},  // user information
        {"GET http://x:99999/" + host, 400},
        {"GET http://x:8o/" + host, 400},
        {"GET http://[::1/" + host, 400},
        {"GET /a#b" + host, 400},  // no fragment in a target
        {"GET /\"" + host, 400},
        {"GET /<>" + host, 400},
        {"GET /\\" + host, 400},
        {"GET /%" + host, 400},
        {"GET /%4" + host, 400},
        {"GET /%zz" + host, 400},
        {"GET /\xc3\xa9" + host, 400},  // must be percent-encoded
        {"GET /\x7f" + host, 400},
        {"GET /a\0b"s + host, 400},
        {"\x16\x03\x01\x02"s, 400},  // TLS spoken to a plain port
        {"GET /" + std::string(64, 'a') + host, 414},
        {"GET /" + std::string(500, 'a') + host, 414},
        {"GET /" + std::string(2000, 'a'), 414},
        {std::string(2000, 'a'), 414},
    };
    for (const Row& row : rows) {
        INFO(escape(row.in));
        CHECK(refusal(row.in) == row.status);
    }
    CHECK(refusal("GET /" + std::string(63, 'a') + host) == 0);
    CHECK(refusal("\r\nGET /" + host) == 0);
}

TEST_CASE("malformed fields are refused: what smugglers send") {
    const std::string line = "GET / HTTP/1.1\r\nHost: h\r\n";
    const Row rows[] = {
        {line + "A: b\n\r\n", 400},  // bare LF
        {line + "A: b\n\n", 400},
        {"GET / HTTP/1.1\nHost: h\n\n", 400},
        {line + "A: b\r\r\n\r\n", 400},  // bare CR
        {line + "A: b\rC: d\r\n\r\n", 400},
        {line + "\n", 400},
        {line + "\r\r\n", 400},
        {line + " folded: x\r\n\r\n", 400},  // obs-fold
        {line + "A: b\r\n c\r\n\r\n", 400},
        {line + "A: b\r\n\tc\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
        {line + "A : b\r\n\r\n", 400},  // a blank before the colon
        {line + "A\t: b\r\n\r\n", 400},
        {line + ": b\r\n\r\n", 400},  // no name
        {line + "A\r\n\r\n", 400},    // no colon
        {line + "A b: c\r\n\r\n", 400},
        {line + "A(b): c\r\n\r\n", 400},
        {line + "\xc3\x89: c\r\n\r\n", 400},
        {line + "A[0]: c\r\n\r\n", 400},
        {line + "A: b\0c\r\n\r\n"s, 400},
        {line + "A: b\x01\r\n\r\n", 400},
        {line + "A: b\x7f\r\n\r\n", 400},
        {line + "A: \x1b[31m\r\n\r\n", 400},
        {line + "A: b\x0b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
        {"GET / HTTP/1.1\r\nHos: h\r\n\r\n", 400},
        {line + "Host: h\r\n\r\n", 400},  // two, even if they agree
        {line + "hOST: i\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET http://x/ HTTP/1.1\r\n\r\n",
         400},  // no Host beside an absolute form either
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 0},  // sub-delims are legal in a name
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h:1:2\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400},
    };
    for (const Row& row : rows) {
        INFO(escape(row.in));
        CHECK(refusal(row.in) == row.status);
    }
    CHECK(refusal(line + "A: \xe9\xff\r\n\r\n") == 0);  // obs-text passes
    CHECK(refusal(line + "A: b\tc\r\n\r\n") == 0);
    CHECK(refusal("GET / HTTP/1.0\r\n\r\n") == 0);  // HTTP/1.0 needs no Host
    CHECK(refusal("GET / HTTP/1.1\r\nHost:\r\n\r\n") == 0);
    CHECK(refusal("GET / HTTP/1.1\r\nHost: [fe80::1]:80\r\n\r\n") == 0);
    CHECK(refusal(line) == -1);
}

TEST_CASE("too much is refused before it is kept") {
    const std::string line = "GET / HTTP/1.1\r\nHost: h\r\n";
    std::string seven = line;
    for (int i = 0; i < 7; ++i) {
        seven += "A: b\r\n";
    }
    CHECK(refusal(seven + "\r\n") == 0);
    CHECK(refusal(seven + "A: b\r\n\r\n") == 431);
    const size_t room =
        1024 - line.size() - 8;  // behind "A: ", CRLF and the empty line
    CHECK(refusal(line + "A: " + std::string(room + 1, 'x') + "\r\n\r\n") == 0);
    CHECK(refusal(line + "A: " + std::string(room + 2, 'x') + "\r\n\r\n") == 431);
    CHECK(refusal(line + std::string(5000, 'x')) == 431);
}

TEST_CASE("an absolute form names the host, whatever the Host field says") {
    RequestHead head;
    RequestHeadParser parser(small_limits());
    parser.parse("GET http://real/ HTTP/1.1\r\nHost: other\r\n\r\n", head);
    CHECK(head.authority == "real");
    CHECK(head.fields.field("host") == "other");
}

TEST_CASE("a response head is taken apart") {
    const std::string in = "HTTP/1.1 404 Not Found \r\nA: b\r\n\r\nrest";
    ResponseHead head;
    const HeadParse parsed = ResponseHeadParser(small_limits()).parse(in, head);
    CHECK(parsed.state == Scan::kDone);
    CHECK(parsed.used == in.size() - 4);
    CHECK(head.status == 404);
    CHECK(head.reason == "Not Found ");
    CHECK(head.minor_version == 1);
    CHECK(head.fields.field("a") == "b");
    CHECK(response_refusal(in) == 0);
    CHECK(response_refusal("HTTP/1.0 200 \r\n\r\n") == 0);
    CHECK(response_refusal("HTTP/1.1 200\r\n\r\n") == 0);
    CHECK(response_refusal("HTTP/1.1 200 caf\xe9\r\n\r\n") == 0);
}

TEST_CASE("a malformed response is a bad gateway") {
    for (const std::string& in : {
             "HTTP/2 200 OK\r\n\r\n"s,
             "HTTP/1.1  200 OK\r\n\r\n"s,
             "HTTP/1.1 20 OK\r\n\r\n"s,
             "HTTP/1.1 2000 OK\r\n\r\n"s,
             "HTTP/1.1 +20 OK\r\n\r\n"s,
             "HTTP/1.1 099 OK\r\n\r\n"s,
             "HTTP/1.1 600 OK\r\n\r\n"s,
             "HTTP/1.1 200OK\r\n\r\n"s,
             "HTTP/1.1\r\n\r\n"s,
             "ICY 200 OK\r\n\r\n"s,
             "HTTP/1.1 200 OK\nA: b\n\n"s,
             "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"s,
             "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"s,
             "HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n"s,
             "HTTP/1.1 200 O\0K\r\n\r\n"s,
             "<html>\r\n\r\n"s,
             "HTTP/1.1 200 OK\r\n" + std::string(2000, 'x'),
         }) {
        INFO(escape(in));
        CHECK(response_refusal(in) == 502);
    }
}

TEST_CASE("lists are read across field lines, without case") {
    HttpFields fields;
    fields.add({"Connection", "Upgrade ,  keep-alive"});
    fields.add({"connection", ",close"});
    fields.add({"Expect", "100-Continue"});
    CHECK(fields.has_token("connection", "UPGRADE"));
    CHECK(fields.has_token("connection", "keep-alive"));
    CHECK(fields.has_token("Connection", "close"));
    CHECK(fields.has_token("expect", "100-continue"));
    CHECK_FALSE(fields.has_token("connection", "keep"));
    CHECK_FALSE(fields.has_token("connection", "alive"));
    CHECK_FALSE(fields.has_token("expect", "close"));
}

TEST_CASE("connections are kept as version and Connection say") {
    const auto kept = [](int minor, std::string_view connection) {
        HttpFields fields;
        if (!connection.empty()) {
            fields.add({"Connection", connection});
        }
        return keeps_alive(minor, fields);
    };
    CHECK(kept(1, ""));
    CHECK(kept(1, "keep-alive"));
    CHECK(kept(1, "Upgrade"));
    CHECK_FALSE(kept(1, "close"));
    CHECK_FALSE(kept(1, "keep-alive, Close"));
    CHECK_FALSE(kept(0, ""));
    CHECK(kept(0, "Keep-Alive"));
    CHECK_FALSE(kept(0, "keep-alive, close"));
}
