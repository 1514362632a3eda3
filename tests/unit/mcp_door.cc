#include "neurond/mcp/door.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

#include "exact.h"
#include "neurond/mcp/door_legacy.h"
#include "neurond/wire/jsonrpc.h"

using namespace neuron;

namespace {

using Era = EraChoice::Era;

constexpr int kMismatch = -32020;
constexpr int kUnsupported = -32022;
constexpr int kParams = -32602;

/// `_meta` with these values for version and capabilities; empty = not there.
std::string meta(const std::string& version, const std::string& caps = "{}",
                 const std::string& info = {}) {
    std::string out;
    const auto add = [&out](const char* key, const std::string& value) {
        if (!value.empty()) {
            out += std::string(out.empty() ? "" : ",") + "\"io.modelcontextprotocol/" +
                   key + "\":" + value;
        }
    };
    add("protocolVersion", version);
    add("clientCapabilities", caps);
    add("clientInfo", info);
    return "{" + out + "}";
}

const std::string kModern = "\"2026-07-28\"";

/// The text of a request; `id` empty: of a notification.
std::string text_of(const std::string& method, const std::string& meta_json,
                    const std::string& rest = {}, const std::string& id = "1") {
    std::string params = meta_json.empty() ? "" : "\"_meta\":" + meta_json;
    params += !params.empty() && !rest.empty() ? "," : "";
    return "{\"jsonrpc\":\"2.0\"," + (id.empty() ? "" : "\"id\":" + id + ",") +
           "\"method\":\"" + method + "\",\"params\":{" + params + rest + "}}";
}

EraChoice choose(const std::string& text, const ModernHeaders* headers) {
    const Exact exact(text);
    JsonScanner scan(64);
    REQUIRE(scan.finish(exact.view()) == Scan::kDone);
    return choose_era(classify(scan, exact.view()), scan, exact.view(), headers);
}

using Field = std::optional<std::string_view>;

/// "legacy", "modern", or the code of the refusal.
std::string verdict(const EraChoice& choice) {
    return choice.era == Era::kLegacy ? "legacy"
           : choice.era == Era::kModern
               ? "modern"
               : std::to_string(static_cast<int>(choice.error.code));
}

}  // namespace

