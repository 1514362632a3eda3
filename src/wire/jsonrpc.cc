// From scanned text to a message of JSON-RPC, as MCP narrows it, and back. What a message
// is follows from which members it has; each kind is then checked by a function of its own.
#include "neurond/wire/jsonrpc.h"

#include <cassert>
#include <utility>

#include "neurond/wire/json_string.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

using Kind = JsonRpcMessage::Kind;

void refuse(JsonRpcMessage& message, JsonRpcError code, std::string reason) {
    message.kind = Kind::kInvalid;
    message.code = code;
    message.reason = std::move(reason);
}

void refuse(JsonRpcMessage& message, std::string reason) {
    refuse(message, JsonRpcError::kInvalidRequest, std::move(reason));
}

/// What is to be said about a text that the scanner refused.
void refuse_text(JsonRpcMessage& message, const JsonScanner& scanner) {
    const JsonError error = scanner.error();
    if (error == JsonError::kDuplicateKey || error == JsonError::kTooManyMembers) {
        refuse(message, "Invalid request: " + scanner.message());
    } else {
        refuse(message, JsonRpcError::kParse, "Parse error: " + scanner.message());
    }
}

bool is_id(const JsonView& value) noexcept {
    return value.is_string() || value.is_integer();
}

void classify_call(JsonRpcMessage& message, const JsonEnvelope& envelope,
                   std::string_view text) {
    const JsonView method(envelope.method.in(text));
    const JsonView id(envelope.id.in(text));
    message.answerable = id.exists();
    if (!method.is_string()) {
        return refuse(message, "Invalid request: method is not a string");
    }
    if (id.exists() && message.id.empty()) {
        return refuse(message,
                      "Invalid request: id is neither a string nor an integer");
    }
    if (!envelope.result.empty() || !envelope.error.empty()) {
        return refuse(message, "Invalid request: both a method and an answer");
    }
    if (!envelope.params.empty() && !JsonView(envelope.params.in(text)).is_object()) {
        return refuse(message, JsonRpcError::kInvalidParams,
                      "Invalid params: params is not an object");
    }
    message.kind = id.exists() ? Kind::kRequest : Kind::kNotification;
    message.method = json_unquote(method.raw());
    message.params = envelope.params;
}

void classify_answer(JsonRpcMessage& message, const JsonEnvelope& envelope,
                     std::string_view text) {
    const JsonView id(envelope.id.in(text));
    const bool failed = envelope.result.empty();
    message.answerable = false;
    if (!failed && !envelope.error.empty()) {
        return refuse(message, "Invalid response: both result and error");
    }
    const bool nameless = !id.exists() || id.is_null();
    if (message.id.empty() && !(failed && nameless)) {
        return refuse(message,
                      "Invalid response: id is neither a string nor an integer");
    }
    if (failed && !read_error_object(envelope.error.in(text))) {
        return refuse(message, "Invalid response: error lacks its code or message");
    }
    if (!failed && !JsonView(envelope.result.in(text)).is_object()) {
        return refuse(message, "Invalid response: result is not an object");
    }
    message.kind = failed ? Kind::kError : Kind::kResult;
    message.result = envelope.result;
    message.error = envelope.error;
}

/// Everything up to the body: `{"jsonrpc":"2.0","id":1`.
void begin_message(OutQueue& out, std::string_view id_raw) {
    out.write("{\"jsonrpc\":\"2.0\"");
    if (!id_raw.empty()) {
        out.write(",\"id\":");
        out.write(id_raw);
    }
}

void begin_call(OutQueue& out, std::string_view id_raw, std::string_view method) {
    begin_message(out, id_raw);
    out.write(",\"method\":");
    out.write(json_quote(method));
}

void end_with_params(OutQueue& out, const JsonBody& params) {
    if (!params.part.empty()) {
        out.write(",\"params\":");
        splice(out, params.text, params.part, params.edits);
    }
    out.write("}");
}

