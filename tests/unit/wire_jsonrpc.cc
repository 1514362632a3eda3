#include "neurond/wire/jsonrpc.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "exact.h"

using namespace neuron;
using Kind = JsonRpcMessage::Kind;

namespace {

JsonRpcMessage read(std::string_view text) {
    JsonScanner scanner(64);
    scanner.finish(text);
    return classify(scanner, text);
}

/// `rest` with the version in front of it.
std::string v2(std::string_view rest) {
    return "{\"jsonrpc\":\"2.0\"," + std::string(rest) + "}";
}

}  // namespace

TEST_CASE("well-formed messages are what they are") {
    struct Row {
        std::string text;
        Kind kind;
        std::string_view id;
    };
    const Row rows[] = {
        {v2("\"id\":1,\"method\":\"ping\""), Kind::kRequest, "1"},
        {v2("\"id\":0,\"method\":\"ping\""), Kind::kRequest, "0"},
        {v2("\"id\":-7,\"method\":\"ping\""), Kind::kRequest, "-7"},
        {v2("\"id\":\"\",\"method\":\"ping\""), Kind::kRequest, "\"\""},
        {v2("\"id\":\"1\",\"method\":\"ping\""), Kind::kRequest, "\"1\""},
        {v2("\"id\":1152921504606846976,\"method\":\"m\""), Kind::kRequest,
         "1152921504606846976"},
        {v2("\"id\":123456789012345678901234567890,\"method\":\"m\""), Kind::kRequest,
         "123456789012345678901234567890"},
        {v2("\"method\":\"m\",\"params\":{},\"id\":\"\\u0061\""), Kind::kRequest,
         "\"\\u0061\""},
        {v2("\"method\":\"notifications/initialized\""), Kind::kNotification, ""},
        {v2("\"method\":\"m\",\"params\":{\"a\":1}"), Kind::kNotification, ""},
        {v2("\"id\":1,\"result\":{}"), Kind::kResult, "1"},
        {"{\"result\":{\"a\":null},\"jsonrpc\":\"2\\u002e0\",\"id\":7}", Kind::kResult,
         "7"},
        {v2("\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no\"}"), Kind::kError,
         "1"},
        {v2("\"id\":null,\"error\":{\"code\":1,\"message\":\"\"}"), Kind::kError, ""},
        {v2("\"error\":{\"code\":1,\"message\":\"\",\"data\":[]}"), Kind::kError, ""},
        {v2("\"id\":1,\"method\":\"m\",\"extra\":true"), Kind::kRequest, "1"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const Exact text(row.text);
        const JsonRpcMessage message = read(text.view());
        CHECK(message.kind == row.kind);
        CHECK(message.id.in(text.view()) == row.id);
        CHECK(message.reason.empty());
    }
}

TEST_CASE("method and spans are those of the message") {
    const std::string text =
        v2("\"id\":1,\"method\":\"tools\\/c\\u0061ll\",\"params\":{\"name\": 1 }");
    const JsonRpcMessage message = read(text);
    CHECK(message.kind == Kind::kRequest);
    CHECK(message.method == "tools/call");
    CHECK(message.params.in(text) == "{\"name\": 1 }");
    CHECK(message.result.empty());
    CHECK(message.error.empty());
}

TEST_CASE("everything else is refused with its code") {
    struct Row {
        std::string text;
        JsonRpcError code;
        std::string_view id;
        bool answerable;
    };
    constexpr JsonRpcError kParse = JsonRpcError::kParse;
    constexpr JsonRpcError kInvalid = JsonRpcError::kInvalidRequest;
    constexpr JsonRpcError kParams = JsonRpcError::kInvalidParams;
    const Row rows[] = {
        {"", kParse, "", true},
        {"{\"id\":1", kParse, "", true},  // an id in broken text is not used
        {"{'id':1}", kParse, "", true},
        {"{\"id\":1,\"method\":\"m\"}}", kParse, "", true},
        {v2("\"id\":1,\"id\":2,\"method\":\"m\""), kInvalid, "", true},
        {v2("\"id\":1,\"method\":\"m\",\"params\":{\"a\":1,\"a\":1}"), kInvalid, "",
         true},
        {"[]", kInvalid, "", true},
        {"[" + v2("\"id\":1,\"method\":\"m\"") + "]", kInvalid, "", true},
        {"1", kInvalid, "", true},
        {"\"m\"", kInvalid, "", true},
        {"null", kInvalid, "", true},
        {"{}", kInvalid, "", true},
        {v2("\"id\":1"), kInvalid, "1", true},
        {"{\"id\":1,\"method\":\"m\"}", kInvalid, "1", true},  // no version
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"m\"}", kInvalid, "1", true},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"m\"}", kInvalid, "1", true},
        {"{\"jsonrpc\":\"2.0 \",\"id\":1,\"method\":\"m\"}", kInvalid, "1", true},
        {"{\"JSONRPC\":\"2.0\",\"id\":1,\"method\":\"m\"}", kInvalid, "1", true},
        {"{\"jsonrpc\":\"1.0\",\"method\":\"m\"}", kInvalid, "", false},
        {v2("\"id\":1,\"method\":1"), kInvalid, "1", true},
        {v2("\"id\":1,\"method\":null"), kInvalid, "1", true},
        {v2("\"method\":[\"m\"]"), kInvalid, "", false},           // a notification
        {v2("\"id\":null,\"method\":\"m\""), kInvalid, "", true},  // never null
        {v2("\"id\":1.5,\"method\":\"m\""), kInvalid, "", true},   // never fractional
        {v2("\"id\":1.0,\"method\":\"m\""), kInvalid, "", true},
        {v2("\"id\":1e2,\"method\":\"m\""), kInvalid, "", true},
        {v2("\"id\":true,\"method\":\"m\""), kInvalid, "", true},
        {v2("\"id\":{},\"method\":\"m\""), kInvalid, "", true},
        {v2("\"id\":[1],\"method\":\"m\""), kInvalid, "", true},
        {v2("\"id\":1,\"method\":\"m\",\"result\":{}"), kInvalid, "1", true},
        {v2("\"id\":1,\"method\":\"m\",\"error\":{}"), kInvalid, "1", true},
        {v2("\"id\":1,\"method\":\"m\",\"params\":[]"), kParams, "1", true},
        {v2("\"id\":1,\"method\":\"m\",\"params\":null"), kParams, "1", true},
        {v2("\"id\":1,\"method\":\"m\",\"params\":\"{}\""), kParams, "1", true},
        {v2("\"method\":\"m\",\"params\":7"), kParams, "", false},
        {v2("\"id\":1,\"result\":{},\"error\":{\"code\":1,\"message\":\"\"}"), kInvalid,
         "1", false},
        {v2("\"id\":1,\"result\":null"), kInvalid, "1", false},
        {v2("\"id\":1,\"result\":[]"), kInvalid, "1", false},
        {v2("\"result\":{}"), kInvalid, "", false},
        {v2("\"id\":null,\"result\":{}"), kInvalid, "", false},
        {v2("\"id\":1,\"error\":null"), kInvalid, "1", false},
        {v2("\"id\":1,\"error\":{}"), kInvalid, "1", false},
        {v2("\"id\":1,\"error\":{\"code\":\"1\",\"message\":\"\"}"), kInvalid, "1",
         false},
        {v2("\"id\":1,\"error\":{\"code\":1.5,\"message\":\"\"}"), kInvalid, "1",
         false},
        {v2("\"id\":1,\"error\":{\"code\":1}"), kInvalid, "1", false},
        {v2("\"id\":1,\"error\":{\"code\":1,\"message\":7}"), kInvalid, "1", false},
        {v2("\"id\":true,\"error\":{\"code\":1,\"message\":\"\"}"), kInvalid, "",
         false},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const Exact text(row.text);
        const JsonRpcMessage message = read(text.view());
        CHECK(message.kind == Kind::kInvalid);
        CHECK(message.code == row.code);
        CHECK(message.id.in(text.view()) == row.id);
        CHECK(message.answerable == row.answerable);
        CHECK_FALSE(message.reason.empty());
    }
}

