#include "neurond/mcp/leg.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exact.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/leg_legacy.h"
#include "neurond/mcp/leg_modern.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"

using namespace neuron;

namespace {

bool is_json(std::string_view text) {
    JsonScanner scan(64);
    return scan.finish(text) == Scan::kDone;
}

/// What a door makes of a client's params.
DoorRequest read_params(const std::string& params) {
    const Slice text = Slice::copy_of(
        R"({"jsonrpc":"2.0","id":"c","method":"tools/call","params":)" + params + "}");
    JsonScanner scan(64);
    REQUIRE(scan.finish(text.view()) == Scan::kDone);
    return read_call(classify(scan, text.view()), scan, text);
}

/// The params that `leg` sends for them, with the own name `own` and our id 7.
std::string params_sent(const Leg& leg, const std::string& params,
                        const std::string& own = "own") {
    auto entry = std::make_shared<CatalogEntry>();
    entry->own_name = own;
    Call call;
    DoorRequest request = read_params(params);
    REQUIRE(request.kind == DoorRequest::Kind::kCall);
    call.request = std::move(request.call);
    call.entry = entry;
    OutQueue out;
    leg.write_call(out, 7, call);
    const std::string sent = out.to_string();
    CHECK(is_json(sent));
    CHECK(sent.find('\n') == std::string::npos);
    const JsonView message(sent);
    CHECK(message.find("id").raw() == "7");
    CHECK(message.find("method").is_string("tools/call"));
    return std::string(message.find("params").raw());
}

std::string hop_keys() {
    OutQueue out;
    write_discover(out, 1);
    const std::string text = out.to_string();
    const std::string meta(JsonView(text).find("params").find("_meta").raw());
    return meta.substr(1, meta.size() - 2);
}

struct Read {
    std::optional<ProgressToken> token;
    std::string raw;
};

Read progress_of(const std::string& params) {
    const Exact text(R"({"jsonrpc":"2.0","method":"notifications/progress","params":)" +
                     params + "}");
    JsonScanner scan(64);
    REQUIRE(scan.finish(text.view()) == Scan::kDone);
    Read out;
    out.token = read_progress(scan, text.view());
    if (out.token) {
        out.raw = out.token->where.in(text.view());
    }
    return out;
}

}  // namespace

TEST_CASE("a legacy server gets the params as they came, under its own name") {
    struct Row {
        const char* params;
        const char* sent;
    };
    for (
        const Row& row : {
            Row{R"({"name":"a.b"})", R"({"name":"own"})"},
            Row{R"({"name":"a.b","arguments":{"n":9007199254740993,"p":1.10,"e":1E5}})",
                R"({"name":"own","arguments":{"n":9007199254740993,"p":1.10,"e":1E5}})"},
            // in any order, with blanks, and with members nobody knows
            Row{R"({ "x" : [ 1 ] , "arguments" : { } , "name" : "a.b" , "y" : null })",
                R"({ "x" : [ 1 ] , "arguments" : { } , "name" : "own" , "y" : null })"},
            // the key and the name written with escapes
            Row{R"({"n\u0061me":"\u0061.b"})", R"({"n\u0061me":"own"})"},
            // what looks like a name elsewhere stays
            Row{R"({"arguments":{"name":"a.b"},"name":"a.b"})",
                R"({"arguments":{"name":"a.b"},"name":"own"})"},
            // our progress token in place of the client's, on either side of the name
            Row{R"({"_meta":{"progressToken":"t"},"name":"a.b"})",
                R"({"_meta":{"progressToken":7},"name":"own"})"},
            Row{R"({"name":"a.b","_meta":{"k":1,"progressToken": 0 ,"l":2}})",
                R"({"name":"own","_meta":{"k":1,"progressToken": 7 ,"l":2}})"},
            Row{R"({"name":"a.b","_meta":{}})", R"({"name":"own","_meta":{}})"},
            Row{R"({"name":"a.b","arguments":{"_meta":{"progressToken":1}}})",
                R"({"name":"own","arguments":{"_meta":{"progressToken":1}}})"},
        }) {
        CAPTURE(std::string(row.params));
        CHECK(params_sent(legacy_leg(), row.params) == row.sent);
    }
}

