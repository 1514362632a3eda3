#include "neurond/mcp/door_modern.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "neurond/mcp/param_headers.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"

using namespace neuron;

namespace {

using Kind = DoorRequest::Kind;

std::string answer(const std::string& result) {
    OutQueue out;
    modern_door().write_answer(out, "1", Answer::result(Slice::copy_of(result)), "r1");
    return out.to_string();
}

DoorRequest read(const std::string& method, const std::string& params = "{}") {
    const Slice text = Slice::copy_of(R"({"jsonrpc":"2.0","id":1,"method":")" + method +
                                      R"(","params":)" + params + "}");
    JsonScanner scan(64);
    REQUIRE(scan.finish(text.view()) == Scan::kDone);
    return modern_door().read_request(classify(scan, text.view()), scan, text);
}

/// The result object of an answer, checked to be JSON.
JsonView result_of(const std::string& text) {
    JsonScanner scan(64);
    REQUIRE(scan.finish(text) == Scan::kDone);
    return JsonView(text).find("result");
}

/// A catalog of one tool, "t", with this input schema.
std::shared_ptr<const Catalog> catalog_of(const std::string& schema) {
    auto offer = std::make_shared<Offer>();
    std::optional<std::string> cursor;
    const Status read = parse_page(
        ItemKind::kTool,
        Slice::copy_of(R"({"tools":[{"name":"t","inputSchema":)" + schema + "}]}"),
        *offer, cursor);
    REQUIRE(read);
    CatalogBuilder builder;
    builder.add_downstream("a", {}, offer);
    return builder.build(".");
}

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string problem(const std::string& schema, const std::string& arguments,
                    const Headers& headers) {
    const auto catalog = catalog_of(schema);
    REQUIRE(catalog->find("a.t") != nullptr);
    HttpFields fields;
    for (const auto& [name, value] : headers) {
        fields.add({name, value});
    }
    return param_header_problem(*catalog->find("a.t"), JsonView(arguments), fields);
}

const std::string kSchema =
    R"({"type":"object","properties":{)"
    R"("s":{"type":"string","x-mcp-header":"S"},)"
    R"("n":{"type":"integer","x-mcp-header":"N"},)"
    R"("b":{"type":"boolean","x-mcp-header":"B"},)"
    R"("o":{"type":"object","properties":{"deep":{"type":"string","x-mcp-header":"Deep"}}}}})";

}  // namespace

TEST_CASE("a complete result says so, once") {
    struct Row {
        const char* result;
        const char* got;
    };
    const Row rows[] = {
        {R"({"content":[]})", R"({"resultType":"complete","content":[]})"},
        {"{}", R"({"resultType":"complete"})"},
        {"{ }", nullptr},
        {R"({ "a" : 1.10 })", nullptr},
        {R"({"resultType":"complete"})", R"({"resultType":"complete"})"},
        {R"({"a":1,"resultType":"complete"})", R"({"a":1,"resultType":"complete"})"},
        {R"({"result\u0054ype":"complete"})", R"({"result\u0054ype":"complete"})"},
        {R"({"resultType":"input_required"})", R"({"resultType":"input_required"})"},
        {R"({"a":{"resultType":"x"}})",
         R"({"resultType":"complete","a":{"resultType":"x"}})"},
        {R"({"":1})", R"({"resultType":"complete","":1})"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.result);
        const std::string text = answer(row.result);
        CHECK(result_of(text).find("resultType").exists());
        if (row.got != nullptr) {
            CHECK(result_of(text).raw() == row.got);
        }
    }
    CHECK(answer(R"({ "a" : 1.10 })").find(R"( "a" : 1.10 )") != std::string::npos);
}

TEST_CASE("errors pass as they are") {
    OutQueue out;
    modern_door().write_answer(
        out, "\"i\"", Answer::error(Slice::copy_of(R"({"code":-1, "message":"m"})")),
        "r");
    CHECK(out.to_string() ==
          R"({"jsonrpc":"2.0","id":"i","error":{"code":-1, "message":"m"}})");
}

TEST_CASE("a request that lacks a capability is a bad one") {
    const struct {
        Answer answer;
        int status;
    } rows[] = {
        {Answer::error(Slice::copy_of(R"({"code":-32021,"message":"m"})")), 400},
        {Answer::error(Slice::copy_of(R"({"code":-32602,"message":"-32021"})")), 200},
        {Answer::result(Slice::copy_of(R"({"code":-32021})")), 200},
        {Answer::failure({JsonRpcError::kMissingClientCapability, "m", {}, {}, {}}), 400},
        {Answer::failure({JsonRpcError::kInternal, "m", {}, {}, {}}), 200},
    };
    for (const auto& row : rows) {
        CHECK(modern_door().status_of(row.answer) == row.status);
        CHECK(legacy_door().status_of(row.answer) == 200);
    }
}