TEST_CASE("the rungs of the ladder over HTTP") {
    const char* const modern = "2026-07-28";
    const char* const tools_call = "tools/call";
    struct Row {
        std::string text;
        ModernHeaders headers;
        std::string verdict;
    };
    const std::string call = text_of(tools_call, meta(kModern), R"("name":"a.b")");
    const std::string list = text_of("tools/list", meta(kModern));
    const Row rows[] = {
        // a claim and all headers
        {call, {modern, tools_call, "a.b"}, "modern"},
        {list, {modern, "tools/list", Field()}, "modern"},
        {list, {modern, "tools/list", "whatever"}, "modern"},  // no name belongs here
        // neither claim nor header
        {text_of(tools_call, "", R"("name":"a.b")"), {}, "legacy"},
        {text_of(tools_call, "{}"), {"2025-11-25", Field(), Field()}, "legacy"},
        {text_of("tools/list", "{\"a/b\":1}"),
         {"1999-01-01", Field(), Field()},
         "legacy"},
        // a header without a claim is an error that names what is missing
        {text_of("tools/list", ""), {modern, "tools/list", Field()}, "-32602"},
        {text_of("tools/list", "{}"), {"v999", "tools/list", Field()}, "-32602"},
        // a claim that is not as it must be, before any header
        {text_of("tools/list", meta("7")), {modern, Field(), Field()}, "-32602"},
        {text_of("tools/list", meta("null")), {modern, Field(), Field()}, "-32602"},
        {text_of("tools/list", meta(kModern, "")), {"v1", Field(), Field()}, "-32602"},
        {text_of("tools/list", meta(kModern, "[]")), {}, "-32602"},
        {text_of("tools/list", meta(kModern, "{}", "{}")), {}, "-32602"},
        {text_of("tools/list", meta(kModern, "{}", R"({"name":"n"})")), {}, "-32602"},
        // headers against the claim
        {list, {"2025-11-25", "tools/list", Field()}, "-32020"},
        {list, {"v999", "tools/list", Field()}, "-32020"},
        {text_of("tools/list", meta("\"v999\"")),
         {modern, "tools/list", Field()},
         "-32020"},
        {text_of("tools/list", meta("\"v999\"")),
         {"v999", "tools/list", Field()},
         "-32022"},
        {text_of("tools/list", meta("\"v999\"")), {}, "-32022"},
        {text_of("tools/list", meta("\"2025-11-25\"")), {}, "-32022"},
        {list, {Field(), "tools/list", Field()}, "-32020"},
        {list, {modern, Field(), Field()}, "-32020"},
        {list, {modern, "Tools/list", Field()}, "-32020"},
        // the name
        {call, {modern, tools_call, Field()}, "-32020"},
        {call, {modern, tools_call, "b"}, "-32020"},
        {call, {modern, tools_call, "=?base64?YS5i?="}, "modern"},
        {call, {modern, tools_call, "=?base64?YS5?="}, "-32020"},
        {call, {modern, tools_call, "=?BASE64?YS5i?="}, "-32020"},
        {text_of("prompts/get", meta(kModern), R"("name":"p")"),
         {modern, "prompts/get", "q"},
         "-32020"},
        {text_of("resources/read", meta(kModern), R"("uri":"file:///a")"),
         {modern, "resources/read", "file:///a"},
         "modern"},
        {text_of("resources/read", meta(kModern), R"("uri":"file:///a","name":"n")"),
         {modern, "resources/read", "n"},
         "-32020"},
        {text_of(tools_call, meta(kModern), R"("name":"\u0061.b")"),
         {modern, tools_call, "a.b"},
         "modern"},  // compared decoded
        {text_of(tools_call, meta(kModern), R"("name":7)"),
         {modern, tools_call, Field()},
         "modern"},  // params are at fault: told later
        // initialize belongs to the other era, unless it claims not to
        {text_of("initialize", "", R"("protocolVersion":"2026-07-28")"), {}, "legacy"},
        {text_of("initialize", ""), {"2025-11-25", Field(), Field()}, "legacy"},
        {text_of("initialize", meta("7")), {}, "legacy"},
        {text_of("initialize", meta("\"2025-11-25\"")), {}, "legacy"},
        {text_of("initialize", ""), {modern, Field(), Field()}, "-32020"},
        {text_of("initialize", meta(kModern)),
         {modern, "initialize", Field()},
         "modern"},
        // notifications
        {text_of("notifications/x", meta(kModern), "", ""), {}, "modern"},
        {text_of("notifications/x", "", "", ""), {modern, Field(), Field()}, "modern"},
        {text_of("notifications/x", "", "", ""),
         {"2025-11-25", Field(), Field()},
         "legacy"},
        {text_of("notifications/x", "", "", ""), {}, "legacy"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const EraChoice got = choose(row.text, &row.headers);
        CHECK(verdict(got) == row.verdict);
        CHECK(got.status == 400);
        CHECK((got.era == Era::kRefused) == !got.error.message.empty());
    }
}

TEST_CASE("on a byte stream the rungs about headers do not exist") {
    struct Row {
        std::string text;
        const char* verdict;
    };
    const Row rows[] = {
        {text_of("tools/list", meta(kModern)), "modern"},
        {text_of("tools/call", meta(kModern), R"("name":"a")"), "modern"},
        {text_of("tools/list", ""), "legacy"},
        {text_of("initialize", ""), "legacy"},
        {text_of("initialize", meta(kModern)), "modern"},
        {text_of("tools/list", meta("7")), "-32602"},
        {text_of("tools/list", meta(kModern, "")), "-32602"},
        {text_of("tools/list", meta("\"v999\"")), "-32022"},
        {text_of("tools/list", meta("\"2025-06-18\"")), "-32022"},
        {text_of("notifications/cancelled", meta(kModern), "", ""), "modern"},
        {text_of("notifications/cancelled", "", "", ""), "legacy"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(verdict(choose(row.text, nullptr)) == row.verdict);
    }
}

TEST_CASE("a refusal says which key, which header and which versions") {
    const ModernHeaders headers{"2026-07-28", "tools/list", Field()};
    EraChoice got = choose(text_of("tools/list", "{}"), &headers);
    CHECK(static_cast<int>(got.error.code) == kParams);
    CHECK(got.error.message.find("io.modelcontextprotocol/protocolVersion") !=
          std::string::npos);
    got = choose(text_of("tools/list", meta(kModern, "")), &headers);
    CHECK(got.error.message.find("io.modelcontextprotocol/clientCapabilities") !=
          std::string::npos);
    got = choose(text_of("tools/call", meta(kModern)), &headers);
    CHECK(static_cast<int>(got.error.code) == kMismatch);
    CHECK(got.error.message.find("Mcp-Method") != std::string::npos);
    got = choose(text_of("tools/list", meta(R"("v\"9")")), nullptr);
    CHECK(static_cast<int>(got.error.code) == kUnsupported);
    CHECK(got.data == R"({"supported":["2026-07-28"],"requested":"v\"9"})");
}

TEST_CASE("a claim is a key of the own _meta, whatever its value") {
    const auto claims = [](const std::string& text) {
        JsonScanner scan(64);
        REQUIRE(scan.finish(text) == Scan::kDone);
        return claims_modern(scan, text);
    };
    CHECK(claims(text_of("x", meta(kModern))));
    CHECK(claims(text_of("x", meta("null", ""))));
    CHECK_FALSE(claims(text_of("x", "{}")));
    CHECK_FALSE(claims(text_of("x", "")));
    CHECK_FALSE(
        claims(text_of("x", "", "\"arguments\":{\"_meta\":" + meta(kModern) + "}")));
    CHECK_FALSE(claims("7"));
}

TEST_CASE("params of a call are read, or it is said what is wrong with them") {
    const auto read = [](const std::string& rest) {
        const Slice text =
            Slice::copy_of(text_of("tools/call", "{\"progressToken\":7}", rest));
        JsonScanner scan(64);
        REQUIRE(scan.finish(text.view()) == Scan::kDone);
        return read_call(classify(scan, text.view()), scan, text);
    };
    const DoorRequest good = read(R"("name":"\u0061.b","arguments":{"x":1})");
    REQUIRE(good.kind == DoorRequest::Kind::kCall);
    const std::string_view whole = good.call.text.view();
    CHECK(good.call.method == "tools/call");
    CHECK(good.call.name == "a.b");
    CHECK(good.call.name_span.in(whole) == R"("\u0061.b")");
    CHECK(good.call.arguments.in(whole) == R"({"x":1})");
    CHECK(good.call.progress_token.in(whole) == "7");
    CHECK(good.call.meta.in(whole) == R"({"progressToken":7})");
    CHECK(read(R"("name":"a")").call.arguments.empty());
    for (const char* bad :
         {"", R"("name":7)", R"("name":null)", R"("Name":"a")",
          R"("name":"a","arguments":[])", R"("name":"a","arguments":null)"}) {
        CAPTURE(bad);
        const DoorRequest refused = read(bad);
        CHECK(refused.kind == DoorRequest::Kind::kRefused);
        CHECK(static_cast<int>(refused.error.code) == kParams);
        CHECK(refused.status == 200);
    }
}

TEST_CASE("legacy clients get results they can take") {
    struct Row {
        const char* result;
        const char* answer;
    };
    const Row rows[] = {
        {R"({"content":[]})", R"({"jsonrpc":"2.0","id":"x","result":{"content":[]}})"},
        // a modern server's members are ignored by them
        {R"({"resultType":"complete","content":[]})",
         R"({"jsonrpc":"2.0","id":"x","result":{"resultType":"complete","content":[]}})"},
        {R"({"content":[],"structuredContent":{"a":1.10}})",
         R"({"jsonrpc":"2.0","id":"x","result":{"content":[],"structuredContent":{"a":1.10}}})"},
        // structured content that is no object makes their parsers refuse all
        {R"({"structuredContent":[1],"content":[]})",
         R"({"jsonrpc":"2.0","id":"x","result":{"content":[]}})"},
        {R"({"content":[],"structuredContent":7})",
         R"({"jsonrpc":"2.0","id":"x","result":{"content":[]}})"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.result);
        OutQueue out;
        legacy_door().write_answer(out, "\"x\"",
                                   Answer::result(Slice::copy_of(row.result)), "r1");
        CHECK(out.to_string() == row.answer);
    }
}

TEST_CASE("what a legacy client would take for an empty success is an error") {
    for (const char* type : {"\"input_required\"", "\"task\"", "\"x\"", "7", "null"}) {
        OutQueue out;
        legacy_door().write_answer(out, "1",
                                   Answer::result(Slice::copy_of(
                                       "{\"resultType\":" + std::string(type) + "}")),
                                   "r1");
        CHECK(out.to_string().find("\"error\":{\"code\":-32603") != std::string::npos);
    }
}

TEST_CASE("errors of our own carry what DESIGN 1.7 promises") {
    OutQueue out;
    write_own_error(out, "7", {JsonRpcError::kInternal, "too \"many\"", "busy", "a", 3},
                    "r-1");
    CHECK(
        out.to_string() ==
        R"({"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"too \"many\"",)"
        R"("data":{"type":"busy","server":"a","request_id":"r-1","retry_after":3}}})");
    OutQueue bare;
    write_own_error(bare, "7", {JsonRpcError::kInvalidParams, "m", {}, {}, {}}, "r-1");
    CHECK(bare.to_string() ==
          R"({"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"m",)"
          R"("data":{"request_id":"r-1"}}})");
}

TEST_CASE("a progress notice gets the client's own token back") {
    const std::string params = R"({"progress":1,"progressToken":17,"total":2})";
    const size_t at = params.find("17");
    for (const char* token : {"\"t\"", "0", "\"\"", "9007199254740993"}) {
        OutQueue out;
        write_notice(out, {Slice::copy_of(params), {at, at + 2}}, token);
        CHECK(out.to_string() ==
              R"({"jsonrpc":"2.0","method":"notifications/progress","params":)"
              R"({"progress":1,"progressToken":)" +
                  std::string(token) + R"(,"total":2}})");
    }
}

TEST_CASE("legacy clients negotiate, and their capabilities are kept") {
    const auto read = [](const std::string& rest) {
        const std::string text = text_of("initialize", "", rest);
        JsonScanner scan(64);
        REQUIRE(scan.finish(text) == Scan::kDone);
        return read_initialize(scan, text);
    };
    CHECK(read(R"("protocolVersion":"2024-11-05")").revision == Revision::k20241105);
    CHECK(read(R"("protocolVersion":"2026-07-28")").revision == Revision::k20251125);
    CHECK(read(R"("protocolVersion":"x","capabilities":{"roots":{}})").caps.bits != 0);
    CHECK(read(R"("protocolVersion":"x")").error.empty());
    for (const char* bad :
         {"", R"("protocolVersion":7)", R"("protocolVersion":"x","capabilities":[])"}) {
        CHECK_FALSE(read(bad).error.empty());
    }
    OutQueue out;
    CatalogBuilder builder;
    auto offer = std::make_shared<Offer>();
    offer->caps.tools = true;
    builder.add_downstream("a", {}, offer);
    const auto catalog = builder.build(".");
    const Policy policy(true, {});
    write_initialize_result(out, "0", Revision::k20250326,
                            {*catalog, policy, {"uid:1", ""}});
    const std::string hello = out.to_string();
    CHECK(hello.find(
              R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-03-26")") ==
          0);
    CHECK(hello.find(R"("capabilities":{"tools":{"listChanged":true}})") !=
          std::string::npos);
}