TEST_CASE("own names that need escapes are written as JSON") {
    CHECK(params_sent(legacy_leg(), R"({"name":"a.b"})", "q\"\\\n\xc3\xa9") ==
          "{\"name\":\"q\\\"\\\\\\n\xc3\xa9\"}");
}

TEST_CASE("what belongs to a modern client's own hop does not go to a legacy server") {
    const std::string v = R"("io.modelcontextprotocol/protocolVersion":"2026-07-28")";
    const std::string c = R"("io.modelcontextprotocol/clientCapabilities":{"a":{}})";
    const std::string i =
        R"("io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"})";
    const std::string l = R"("io.modelcontextprotocol/logLevel":"info")";
    const std::string t = R"("progressToken":"t")";
    struct Row {
        std::string meta;
        std::string sent;
    };
    for (const Row& row : {
             Row{v, ""},
             Row{v + "," + c + "," + i + "," + l, ""},
             Row{v + "," + t + "," + c, R"("progressToken":7)"},
             Row{t + "," + v + "," + c, R"("progressToken":7)"},
             Row{v + "," + c + "," + t, R"("progressToken":7)"},
             Row{"\"a\":1," + v + "," + c + ",\"b\":2," + i, R"("a":1,"b":2)"},
             Row{" " + v + " , \"a\":1 , " + l + " ", R"( "a":1 )"},
             Row{R"("io.modelcontextprotocol/other":1,)" + v,
                 R"("io.modelcontextprotocol/other":1)"},
         }) {
        CAPTURE(row.meta);
        CHECK(params_sent(legacy_leg(), R"({"_meta":{)" + row.meta +
                                            R"(},"name":"a.b","arguments":{}})") ==
              R"({"_meta":{)" + row.sent + R"(},"name":"own","arguments":{}})");
        CHECK(
            params_sent(legacy_leg(), R"({"name":"a.b","_meta":{)" + row.meta + "}}") ==
            R"({"name":"own","_meta":{)" + row.sent + "}}");
    }
}

TEST_CASE("a modern server gets our hop in place of the client's") {
    const std::string ours = hop_keys();
    const std::string v = R"("io.modelcontextprotocol/protocolVersion":"x")";
    const std::string c = R"("io.modelcontextprotocol/clientCapabilities":{})";
    struct Row {
        std::string params;
        std::string sent;
    };
    for (
        const Row& row : {
            Row{R"({"name":"a.b"})", R"({"_meta":{)" + ours + R"(},"name":"own"})"},
            Row{R"({"name":"a.b","_meta":{}})",
                R"({"name":"own","_meta":{)" + ours + "}}"},
            Row{R"({"name":"a.b","_meta":{ }})",
                R"({"name":"own","_meta":{)" + ours + " }}"},
            Row{R"({"_meta":{)" + v + "," + c + R"(},"name":"a.b"})",
                R"({"_meta":{)" + ours + R"(},"name":"own"})"},
            Row{R"({"_meta":{)" + v + R"(,"k":1,)" + c +
                    R"(,"progressToken":"t"},"name":"a.b","arguments":{"n":1.10}})",
                R"({"_meta":{)" + ours +
                    R"(,"k":1,"progressToken":7},"name":"own","arguments":{"n":1.10}})"},
            Row{R"({"_meta":{"k":1},"name":"a.b"})",
                R"({"_meta":{)" + ours + R"(,"k":1},"name":"own"})"},
        }) {
        CAPTURE(row.params);
        CHECK(params_sent(modern_leg(), row.params) == row.sent);
    }
}

