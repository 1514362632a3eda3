#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"

using namespace neuron;

TEST_CASE("names under which secrets are kept") {
    for (const char* name : {"API_TOKEN", "secret", "DbPassword", "SSH_KEY", "key_path",
                             "Authorization", "AWS_CREDENTIALS", "passwd", "MYSQL_PWD",
                             "Cookie", "SSH_PASSPHRASE", "X-Auth", "BASIC_AUTH", "auth",
                             "dbAuth"}) {
        CHECK(is_secret_name(name));
    }
    for (const char* name : {"", "PATH", "HOME", "REDIS_URL", "tok", "PWD", "OLDPWD",
                             "author", "SSH_AUTH_SOCK", "X-Author", "pass_through"}) {
        CHECK_FALSE(is_secret_name(name));
    }
}

TEST_CASE("a known secret is masked wherever it stands, and nothing else is") {
    CHECK(mask_secrets("a first-secret-of-unit b") == "a first-secret-of-unit b");
    learn_secret("first-secret-of-unit");
    CHECK(mask_secrets("a first-secret-of-unit b") == "a *** b");
    CHECK(mask_secrets("first-secret-of-unitfirst-secret-of-unit") == "******");
    CHECK(mask_secrets("first-secret-of-uni") == "first-secret-of-uni");
    CHECK(mask_secrets("") == "");
}

TEST_CASE("a secret within another leaves nothing of it") {
    learn_secret("inner-of-unit");
    learn_secret("outer-inner-of-unit-outer");
    CHECK(mask_secrets("x outer-inner-of-unit-outer x") == "x *** x");
    CHECK(mask_secrets("x inner-of-unit x") == "x *** x");
}

TEST_CASE("what is too short to be told from other text is not masked") {
    learn_secret("us");
    learn_secret("");
    learn_secret("***");
    CHECK(mask_secrets("us and ***") == "us and ***");
}

TEST_CASE("the credentials of a header field, and the lines of a key, are secrets alone") {
    learn_secret("Bearer credential-of-unit");
    CHECK(mask_secrets("got credential-of-unit") == "got ***");
    CHECK(mask_secrets("Authorization: Bearer credential-of-unit") == "Authorization: ***");
    learn_secret("-----BEGIN UNIT-----\nline-one-of-unit\r\nline-two-of-unit\n");
    CHECK(mask_secrets("line-two-of-unit, line-one-of-unit") == "***, ***");
}

TEST_CASE("of basic credentials the password is a secret, too") {
    learn_secret("Basic dXNlcjpiYXNpYy1vZi11bml0");  // user:basic-of-unit
    CHECK(mask_secrets("user, basic-of-unit, dXNlcjpiYXNpYy1vZi11bml0") ==
          "user, ***, ***");
    learn_secret("Basic bm8gY29sb24=");
    learn_secret("Basic ***");
    CHECK(mask_secrets("no colon") == "no colon");
}

TEST_CASE("what is secret for one request is forgotten after it") {
    const std::vector<std::string> also = {"once-of-\"unit", "us", ""};
    CHECK(mask_secrets("a once-of-\"unit, once-of-\\\"unit us", also) == "a ***, *** us");
    CHECK(mask_cut_secrets("a once-of-\"unit, once-of", also) == "a ***, ***");
    CHECK(mask_secrets("a once-of-\"unit") == "a once-of-\"unit");
}

TEST_CASE("a secret is found as it is written elsewhere") {
    const std::string secret = "quote\"back\\slash\nwritten-of-unit";
    learn_secret(secret);
    CHECK(mask_secrets("a " + secret) == "a ***");
    CHECK(mask_secrets("a " + escape(secret, 100)) == "a ***");
    CHECK(mask_secrets("a quote\\\"back\\\\slash") == "a ***");
}