TEST_CASE("an error object is taken apart") {
    const std::optional<JsonRpcErrorObject> error = read_error_object(
        "{\"data\":{\"x\":1},\"message\":\"n\\u006f\",\"code\":-32602}");
    REQUIRE(error);
    CHECK(error->code == -32602);
    CHECK(error->message == "no");
    CHECK(error->data == "{\"x\":1}");
    CHECK_FALSE(read_error_object(""));
    CHECK_FALSE(read_error_object("[]"));
}

TEST_CASE("messages are written in one fixed order") {
    const Slice text = Slice::copy_of("..{\"a\":1}..");
    const std::vector<Edit> edits = {{{7, 8}, "1.10"}};
    OutQueue out;
    const auto written = [&out] {
        std::string all = out.to_string();
        out.clear();
        return all;
    };
    write_request(out, "\"x\"", "tools/call", JsonBody{text, {2, 9}, edits});
    CHECK(written() ==
          "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"tools/"
          "call\",\"params\":{\"a\":1.10}}");
    write_request(out, "7", "ping", "");
    CHECK(written() == "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}");
    write_request(out, "7", "a\"b", "{}");
    CHECK(written() ==
          "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"a\\\"b\",\"params\":{}}");
    write_notification(out, "n", JsonBody{text, {}, {}});
    CHECK(written() == "{\"jsonrpc\":\"2.0\",\"method\":\"n\"}");
    write_notification(out, "n", "{\"b\":2}");
    CHECK(written() == "{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{\"b\":2}}");
    write_result(out, "-0", JsonBody{text, {2, 9}, edits});
    CHECK(written() == "{\"jsonrpc\":\"2.0\",\"id\":-0,\"result\":{\"a\":1.10}}");
    write_result(out, "1", Slice::copy_of("{}"));
    CHECK(written() == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    write_error(out, "1", Slice::copy_of("{\"code\":1,\"message\":\"m\"}"));
    CHECK(written() ==
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"m\"}}");
    write_error(out, "", JsonRpcError::kParse, "Parse error");
    CHECK(written() ==
          "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"Parse "
          "error\"}}");
    write_error(out, "2", JsonRpcError::kInternal, "a\nb", "[1]");
    CHECK(written() ==
          "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32603,"
          "\"message\":\"a\\nb\",\"data\":[1]}}");
}

TEST_CASE("what is written is read back as the same kind") {
    OutQueue out;
    write_request(out, "1", "m", "{\"a\":1}");
    CHECK(read(out.to_string()).kind == Kind::kRequest);
    out.clear();
    write_error(out, "", JsonRpcError::kInvalidRequest, "\xff");
    CHECK(read(out.to_string()).kind == Kind::kError);
}

TEST_CASE("ids are one when type and value are") {
    const struct {
        const char* a;
        const char* b;
        bool same;
    } rows[] = {
        {"1", "1", true},
        {"1", "\"1\"", false},
        {"\"1\"", "1", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"\"a\"", "\"A\"", false},
        {"1", "1.0", false},
        {"9007199254740993", "9007199254740992", false},
        {"\"\"", "\"\"", true},
        // A cancellation that names no id matches none.
        {"1", "", false},
        {"\"\"", "", false},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.a));
        CHECK(same_id(row.a, row.b) == row.same);
    }
}