TEST_CASE(
    "a _meta that is no object is refused, for there is no place for ours in it") {
    for (const char* meta : {"null", "5", "\"x\"", "[]", "true"}) {
        CAPTURE(std::string(meta));
        const DoorRequest read =
            read_params(R"({"name":"a.b","_meta":)" + std::string(meta) + "}");
        CHECK(read.kind == DoorRequest::Kind::kRefused);
        CHECK(read.error.code == JsonRpcError::kInvalidParams);
        CHECK(read.error.message == "tools/call: params._meta is not an object");
    }
}

TEST_CASE("large arguments pass byte by byte") {
    std::string big = R"({"s":")" + std::string(100 * 1024, 'x') + R"(","n":[)";
    for (int i = 0; i < 2000; ++i) {
        big += "1." + std::to_string(i) + "0,";
    }
    big += "0]}";
    const std::string params = R"({"arguments":)" + big + R"(,"name":"a.b"})";
    CHECK(params_sent(legacy_leg(), params) ==
          R"({"arguments":)" + big + R"(,"name":"own"})");
}

TEST_CASE("requests of our own, in the words of either era") {
    OutQueue out;
    legacy_leg().write_list(out, 3, ItemKind::kTool, std::nullopt);
    CHECK(out.to_string() == R"({"jsonrpc":"2.0","id":3,"method":"tools/list"})");
    out.clear();
    legacy_leg().write_list(out, 4, ItemKind::kPrompt, "c\"1");
    CHECK(
        out.to_string() ==
        R"({"jsonrpc":"2.0","id":4,"method":"prompts/list","params":{"cursor":"c\"1"}})");
    out.clear();
    modern_leg().write_list(out, 5, ItemKind::kTemplate, "");  // empty is a cursor
    CHECK(
        out.to_string() ==
        R"({"jsonrpc":"2.0","id":5,"method":"resources/templates/list","params":{"cursor":"",)"
        R"("_meta":{)" +
            hop_keys() + "}}}");
    out.clear();
    write_cancelled(out, 18446744073709551615U, "timed out");
    CHECK(out.to_string() ==
          R"({"jsonrpc":"2.0","method":"notifications/cancelled",)"
          R"("params":{"requestId":18446744073709551615,"reason":"timed out"}})");
    out.clear();
    write_initialized(out);
    CHECK(out.to_string() ==
          R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
    out.clear();
    write_initialize(out, 1, {});
    const std::string text = out.to_string();
    const JsonView params = JsonView(text).find("params");
    CHECK(params.find("protocolVersion").is_string("2025-11-25"));
    CHECK(params.find("capabilities").raw() == "{}");  // nobody's can be promised
    CHECK(params.find("clientInfo").find("name").is_string("neurond"));
}

TEST_CASE("each revision is spoken to by the leg of its era") {
    CHECK(&leg_of(Revision::k20241105) == &legacy_leg());
    CHECK(&leg_of(Revision::k20250326) == &legacy_leg());
    CHECK(&leg_of(Revision::k20250618) == &legacy_leg());
    CHECK(&leg_of(Revision::k20251125) == &legacy_leg());
    CHECK(&leg_of(Revision::k20260728) == &modern_leg());
}

TEST_CASE("what a legacy server says of itself is kept") {
    const Result<ServerHello> hello = read_initialize_result(
        R"({"protocolVersion":"2025-03-26","capabilities":{"tools":{"listChanged":true}},)"
        R"("serverInfo":{"name":"r\u00e9dis","version":"1.2"},"x":1})");
    REQUIRE(hello);
    CHECK(hello->revision == Revision::k20250326);
    CHECK(hello->caps.tools);
    CHECK(hello->caps.tools);
    CHECK(hello->name ==
          "r\xc3\xa9"
          "dis");
    CHECK(hello->version == "1.2");
    const Result<ServerHello> bare =
        read_initialize_result(R"({"protocolVersion":"2024-11-05"})");
    REQUIRE(bare);
    CHECK_FALSE(bare->caps.tools);
    CHECK_FALSE(bare->caps.prompts);
    CHECK(bare->name.empty());
    const Result<ServerHello> odd = read_initialize_result(
        R"({"protocolVersion":"2025-06-18","capabilities":{"tools":true},)"
        R"("serverInfo":"redis"})");
    REQUIRE(odd);
    CHECK_FALSE(odd->caps.tools);
}

