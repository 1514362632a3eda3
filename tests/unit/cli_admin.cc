#include "neurond/cli/admin.h"

#include <doctest/doctest.h>

#include <string>

#include "neurond/cli/config_place.h"
#include "neurond/cli/tool_result.h"

using namespace neuron;

TEST_CASE("status is told in lines") {
    const char* json =
        R"({"version":"0.1.0","pid":42,"uptime_seconds":7500,"state":"ready",)"
        R"("listeners":["127.0.0.1:8443","unix:/run/x.sock"],)"
        R"("downstreams":{"total":4,"healthy":3},"tools":17,"sessions":2,)"
        R"("clients":[{"revision":"2025-11-25","era":"legacy","sessions":2,"calls":17},)"
        R"({"revision":"2026-07-28","era":"modern","sessions":0,"calls":5}],)"
        R"("connections":3,"calls_in_flight":1})";
    CHECK(status_text(JsonView(json)) ==
          "state            ready\n"
          "version          0.1.0\n"
          "pid              42\n"
          "uptime           2h 5m\n"
          "listeners        127.0.0.1:8443 unix:/run/x.sock\n"
          "downstreams      3 of 4 healthy\n"
          "tools            17\n"
          "sessions         2\n"
          "clients          2025-11-25: 2 sessions, 17 calls; 2026-07-28: 5 calls\n"
          "connections      3\n"
          "calls            1 in flight\n");
}

TEST_CASE("servers are a table, or a sentence") {
    const char* json =
        R"([{"name":"redis","state":"healthy","era":"2025-11-25","tools":12,"restarts":0,)"
        R"("uptime_seconds":61,"last_error":null,"pid":7},)"
        R"({"name":"linux","state":"failed","era":null,"tools":0,"restarts":3,)"
        R"("uptime_seconds":null,"last_error":"exited\nwith status 1","pid":null}])";
    CHECK(servers_text(JsonView(json), 0) ==
          "NAME   STATE    ERA         TOOLS  RESTARTS  UPTIME  LAST ERROR\n"
          "redis  healthy  2025-11-25     12         0   1m 1s  -\n"
          "linux  failed   -               0         3       -  exited\\nwith status "
          "1\n");
    CHECK(servers_text(JsonView("[]"), 0) == "No downstreams configured.\n");
}