TEST_CASE("of a URL, values that are called like secrets are masked") {
    struct Row {
        const char* url;
        const char* shown;
    };
    const Row rows[] = {
        {"https://a.example/mcp", "https://a.example/mcp"},
        {"https://a.example/mcp?", "https://a.example/mcp?"},
        {"https://a.example/?x=1&y=2", "https://a.example/?x=1&y=2"},
        {"https://a.example/?api_key=abc&y=2", "https://a.example/?api_key=***&y=2"},
        {"https://a.example/?y&token=a=b", "https://a.example/?y&token=***"},
        {"https://a.example/?token", "https://a.example/?token"},  // no value
        {"http://u:pw@a.example/?x", "http://u:***@a.example/?x"},
        {"http://u@a.example/", "http://u@a.example/"},
        {"http://a.example:80/@b", "http://a.example:80/@b"},
    };
    for (const Row& row : rows) {
        CHECK(mask_url(row.url) == row.shown);
        CHECK(mask_url(row.shown) == row.shown);
    }
}

TEST_CASE("secrets of URLs are masked wherever these stand, and known from then on") {
    const std::string text = "--db=pg://u:pass-of-unit@h:1/x amqp://:other%2fof-unit@h";
    CHECK(mask_urls(text) == "--db=pg://u:***@h:1/x amqp://:***@h");
    CHECK(mask_urls("a://b: c@d") == "a://b: c@d");
    CHECK(mask_urls("'a://h/?x=1&password=b&token=c#key=d' e://u:f@h?key=g&y") ==
          "'a://h/?x=1&password=***&token=***#key=d' e://u:***@h?key=***&y");
    CHECK(mask_urls("a://h?token=&key b://h:80/?tokens c?token=d") ==
          "a://h?token=&key b://h:80/?tokens c?token=d");
    CHECK(mask_urls("a://h/?u=b://u:c@i/&token=d") == "a://h/?u=b://u:***@i/&token=***");
    learn_urls(text);
    CHECK(mask_secrets("pass-of-unit, other/of-unit, u") == "***, ***, u");
}

TEST_CASE("a secret is found as JSON and URLs of others write it") {
    learn_secret("sl/ash&\xc3\xbc\xf0\x9f\x98\x80-of-unit");
    for (const char* form :
         {"sl\\/ash&\xc3\xbc\xf0\x9f\x98\x80-of-unit",
          "sl/ash&\\u00fc\\ud83d\\ude00-of-unit",
          "sl/ash\\u0026\\u00fc\\ud83d\\ude00-of-unit",
          "sl/ash&\\u00FC\\uD83D\\uDE00-of-unit",
          "sl%2Fash%26%C3%BC%F0%9F%98%80-of-unit",
          "sl%2fash%26%c3%bc%f0%9f%98%80-of-unit"}) {
        CHECK(mask_secrets(form) == "***");
    }
}

TEST_CASE("of a URL that came from a file, scheme and host are told") {
    CHECK(mask_url("https://a.example/mcp/abc?x", true) == "https://a.example/***");
    CHECK(mask_url("https://a.example?x", true) == "https://a.example/***");
    CHECK(mask_url("https://a.example", true) == "https://a.example");
    CHECK(mask_url("not a URL", true) == "/***");
}

TEST_CASE("what is secret in a URL is known from then on") {
    learn_url("http://user:userinfo-of-unit@h/?token=query-of-unit&x=plain-of-unit", false);
    CHECK(mask_secrets("userinfo-of-unit query-of-unit plain-of-unit") ==
          "*** *** plain-of-unit");
    learn_url("http://h/path-of-unit", true);
    CHECK(mask_secrets("GET /path-of-unit") == "GET ***");
}

TEST_CASE("a secret that was cut is masked as far as it is there") {
    learn_secret("very-long-secret-of-unit");
    CHECK(mask_cut_secrets("a very-long-secret-of-unit b very-lo") == "a *** b ***");
    CHECK(mask_cut_secrets("a very-long-secret-of-uni") == "a ***");
    CHECK(mask_cut_secrets("a very") == "a very");  // that may be anything
    CHECK(mask_cut_secrets("very-long b") == "very-long b");
}

TEST_CASE("of arguments, what a secret's option says or is followed by is masked") {
    const std::vector<std::string> given = {"--mode",  "x",       "--token", "abc",
                                            "--key=d", "-p",      "--password", "--next",
                                            "y"};
    const std::vector<std::string> shown = {"--mode",    "x",  "--token", "***",
                                            "--key=***", "-p", "--password", "--next",
                                            "y"};
    ArgumentMask mask;
    for (size_t i = 0; i < given.size(); ++i) {
        CHECK(mask.next(given[i], false) == shown[i]);
    }
    CHECK(mask.next("from-a-file", true) == "***");
}