TEST_CASE("methods of the revision are read, all others are not found") {
    for (const ItemKind kind : kItemKinds) {
        const DoorRequest got = read(words_of(kind).method, R"({"cursor":"x"})");
        CHECK(got.kind == Kind::kList);
        CHECK(got.list == kind);
        CHECK(got.cursor == "x");
    }
    CHECK(read("tools/list").kind == Kind::kList);
    CHECK(read("resources/read", R"({"uri":"a:b"})").call.kind == CallKind::kResource);
    CHECK(read("prompts/get", R"({"name":"a"})").call.kind == CallKind::kPrompt);
    const char* const reference =
        R"({"ref":{"uri":"a:{b}","type":"ref/resource"},"argument":{"name":"b"}})";
    const DoorRequest completion = read("completion/complete", reference);
    CHECK(completion.call.kind == CallKind::kCompleteResource);
    CHECK(completion.call.name == "a:{b}");
    for (const char* bad : {R"({})", R"({"ref":{"type":"ref/x","name":"a"}})",
                            R"({"ref":{"type":"ref/prompt","uri":"a"}})",
                            R"({"ref":{"type":"ref/prompt","name":7}})"}) {
        CHECK(read("completion/complete", bad).error.code == JsonRpcError::kInvalidParams);
    }
    CHECK(read("server/discover").kind == Kind::kDiscover);
    CHECK(read("tools/call", R"({"name":"a"})").kind == Kind::kCall);
    for (const char* cursor : {R"({"cursor":7})", R"({"cursor":null})"}) {
        const DoorRequest got = read("tools/list", cursor);
        CHECK(got.kind == Kind::kRefused);
        CHECK(got.error.code == JsonRpcError::kInvalidParams);
        CHECK(got.status == 200);
    }
    for (const char* gone :
         {"initialize", "ping", "logging/setLevel", "resources/subscribe",
          "resources/unsubscribe", "tasks/result", "tasks/list", "", "tools/List",
          "tools/call ", "no/such"}) {
        CAPTURE(gone);
        const DoorRequest got = read(gone);
        CHECK(got.kind == Kind::kRefused);
        CHECK(got.error.code == JsonRpcError::kMethodNotFound);
        CHECK(got.status == 404);
    }
}

TEST_CASE("lists and discover carry their kind and how long they hold") {
    const auto catalog = catalog_of(R"({"type":"object"})");
    const Policy everything(true, {});
    const Identity somebody{"uid:1", ""};
    const Viewer viewer{*catalog, everything, somebody};
    OutQueue discover;
    write_discover_result(discover, "\"d\"", viewer);
    OutQueue list;
    DoorRequest asked;
    modern_door().write_list(list, "1", asked, viewer, {});
    for (const std::string& text : {discover.to_string(), list.to_string()}) {
        const JsonView result = result_of(text);
        CHECK(result.find("resultType").is_string("complete"));
        CHECK(result.find("ttlMs").raw() == "0");
        CHECK(result.find("cacheScope").is_string("private"));
        CHECK(result.find("_meta")
                  .find("io.modelcontextprotocol/serverInfo")
                  .is_object());
    }
    const std::string hello = discover.to_string();
    CHECK(result_of(hello).find("supportedVersions").raw() == R"(["2026-07-28"])");
    CHECK(result_of(hello).find("capabilities").find("tools").is_object());
    const std::string tools = list.to_string();
    CHECK(result_of(tools).find("tools").at(0).find("name").is_string("a.t"));
    OutQueue none;
    const Policy nothing(false, {});
    modern_door().write_list(none, "1", asked, {*catalog, nothing, somebody}, {});
    CHECK(none.to_string().find(R"("tools":[],)") != std::string::npos);
    OutQueue wrong;
    asked.cursor = "x";
    modern_door().write_list(wrong, "1", asked, viewer, {});
    CHECK(wrong.to_string().find(R"("code":-32602)") != std::string::npos);
}

