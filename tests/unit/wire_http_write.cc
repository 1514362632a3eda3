#include "neurond/wire/http_write.h"

#include <doctest/doctest.h>

#include <string>

#include "neurond/wire/http_body.h"
#include "neurond/wire/http_head.h"

using namespace neuron;
using namespace std::string_literals;

TEST_CASE("a written response head reads back as itself") {
    HttpHeadWriter writer = HttpHeadWriter::response(404);
    writer.field("Content-Type", "application/json").field("Content-Length", 12);
    writer.field("X-Empty", "");
    OutQueue out;
    writer.finish(out);
    CHECK(out.to_string() ==
          "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
          "Content-Length: 12\r\nX-Empty: \r\n\r\n");
    ResponseHead head;
    const std::string text = out.to_string();
    CHECK(ResponseHeadParser(HeadLimits{}).parse(text, head).used == text.size());
    CHECK(head.status == 404);
    CHECK(response_framing(head, false).length == 12);
}

TEST_CASE("a written request head reads back as itself") {
    HttpHeadWriter writer = HttpHeadWriter::request("POST", "/mcp?x=%20");
    writer.field("Host", "localhost:1");
    OutQueue out;
    writer.finish(out);
    RequestHead head;
    const std::string text = out.to_string();
    CHECK(RequestHeadParser(HeadLimits{}).parse(text, head).state == Scan::kDone);
    CHECK(head.target == "/mcp?x=%20");
}

TEST_CASE("foreign fields that could split a head are left out") {
    HttpHeadWriter writer = HttpHeadWriter::response(200);
    for (const std::string& value : {"a\r\nSet-Cookie: x"s, "a\nb"s, "a\rb"s, "a\0b"s,
                                     "\x7f"s, " a"s, "a\t"s, "\x1b"s}) {
        CHECK_FALSE(writer.try_field("X", value));
    }
    for (const std::string& name :
         {""s, "a b"s, "a:"s, "a\r\nb"s, "\xc3\xa9"s, "a\0"s}) {
        CHECK_FALSE(writer.try_field(name, "v"));
    }
    CHECK(writer.try_field("X-Ok", "caf\xc3\xa9, \"q\"\tz"));
    OutQueue out;
    writer.finish(out);
    CHECK(out.to_string() == "HTTP/1.1 200 OK\r\nX-Ok: caf\xc3\xa9, \"q\"\tz\r\n\r\n");
}

TEST_CASE("chunks are framed; an empty one is not written") {
    OutQueue out;
    write_chunk(out, "hello");
    write_chunk(out, "");
    write_chunk(out, OutQueue());
    OutQueue body;
    body.write(std::string(26, 'x'));
    write_chunk(out, std::move(body));
    write_last_chunk(out);
    CHECK(out.to_string() ==
          "5\r\nhello\r\n1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
}

TEST_CASE("dates are written as RFC 9110 has them") {
    CHECK(imf_fixdate(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(imf_fixdate(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(imf_fixdate(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
    CHECK(imf_fixdate(4102444799) == "Thu, 31 Dec 2099 23:59:59 GMT");
}

TEST_CASE("statuses have their phrases") {
    CHECK(reason_phrase(200) == "OK"s);
    CHECK(reason_phrase(202) == "Accepted"s);
    CHECK(reason_phrase(431) == "Request Header Fields Too Large"s);
    CHECK(reason_phrase(505) == "HTTP Version Not Supported"s);
    CHECK(reason_phrase(299) == "Unknown"s);
}