TEST_CASE("a server of no legacy revision cannot be spoken to") {
    for (const char* result : {
             R"({})",
             R"({"protocolVersion":20250326})",
             R"({"protocolVersion":null})",
             R"({"protocolVersion":"2026-07-28"})",  // has no initialize
             R"({"protocolVersion":"2099-01-01"})",
             R"({"protocolVersion":""})",
         }) {
        CAPTURE(std::string(result));
        CHECK_FALSE(read_initialize_result(result));
    }
}

TEST_CASE("progress is known by our number, and where it stands") {
    const Read read = progress_of(R"({"progress":1,"progressToken": 42 ,"total":2})");
    REQUIRE(read.token);
    CHECK(read.token->id == 42);
    CHECK(read.raw == "42");
    for (const char* params : {
             R"({"progress":1})",
             R"({"progressToken":"42"})",  // we give out numbers
             R"({"progressToken":-1})",
             R"({"progressToken":1.0})",
             R"({"progressToken":99999999999999999999})",
             R"({"x":{"progressToken":42}})",
         }) {
        CAPTURE(std::string(params));
        CHECK_FALSE(progress_of(params).token);
    }
}

TEST_CASE("an answer's id is one of ours only as a plain number") {
    CHECK(read_leg_id("0") == 0);
    CHECK(read_leg_id("18446744073709551615") == 18446744073709551615U);
    for (const char* raw : {"", "\"1\"", "-1", "1.0", "1e0", "null", "+1", " 1",
                            "18446744073709551616", "{}"}) {
        CAPTURE(std::string(raw));
        CHECK_FALSE(read_leg_id(raw));
    }
}

TEST_CASE("a server gets neither tasks nor a context it does not know") {
    struct Row {
        const char* method;
        const char* params;
        Revision server;
        const char* sent;
    };
    const char* const both =
        R"({"ref":{"type":"ref/prompt","name":"a.p"},"context":{"arguments":{}},)"
        R"("argument":{"name":"x","value":"1"}})";
    for (const Row& row : {
             Row{"tools/call", R"({"name":"a.b","task":{"ttl":5},"arguments":{"task":1}})",
                 Revision::k20251125, R"({"name":"own","arguments":{"task":1}})"},
             Row{"tools/call", R"({"task":{},"name":"a.b"})", Revision::k20251125,
                 R"({"name":"own"})"},
             Row{"prompts/get", R"({"name":"a.b","task":{}})", Revision::k20251125,
                 R"({"name":"own","task":{}})"},
             Row{"resources/read", R"({"uri":"x:y"})", Revision::k20241105,
                 R"({"uri":"own"})"},
             Row{"completion/complete", both, Revision::k20250326,
                 R"({"ref":{"type":"ref/prompt","name":"own"},)"
                 R"("argument":{"name":"x","value":"1"}})"},
             Row{"completion/complete", both, Revision::k20250618,
                 R"({"ref":{"type":"ref/prompt","name":"own"},"context":{"arguments":{}},)"
                 R"("argument":{"name":"x","value":"1"}})"},
         }) {
        CAPTURE(std::string(row.params));
        const Slice text = Slice::copy_of(R"({"jsonrpc":"2.0","id":1,"method":")" +
                                          std::string(row.method) + R"(","params":)" +
                                          row.params + "}");
        JsonScanner scan(64);
        REQUIRE(scan.finish(text.view()) == Scan::kDone);
        Call call;
        call.request = read_call(classify(scan, text.view()), scan, text).call;
        auto entry = std::make_shared<CatalogEntry>();
        entry->own_name = "own";
        call.entry = entry;
        call.server = row.server;
        OutQueue out;
        legacy_leg().write_call(out, 7, call);
        const std::string sent = out.to_string();
        CHECK(JsonView(sent).find("params").raw() == row.sent);
    }
}