TEST_CASE("a list may be kept as the strictest of its servers says") {
    struct Row {
        Revision first;
        const char* rest;
        bool rules_differ;
        const char* ttl;
        const char* scope;
    };
    const char* const open = R"(,"ttlMs":700,"cacheScope":"public")";
    for (const Row& row : {
             Row{Revision::k20260728, open, false, "700", "public"},
             Row{Revision::k20260728, open, true, "700", "private"},
             Row{Revision::k20260728, "", false, "0", "private"},
             Row{Revision::k20251125, open, false, "0", "private"},
         }) {
        CAPTURE(std::string(row.rest));
        CatalogBuilder builder;
        for (const char* name : {"a", "b"}) {
            auto offer = std::make_shared<Offer>();
            std::optional<std::string> cursor;
            REQUIRE(parse_page(ItemKind::kPrompt,
                               Slice::copy_of(R"({"prompts":[{"name":"p"}])" +
                                              std::string(row.rest) + "}"),
                               *offer, cursor));
            offer->caps.prompts = true;
            offer->revision =
                std::string_view(name) == "a" ? row.first : Revision::k20260728;
            builder.add_downstream(name, {}, offer);
        }
        const auto catalog = builder.build(".");
        std::vector<PolicyRule> rules = {{"r", false, {"x"}, {}}};
        if (row.rules_differ) {
            rules[0].clients = {"uid:*"};
        }
        const Policy policy(true, rules);
        DoorRequest asked;
        asked.list = ItemKind::kPrompt;
        OutQueue out;
        modern_door().write_list(out, "1", asked, {*catalog, policy, {"uid:1", ""}}, {});
        const std::string text = out.to_string();
        CHECK(result_of(text).find("ttlMs").raw() == row.ttl);
        CHECK(result_of(text).find("cacheScope").is_string(row.scope));
        CHECK(result_of(text).find("prompts").at(1).find("name").is_string("b.p"));
    }
}

TEST_CASE("what was read says how long it holds, also from a legacy server") {
    struct Row {
        const char* result;
        const char* answer;
    };
    for (const Row& row : {
             Row{R"({"contents":[]})",
                 R"({"resultType":"complete","ttlMs":0,"cacheScope":"private",)"
                 R"("contents":[]})"},
             Row{R"({"resultType":"complete","contents":[],"ttlMs":5,"cacheScope":"public"})",
                 R"({"resultType":"complete","contents":[],"ttlMs":5,"cacheScope":"public"})"},
             Row{R"({"resultType":"input_required"})", R"({"resultType":"input_required"})"},
         }) {
        Answer answer = Answer::result(Slice::copy_of(row.result));
        answer.is_read = true;
        OutQueue out;
        modern_door().write_answer(out, "1", answer, "r");
        const std::string text = out.to_string();
        CHECK(result_of(text).raw() == row.answer);
    }
}

TEST_CASE("headers that repeat arguments must say the same") {
    struct Row {
        const char* arguments;
        Headers headers;
        bool good;
    };
    const Row rows[] = {
        {"{}", {}, true},
        {"", {}, true},  // no arguments at all
        {R"({"s":"x"})", {{"Mcp-Param-S", "x"}}, true},
        {R"({"s":"x"})", {{"mcp-param-s", "x"}}, true},  // names without case
        {R"({"s":"x"})", {{"Mcp-Param-S", "=?base64?eA==?="}}, true},
        {R"({"s":"\u0078"})", {{"Mcp-Param-S", "x"}}, true},  // compared decoded
        {R"({"s":""})", {{"Mcp-Param-S", ""}}, true},
        {R"({"s":null})", {}, true},
        {R"({"n":42})", {{"Mcp-Param-N", "42"}}, true},
        {R"({"n":42.0})", {{"Mcp-Param-N", "42"}}, true},  // as numbers
        {R"({"n":-1})", {{"Mcp-Param-N", "-1"}}, true},
        {R"({"b":true})", {{"Mcp-Param-B", "true"}}, true},
        {R"({"o":{"deep":"d"}})", {{"Mcp-Param-Deep", "d"}}, true},
        {R"({"x":1})", {{"Mcp-Param-X", "2"}}, true},  // nobody announced it
        {R"({"s":"x"})", {}, false},
        {R"({"s":"x"})", {{"Mcp-Param-S", "X"}}, false},
        {R"({"s":"x"})", {{"Mcp-Param-S", "=?base64?eA?="}}, false},
        {R"({"s":"x"})", {{"Mcp-Param-S", "x"}, {"Mcp-Param-S", "y"}}, false},
        {R"({"s":"x"})", {{"Mcp-Param-S", "x"}, {"Mcp-Param-S", "x"}}, false},
        {"{}", {{"Mcp-Param-S", "x"}}, false},
        {"", {{"Mcp-Param-S", "x"}}, false},
        {R"({"s":null})", {{"Mcp-Param-S", "null"}}, false},
        {R"({"n":42})", {{"Mcp-Param-N", "43"}}, false},
        {R"({"n":42})", {{"Mcp-Param-N", "fortytwo"}}, false},
        {R"({"n":42})", {{"Mcp-Param-N", ""}}, false},
        {R"({"n":42})", {{"Mcp-Param-N", "42x"}}, false},
        {R"({"n":9007199254740993})", {{"Mcp-Param-N", "9007199254740993"}}, true},
        {R"({"b":true})", {{"Mcp-Param-B", "True"}}, false},
        {R"({"b":true})", {{"Mcp-Param-B", "1"}}, false},
        {R"({"o":{"deep":"d"}})", {}, false},
        {R"({"o":7})", {{"Mcp-Param-Deep", "d"}}, false},
        {R"({"s":"x","o":{"deep":"d"}})",  // an earlier one is wrong
         {{"Mcp-Param-S", "y"}, {"Mcp-Param-Deep", "d"}},
         false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.arguments);
        CAPTURE(row.headers.size());
        const std::string said = problem(kSchema, row.arguments, row.headers);
        CHECK(said.empty() == row.good);
        CHECK((row.good || said.find("Mcp-Param-") == 0));
    }
}

