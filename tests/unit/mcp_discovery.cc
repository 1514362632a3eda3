#include "neurond/mcp/discovery.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace neuron;

namespace {

using Step = Discovery::Step;

const char* const kModernResult =
    R"({"resultType":"complete","supportedVersions":["2026-07-28"],)"
    R"("capabilities":{"tools":{"listChanged":true}},)"
    R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m","version":"2"}}})";
const char* const kLegacyResult =
    R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{}},)"
    R"("serverInfo":{"name":"l","version":"1"}})";

std::string error(int code, const std::string& data = {}) {
    return "{\"code\":" + std::to_string(code) + R"(,"message":"m")" +
           (data.empty() ? "" : ",\"data\":" + data) + "}";
}

Discovery probing(bool http = false, Protocol protocol = Protocol::kAuto) {
    Discovery out(protocol, http);
    REQUIRE(out.begin() == Step::kDiscover);
    REQUIRE(out.probing());
    return out;
}

Discovery initializing(bool http = false) {
    Discovery out(Protocol::kLegacy, http);
    REQUIRE(out.begin() == Step::kInitialize);
    return out;
}

}  // namespace

TEST_CASE("a result decides by the versions it lists") {
    struct Row {
        const char* versions;
        Step step;
    };
    const Row rows[] = {
        {R"(["2026-07-28"])", Step::kReady},
        {R"(["2025-11-25","2026-07-28"])", Step::kReady},    // dual: modern is preferred
        {R"(["2027-01-01","2026-07-28"])", Step::kReady},    // one of ours among others
        {R"(["2025-11-25"])", Step::kInitialize},
        {R"(["2024-11-05","2099-01-01"])", Step::kInitialize},
        {R"(["2027-01-01"])", Step::kFailed},                // nothing of ours
        {R"(["2024-10-07"])", Step::kFailed},                // known to SDKs only
        {"[]", Step::kFailed},
        {"[7,null,{}]", Step::kFailed},
        {R"("2026-07-28")", Step::kFailed},                  // no list
        {"null", Step::kFailed},
    };
    for (const bool http : {false, true}) {
        for (const Row& row : rows) {
            CAPTURE(row.versions);
            Discovery discovery = probing(http);
            CHECK(discovery.on_result(std::string(R"({"supportedVersions":)") +
                                      row.versions + "}") == row.step);
            CHECK((row.step != Step::kFailed || !discovery.why().empty()));
        }
    }
    // not what a modern server says: it answers anything like that
    CHECK(probing().on_result("{}") == Step::kInitialize);
    CHECK(probing(false, Protocol::kModern).on_result("{}") == Step::kFailed);
}

TEST_CASE("what a modern server says of itself is kept") {
    Discovery discovery = probing();
    CHECK(discovery.on_result(kModernResult) == Step::kReady);
    CHECK(discovery.hello().revision == Revision::k20260728);
    CHECK(discovery.hello().caps.tools);
    CHECK(discovery.hello().name == "m");
    CHECK(discovery.hello().version == "2");
}

TEST_CASE("no single error code means legacy: all but one do") {
    for (const int code : {-32601, -32602, -32600, -32603, -32700, -32000, -32001, -32004,
                           -32020, -32021, -32042, 0, 1, 404}) {
        for (const bool http : {false, true}) {
            CAPTURE(code);
            Discovery discovery = probing(http);
            CHECK(discovery.on_error(error(code)) == Step::kInitialize);
            CHECK_FALSE(discovery.probing());
            CHECK(discovery.on_result(kLegacyResult) == Step::kReady);
            CHECK(discovery.hello().revision == Revision::k20250618);
            CHECK(discovery.hello().name == "l");
            CHECK_FALSE(discovery.hello().caps.prompts);
        }
    }
}

TEST_CASE("a refused version leads to what the server names instead") {
    struct Row {
        const char* data;
        Step step;
    };
    const Row rows[] = {
        {R"({"supported":["2026-07-28"]})", Step::kDiscover},  // even the one just refused
        {R"({"supported":["2025-11-25","2026-07-28"]})", Step::kDiscover},
        {R"({"supported":["2025-11-25"]})", Step::kInitialize},
        {R"({"supported":["2027-01-01"]})", Step::kFailed},
        {R"({"supported":[]})", Step::kFailed},
        {R"({"supported":"2026-07-28"})", Step::kFailed},
        {"{}", Step::kFailed},
        {"7", Step::kFailed},
        {"", Step::kFailed},
    };
    for (const Row& row : rows) {
        CAPTURE(row.data);
        Discovery discovery = probing();
        CHECK(discovery.on_error(error(-32022, row.data)) == row.step);
    }
    // once, not for ever
    Discovery again = probing();
    CHECK(again.on_error(error(-32022, rows[0].data)) == Step::kDiscover);
    CHECK(again.on_error(error(-32022, rows[0].data)) == Step::kFailed);
    Discovery better = probing();
    CHECK(better.on_error(error(-32022, rows[0].data)) == Step::kDiscover);
    CHECK(better.on_result(kModernResult) == Step::kReady);
}