TEST_CASE("one server is told in full, its stderr last") {
    const char* json =
        R"({"name":"redis","stderr":["one","two \u001b[31m"],"state":"healthy",)"
        R"("uptime_seconds":61,"last_error":null})";
    CHECK(server_text(JsonView(json)) ==
          "name             redis\n"
          "state            healthy\n"
          "uptime           1m 1s\n"
          "stderr\n"
          "  one\n"
          "  two \\x1b[31m\n");
}

TEST_CASE("the history is a table, with tenths for what died at once") {
    const char* json =
        R"([{"time":"2026-11-21T12:03:07.123Z","uptime_seconds":0.104,)"
        R"("status":"exited with status 3","next":"start 1 of 3 in 1000 ms",)"
        R"("reason":"exited with status 3; its last words: x\u001b"},)"
        R"({"time":"2026-11-21T12:04:08.000Z","uptime_seconds":74,"status":"",)"
        R"("next":"given up: x","reason":"hangs"}])";
    CHECK(history_text(JsonView(json), 0) ==
          "TIME                  UPTIME  NEXT                     REASON\n"
          "2026-11-21T12:03:07Z  0.104s  start 1 of 3 in 1000 ms  exited with status 3; "
          "its last words: x\\x1b\n"
          "2026-11-21T12:04:08Z  1m 14s  given up: x              hangs\n");
    CHECK(history_text(JsonView("[]"), 0) == "It has not ended so far.\n");
}

TEST_CASE("lines of stderr are printed as lines, whatever is in them") {
    CHECK(logs_text(JsonView(R"([{"line":"one"},{"line":"t\u001b[31mwo"}])")) ==
          "one\nt\\x1b[31mwo\n");
    CHECK(logs_text(JsonView("[]")).empty());
}

TEST_CASE("tools are filtered by their full name, their bytes kept") {
    const char* json =
        R"([ {"name":"a.one","server":"a","title":"One","description":"First\nline"},)"
        R"({"name":"a.two", "server":"a","x":1E5},{"name":"b.one","server":"b"} ])";
    CHECK(filter_tools(JsonView(json), "a.t*") ==
          R"([{"name":"a.two", "server":"a","x":1E5}])");
    CHECK(filter_tools(JsonView(json), "none") == "[]");
    CHECK(tools_text(JsonView(json), 0) ==
          "NAME   SERVER  DESCRIPTION\n"
          "a.one  a       First\\nline\n"
          "a.two  a       -\n"
          "b.one  b       -\n");
    CHECK(tools_text(JsonView("[]"), 0).empty());
}

TEST_CASE("a refusal is told in the daemon's own words, where it has some") {
    const struct {
        const char* body;
        const char* text;
    } rows[] = {
        {R"({"error":"no downstream 'x'"})", "no downstream 'x'"},
        {R"({"error":{"message":"no"}})", "no"},
        {R"({"message":"no"})", "no"},
        {R"({"status":"starting"})", "starting"},
        {R"({"error":5})", "HTTP status 404"},
        {"", "HTTP status 404"},
        {"<html>", "HTTP status 404"},
    };
    for (const auto& row : rows) {
        ControlReply reply;
        reply.status = 404;
        reply.body = row.body;
        CHECK(refusal_text(reply) == row.text);
    }
}

TEST_CASE("a tool's result is shown as its text") {
    const struct {
        const char* result;
        const char* text;
    } rows[] = {
        {R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b\n"}]})",
         "a\nb\n"},
        {R"({"content":[{"type":"image","mimeType":"image/png","data":"AAAA"}]})",
         "[image image/png]\n"},
        {R"({"content":[{"type":"resource_link","uri":"file:///x","name":"x"}]})",
         "[resource file:///x]\n"},
        {R"({"content":[{"type":"resource","resource":{"uri":"u:1","text":"inside"}}]})",
         "inside\n"},
        {R"({"content":[{"type":"resource","resource":{"uri":"u:1","blob":"AA"}}]})",
         "[resource u:1]\n"},
        {R"({"content":[],"structuredContent":{"n": 1.10}})", "{\"n\": 1.10}\n"},
        // Structured content beside text says the same again.
        {R"({"content":[{"type":"text","text":"a"}],"structuredContent":{"n":1}})",
         "a\n"},
        {R"({"content":[]})", ""},
        {R"({"content":[5,{"type":7}]})", "[content]\n[content]\n"},
        {"{}", ""},
    };
    for (const auto& row : rows) {
        CHECK(result_text(row.result) == row.text);
    }
    CHECK(result_is_error(R"({"isError":true})"));
    CHECK_FALSE(result_is_error(R"({"isError":false})"));
    CHECK_FALSE(result_is_error("{}"));
}

TEST_CASE("the configuration is looked for in order, and what is missing is named") {
    const ConfigPlaces none{"/nonexistent/a.conf", "nonexistent.conf"};
    CHECK(*find_config("given.conf", none) == "given.conf");
    CHECK(find_config("", none).error().message ==
          "find configuration: there is neither /nonexistent/a.conf nor "
          "./nonexistent.conf; name a file with -c");
    const ConfigPlaces root{"/nonexistent/a.conf", ""};
    CHECK(find_config("", root).error().message ==
          "find configuration: there is no /nonexistent/a.conf; name a file with -c");
    CHECK(*find_config("", {"/proc/self/stat", "/proc/self/maps"}) ==
          "/proc/self/stat");
    CHECK(*find_config("", {"/nonexistent/a.conf", "/proc/self/maps"}) ==
          "/proc/self/maps");
    // In the way of the path stands a file: there is none behind it.
    CHECK(*find_config("", {"/proc/self/stat/x", "/proc/self/maps"}) ==
          "/proc/self/maps");
}