TEST_CASE("annotations count only where they are valid") {
    for (
        const char* schema : {
            // under items, oneOf, $defs: no property that is there for sure
            R"({"type":"object","properties":{"l":{"type":"array","items":{"properties":)"
            R"({"s":{"type":"string","x-mcp-header":"S"}}}}}})",
            R"({"type":"object","oneOf":[{"properties":)"
            R"({"s":{"type":"string","x-mcp-header":"S"}}}]})",
            R"({"type":"object","$defs":{"d":{"properties":)"
            R"({"s":{"type":"string","x-mcp-header":"S"}}}}})",
            // no header name
            R"({"type":"object","properties":{"s":{"type":"string","x-mcp-header":""}}})",
            R"({"type":"object","properties":{"s":{"type":"string","x-mcp-header":"a b"}}})",
            R"({"type":"object","properties":{"s":{"type":"string","x-mcp-header":7}}})",
            R"({"type":"object","properties":{"s":7}})",
        }) {
        CAPTURE(schema);
        CHECK(problem(schema, R"({"s":"x","l":[{"s":"x"}]})", {}).empty());
    }
}

TEST_CASE("a tool whose annotations are not valid is told from one whose are") {
    const struct {
        const char* properties;
        const char* fault;  ///< empty: none
    } rows[] = {
        {R"("a":{"type":"string","x-mcp-header":"A"},"b":{"type":"integer"})", ""},
        {R"("a":{"type":"boolean","x-mcp-header":"A"},)"
         R"("o":{"type":"object","properties":{"b":{"type":"integer","x-mcp-header":"B"}}})",
         ""},
        // a property, not an annotation
        {R"("x-mcp-header":{"type":"string"})", ""},
        {R"("a":{"type":"string","x-mcp-header":""})", "of a is no header name"},
        {R"("a":{"type":"string","x-mcp-header":7})", "of a is no header name"},
        {R"("a":{"type":"string","x-mcp-header":"R\u00e9gion"})", "no header name"},
        {R"("a":{"type":"string","x-mcp-header":"A\tB"})", "no header name"},
        {R"("a":{"type":"number","x-mcp-header":"A"})", "of a is not of a string"},
        {R"("a":{"type":"object","x-mcp-header":"A"})", "of a is not of a string"},
        {R"("a":{"x-mcp-header":"A"})", "of a is not of a string"},
        {R"("a":{"type":"string","x-mcp-header":"A"},)"
         R"("o":{"properties":{"b":{"type":"string","x-mcp-header":"a"}}})",
         "of b stands twice"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.properties);
        const std::string tool = std::string(R"({"inputSchema":{"properties":{)") +
                                 row.properties + "}}}";
        const std::string fault = param_header_fault(JsonView(tool));
        CHECK(fault.empty() == (*row.fault == '\0'));
        CHECK(fault.find(row.fault) != std::string::npos);
    }
}
