// The protocol of the bundled server: which line asks for what, and the answer to it. It
// is an ordinary legacy MCP server; that neurond itself is the usual client makes no
// difference here.

#include "neurond/cli/host_tools.h"

#include <optional>

#include "neurond/base/limits.h"
#include "neurond/base/out_queue.h"
#include "neurond/base/text.h"
#include "neurond/base/version.h"
#include "neurond/cli/host_catalog.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

constexpr unsigned kMaxDepth = 64;

std::string result_line(std::string_view id, std::string_view result) {
    OutQueue out;
    write_result(out, id, Slice::copy_of(result));
    return out.to_string();
}

std::string error_line(std::string_view id, JsonRpcError code,
                       std::string_view message) {
    OutQueue out;
    write_error(out, id, code, message);
    return out.to_string();
}

const HostTool* find_tool(const std::string& name) {
    for (const HostTool& tool : host_catalog()) {
        if (name == tool.name) {
            return &tool;
        }
    }
    return nullptr;
}

void write_tool(JsonWriter& w, const HostTool& tool) {
    w.begin_object();
    w.key("name").string(tool.name);
    w.key("title").string(tool.title);
    w.key("description").string(tool.description);
    w.key("inputSchema").raw(tool.input_schema);
    w.key("outputSchema").raw(tool.output_schema);
    w.key("annotations").begin_object();
    w.key("title").string(tool.title);
    w.key("readOnlyHint").boolean(true);
    w.key("destructiveHint").boolean(false);
    w.key("idempotentHint").boolean(true);
    w.key("openWorldHint").boolean(false);
    w.end_object().end_object();
}

std::string tool_result(std::string_view text, std::string_view structured,
                        bool is_error) {
    JsonWriter w;
    w.begin_object().key("content").begin_array().begin_object();
    w.key("type").string("text").key("text").string(text);
    w.end_object().end_array();
    if (!structured.empty()) {
        w.key("structuredContent").raw(structured);
    }
    w.key("isError").boolean(is_error);
    w.end_object();
    return w.take();
}

}  // namespace

std::string HostTools::handle(std::string_view line) {
    complaint_.clear();
    const std::string_view text = trim(line, " \t\r");
    if (text.empty()) {
        return {};
    }
    // Batches exist in one revision only; elsewhere an array is an invalid message.
    if (text.front() == '[' && revision_ == Revision::k20250326) {
        return handle_batch(text);
    }
    return handle_one(text);
}

std::string HostTools::handle_one(std::string_view text) {
    JsonScanner scanner(kMaxDepth);
    scanner.finish(text);
    const JsonRpcMessage message = classify(scanner, text);
    switch (message.kind) {
        case JsonRpcMessage::Kind::kRequest:
            return answer(message.method, message.id.in(text),
                          JsonView(message.params.in(text)));
        case JsonRpcMessage::Kind::kInvalid:
            if (message.answerable && !message.id.empty()) {
                return error_line(message.id.in(text), message.code, message.reason);
            }
            complaint_ = message.reason;
            return {};
        case JsonRpcMessage::Kind::
            kNotification:  // all of them are welcome, none matters
        case JsonRpcMessage::Kind::kResult:
        case JsonRpcMessage::Kind::kError:  // we never ask
            return {};
    }
    return {};
}

std::string HostTools::handle_batch(std::string_view text) {
    JsonScanner scanner(kMaxDepth);
    if (scanner.finish(text) != Scan::kDone) {
        complaint_ = scanner.message();
        return {};
    }
    std::string answers;
    for (JsonView item : JsonView(text).elements()) {
        const std::string one = handle_one(item.raw());
        if (!one.empty()) {
            answers += (answers.empty() ? "[" : ",") + one;
        }
    }
    return answers.empty() ? answers : answers + "]";
}

std::string HostTools::answer(std::string_view method, std::string_view id,
                              JsonView params) {
    if (method == "initialize") {
        return initialize(id, params);
    }
    if (method == "ping") {
        return result_line(id, "{}");
    }
    if (method == "tools/list") {
        return list_tools(id, params);
    }
    if (method == "tools/call") {
        return call_tool(id, params);
    }
    return error_line(id, JsonRpcError::kMethodNotFound,
                      "Method not found: " + escape(method, 64));
}

std::string HostTools::initialize(std::string_view id, JsonView params) {
    const std::optional<std::string> wanted =
        params.find("protocolVersion").as_string();
    if (!wanted) {
        return error_line(id, JsonRpcError::kInvalidParams,
                          "protocolVersion: expected a string");
    }
    revision_ = negotiate_legacy(*wanted);
    JsonWriter w;
    w.begin_object();
    w.key("protocolVersion").string(to_string(revision_));
    w.key("capabilities").begin_object();
    w.key("tools").begin_object().end_object();
    w.end_object();
    w.key("serverInfo").begin_object();
    w.key("name").string("neurond-host-tools");
    w.key("title").string("Host facts");
    w.key("version").string(kVersion);
    w.end_object();
    w.key("instructions").string("Read-only facts about the host this server runs on.");
    w.end_object();
    return result_line(id, w.take());
}

std::string HostTools::list_tools(std::string_view id, JsonView params) const {
    if (params.find("cursor").exists()) {  // one page holds all, so none was ever given
        return error_line(id, JsonRpcError::kInvalidParams, "Invalid cursor");
    }
    JsonWriter w;
    w.begin_object().key("tools").begin_array();
    for (const HostTool& tool : host_catalog()) {
        write_tool(w, tool);
    }
    w.end_array().end_object();
    return result_line(id, w.take());
}

std::string HostTools::call_tool(std::string_view id, JsonView params) const {
    const std::optional<std::string> name = params.find("name").as_string();
    if (!name) {
        return error_line(id, JsonRpcError::kInvalidParams, "name: expected a string");
    }
    const HostTool* tool = find_tool(*name);
    if (tool == nullptr) {
        return error_line(id, JsonRpcError::kInvalidParams,
                          "Unknown tool: " + escape(*name, 128));
    }
    const JsonView arguments = params.find("arguments");
    if (arguments.exists() && !arguments.is_object()) {
        return error_line(id, JsonRpcError::kInvalidParams,
                          "arguments: expected an object");
    }
    const Result<std::string> result = tool->call(arguments, root_);
    if (!result) {
        return result_line(id, tool_result(result.error().message, {}, true));
    }
    return result_line(id, tool_result(*result, *result, false));
}

}  // namespace neuron