TEST_CASE("silence means legacy on a pipe and an outage over HTTP") {
    CHECK(probing(false).on_silence() == Step::kInitialize);
    CHECK(probing(true).on_silence() == Step::kFailed);
    CHECK(initializing().on_silence() == Step::kFailed);
}

TEST_CASE("a process that ends when probed is started again as a legacy one") {
    Discovery discovery = probing();
    CHECK(discovery.on_end() == Step::kRestart);
    CHECK(discovery.begin() == Step::kInitialize);
    CHECK(discovery.on_end() == Step::kFailed);      // and ends again: that is all
    CHECK(discovery.begin() == Step::kInitialize);   // what was found out is kept
    CHECK(discovery.on_result(kLegacyResult) == Step::kReady);
    CHECK(probing(true).on_end() == Step::kFailed);  // a lost connection says nothing
}

TEST_CASE("HTTP statuses that are outages or ask for a login are no verdict") {
    for (const int status : {400, 404, 405, 406, 415, 422}) {
        CAPTURE(status);
        CHECK(probing(true).on_status(status, "x") == Step::kInitialize);
        Discovery second = initializing(true);
        CHECK(second.on_status(status, "the reason") == Step::kFailed);
        CHECK(second.why() == "the reason");
    }
    for (const int status : {0, 302, 401, 403, 408, 429, 500, 502, 503, 504}) {
        CAPTURE(status);
        Discovery discovery = probing(true);
        CHECK(discovery.on_status(status, "the reason") == Step::kFailed);
        CHECK(discovery.why() == "the reason");
        CHECK(discovery.begin() == Step::kDiscover);  // so it is probed again later
    }
}

TEST_CASE("a verdict holds for the processes that follow") {
    Discovery modern = probing();
    CHECK(modern.on_result(kModernResult) == Step::kReady);
    CHECK(modern.begin() == Step::kDiscover);
    Discovery legacy = probing();
    CHECK(legacy.on_error(error(-32601)) == Step::kInitialize);
    CHECK(legacy.on_result(kLegacyResult) == Step::kReady);
    CHECK(legacy.begin() == Step::kInitialize);
}

TEST_CASE("a legacy server's answer must name a legacy revision of ours") {
    struct Row {
        const char* result;
        Step step;
    };
    const Row rows[] = {
        {R"({"protocolVersion":"2024-11-05","capabilities":{}})", Step::kReady},
        {R"({"protocolVersion":"2025-11-25"})", Step::kReady},
        {R"({"protocolVersion":"2026-07-28","capabilities":{}})", Step::kFailed},
        {R"({"protocolVersion":"2024-10-07"})", Step::kFailed},
        {R"({"protocolVersion":7})", Step::kFailed},
        {"{}", Step::kFailed},
    };
    for (const Row& row : rows) {
        CAPTURE(row.result);
        CHECK(initializing().on_result(row.result) == row.step);
    }
    Discovery refused = initializing();
    CHECK(refused.on_error(error(-32602)) == Step::kFailed);
    CHECK(refused.why().find("-32602") != std::string::npos);
}

TEST_CASE("protocol = legacy never probes, protocol = modern never falls back") {
    Discovery legacy(Protocol::kLegacy, false);
    CHECK(legacy.begin() == Step::kInitialize);
    CHECK(legacy.begin() == Step::kInitialize);
    CHECK(probing(false, Protocol::kModern).on_error(error(-32601)) == Step::kFailed);
    CHECK(probing(false, Protocol::kModern).on_silence() == Step::kFailed);
    CHECK(probing(false, Protocol::kModern).on_end() == Step::kFailed);
    CHECK(probing(true, Protocol::kModern).on_status(404, "x") == Step::kFailed);
    CHECK(probing(false, Protocol::kModern).on_result(
              R"({"supportedVersions":["2025-11-25"]})") == Step::kFailed);
    CHECK(probing(false, Protocol::kModern).on_result(kModernResult) == Step::kReady);
}