void end_with_params(OutQueue& out, std::string_view params) {
    if (!params.empty()) {
        out.write(",\"params\":");
        out.write(params);
    }
    out.write("}");
}

}  // namespace

JsonRpcMessage classify(const JsonScanner& scanner, std::string_view text) {
    JsonRpcMessage message;
    if (scanner.error() != JsonError::kNone) {
        refuse_text(message, scanner);
        return message;
    }
    if (scanner.root() != JsonScanner::Root::kObject) {
        const bool batch = scanner.root() == JsonScanner::Root::kArray;
        refuse(message, batch ? "Invalid request: batches are not accepted here"
                              : "Invalid request: not an object");
        return message;
    }
    const JsonEnvelope& envelope = scanner.envelope();
    if (is_id(JsonView(envelope.id.in(text)))) {
        message.id = envelope.id;
    }
    if (!envelope.method.empty()) {
        classify_call(message, envelope, text);
    } else if (!envelope.result.empty() || !envelope.error.empty()) {
        classify_answer(message, envelope, text);
    } else {
        refuse(message, "Invalid request: neither method nor result nor error");
    }
    if (!JsonView(envelope.jsonrpc.in(text)).is_string("2.0")) {
        refuse(message, "Invalid request: jsonrpc is not \"2.0\"");
    }
    return message;
}

bool same_id(std::string_view a, std::string_view b) noexcept {
    const bool strings =
        !a.empty() && !b.empty() && a.front() == '"' && b.front() == '"';
    return strings ? json_strings_equal(a, b) : a == b;
}

std::optional<JsonRpcErrorObject> read_error_object(std::string_view object) {
    const JsonView view(object);
    const std::optional<int64_t> code = view.find("code").as_int64();
    std::optional<std::string> text = view.find("message").as_string();
    if (!code || !text) {
        return std::nullopt;
    }
    return JsonRpcErrorObject{*code, std::move(*text), view.find("data").raw()};
}

void write_request(OutQueue& out, std::string_view id_raw, std::string_view method,
                   const JsonBody& params) {
    assert(!id_raw.empty());
    begin_call(out, id_raw, method);
    end_with_params(out, params);
}

void write_request(OutQueue& out, std::string_view id_raw, std::string_view method,
                   std::string_view params) {
    assert(!id_raw.empty());
    begin_call(out, id_raw, method);
    end_with_params(out, params);
}

void write_notification(OutQueue& out, std::string_view method,
                        const JsonBody& params) {
    begin_call(out, {}, method);
    end_with_params(out, params);
}

void write_notification(OutQueue& out, std::string_view method,
                        std::string_view params) {
    begin_call(out, {}, method);
    end_with_params(out, params);
}

void write_result(OutQueue& out, std::string_view id_raw, const JsonBody& result) {
    assert(!id_raw.empty() && !result.part.empty());
    begin_message(out, id_raw);
    out.write(",\"result\":");
    splice(out, result.text, result.part, result.edits);
    out.write("}");
}

void write_result(OutQueue& out, std::string_view id_raw, const Slice& result) {
    write_result(out, id_raw, JsonBody{result, Span{0, result.size}, {}});
}

void write_error(OutQueue& out, std::string_view id_raw, const Slice& error) {
    assert(!error.empty());
    begin_message(out, id_raw);
    out.write(",\"error\":");
    out.append(error);
    out.write("}");
}

void write_error(OutQueue& out, std::string_view id_raw, JsonRpcError code,
                 std::string_view message, std::string_view data_json) {
    JsonWriter error;
    error.begin_object().key("code").integer(static_cast<int>(code));
    error.key("message").string(message);
    if (!data_json.empty()) {
        error.key("data").raw(data_json);
    }
    error.end_object();
    begin_message(out, id_raw);
    out.write(",\"error\":");
    out.write(error.view());
    out.write("}");
}

}  // namespace neuron
