#include <doctest/doctest.h>

#include <string>

#include "exact.h"
#include "neurond/base/url.h"

using namespace neuron;

TEST_CASE("a URL is taken apart") {
    struct Row {
        std::string_view text;
        const char* scheme;
        const char* host;
        bool ipv6;
        unsigned port;
        const char* path_and_query;
    };
    const Row rows[] = {
        {"http://127.0.0.1:8080/api/v1/mcp", "http", "127.0.0.1", false, 8080,
         "/api/v1/mcp"},
        {"https://host", "https", "host", false, 443, "/"},       // no path
        {"http://host?a=b", "http", "host", false, 80, "/?a=b"},  // a query without one
        {"http://host/", "http", "host", false, 80, "/"},
        {"ws://h.example/x", "ws", "h.example", false, 80, "/x"},
        {"wss://HUB.Example:8443/node", "wss", "hub.example", false, 8443, "/node"},
        {"HTTP://h/", "http", "h", false, 80, "/"},  // case of the scheme
        {"https://[::1]/", "https", "::1", true, 443, "/"},
        {"https://[2001:DB8::1]:1/", "https", "2001:db8::1", true, 1, "/"},
        {"http://my_service:65535/", "http", "my_service", false, 65535, "/"},
        {"http://h./", "http", "h.", false, 80, "/"},  // fully qualified
        {"http://h/A%20b?x=/?&y[", nullptr, "", false, 0,
         ""},  // '[' must be written %5B
        {"http://h/A%20b?x=/?&y=~!$'()*+,;:@", "http", "h", false, 80,
         "/A%20b?x=/?&y=~!$'()*+,;:@"},
        {"http://h//x", "http", "h", false, 80, "//x"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Exact text(row.text);
        const Result<Url> url = parse_url(text.view());
        REQUIRE(static_cast<bool>(url) == (row.scheme != nullptr));
        if (url) {
            CHECK(url->scheme == row.scheme);
            CHECK(url->host == row.host);
            CHECK(url->ipv6 == row.ipv6);
            CHECK(url->port == row.port);
            CHECK(url->path_and_query == row.path_and_query);
        }
    }
}

TEST_CASE("a URL that could be read in two ways is refused") {
    const std::string_view bad[] = {
        "",
        "host/path",
        "//host/",
        "http:/host/",
        "http://",
        "http:///path",
        "http://:80/",
        "ftp://host/",
        "://host/",
        "http ://host/",
        " http://host/",
        "http://host/ ",
        "http://ho st/",
        "http://host/a b",
        "http://host/a\tb",
        {"http://host/\0", 13},
        {"http://ho\0st/", 13},
        "http://host/a\r\nX: y",
        "http://host\n/",
        "http://user@host/",
        "http://user:password@host/",
        "http://host/#part",
        "http://host#part",
        "http://host/\xc3\xbc",
        "http://h\xc3\xbcst/",
        "http://host\\@other/",
        "http://host:/",
        "http://host:0/",
        "http://host:65536/",
        "http://host:99999999999999999999/",
        "http://host:000080/",
        "http://host:-1/",
        "http://host:80:80/",
        "http://::1/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[]/",
        "http://[127.0.0.1]/",
        "http://[fe80::1%eth0]/",
        "http://[fe80::1%25eth0]/",
        {"http://[::1\0]/", 14},
        "http://.host/",
        "http://a..b/",
        "http://./",
        "http://ho%73t/",
        "http://host/%",
        "http://host/%4",
        "http://host/%zz",
        "http://host/<x>",
    };
    for (const std::string_view text : bad) {
        CAPTURE(text);
        const Result<Url> url = parse_url(Exact(text).view());
        CHECK_FALSE(static_cast<bool>(url));
        if (!url) {
            CHECK(url.error().message.rfind("parse URL: ", 0) == 0);
        }
    }
}

TEST_CASE("no cut of a URL makes the parser read behind it") {
    const std::string_view text = "https://[2001:db8::1]:8443/a%20b?c=d";
    for (size_t n = 0; n <= text.size(); ++n) {
        const Exact part(text.substr(0, n));
        const Result<Url> url = parse_url(part.view());
        if (url) {
            CHECK(url->host == "2001:db8::1");
        }
    }
}

TEST_CASE("messages about a URL do not repeat it") {
    const Result<Url> url = parse_url("http://user:secret@host/");
    REQUIRE_FALSE(static_cast<bool>(url));
    CHECK(url.error().message.find("secret") == std::string::npos);
}

TEST_CASE("a Host field is a host and perhaps a port") {
    struct Row {
        std::string_view text;
        const char* host;
        bool ipv6;
        unsigned port;
    };
    const Row rows[] = {
        {"localhost:8443", "localhost", false, 8443},
        {"LocalHost", "localhost", false, 0},  // no port given
        {"[::1]:80", "::1", true, 80},
        {"[::1]", "::1", true, 0},
        {"127.0.0.1:1", "127.0.0.1", false, 1},
        {"a-b.c_d.e", "a-b.c_d.e", false, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Exact text(row.text);
        const Result<HostPort> host = parse_host_port(text.view());
        REQUIRE(static_cast<bool>(host));
        CHECK(host->host == row.host);
        CHECK(host->ipv6 == row.ipv6);
        CHECK(host->port == row.port);
    }
}

TEST_CASE("a Host field that is none is refused") {
    for (const std::string_view text :
         {"", ":80", "host:", "host:x", "host:80 ", " host", "a,b", "host/", "::1",
          "[::1", "[::1]80", "[::1]:", "user@host", "ho st", "host:+80",
          "h\xc3\xb6st"}) {
        CAPTURE(text);
        CHECK_FALSE(static_cast<bool>(parse_host_port(Exact(text).view())));
    }
}

TEST_CASE("a host has at most the length of a DNS name") {
    CHECK(static_cast<bool>(parse_host_port(std::string(253, 'a'))));
    CHECK_FALSE(static_cast<bool>(parse_host_port(std::string(254, 'a'))));
}
