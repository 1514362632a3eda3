#include "neurond/back/opened_urls.h"

#include <doctest/doctest.h>

#include <string>

using namespace neuron;

TEST_CASE("a URL that is done is told of to the session that was asked to open it") {
    OpenedUrls urls;
    urls.asked(R"({"mode":"url","elicitationId":"a","url":"http://x"})", "one");
    urls.asked(R"({"mode":"form","elicitationId":"b"})", "one");
    urls.asked(R"({"mode":"url","url":"http://x"})", "one");
    urls.refused(R"({"code":-32042,"data":{"elicitations":[{"elicitationId":"c"},)"
                 R"({"elicitationId":"d"},{}]}})",
                 "two");
    urls.refused(R"({"code":-32041,"data":{"elicitations":[{"elicitationId":"e"}]}})",
                 "two");
    urls.refused(R"("nonsense")", "two");
    CHECK(urls.take(R"({"elicitationId":"d"})") == "two");
    CHECK(urls.take(R"({"elicitationId":"d"})").empty());
    CHECK(urls.take(R"({"elicitationId":"a"})") == "one");
    for (const char* none : {R"({"elicitationId":"b"})", R"({"elicitationId":"e"})",
                             R"({"elicitationId":""})", "{}", ""}) {
        CHECK(urls.take(none).empty());
    }
}

TEST_CASE("only the latest are kept") {
    OpenedUrls urls;
    for (int i = 0; i < 1000; ++i) {
        urls.asked(R"({"mode":"url","elicitationId":")" + std::to_string(i) + "\"}", "p");
    }
    CHECK(urls.take(R"({"elicitationId":"0"})").empty());
    CHECK(urls.take(R"({"elicitationId":"999"})") == "p");
}
