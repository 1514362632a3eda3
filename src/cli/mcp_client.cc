// What `neurond call` needs of MCP: the handshake, one tools/call, and the end of the
// session. The result stays the bytes the server sent.

#include "neurond/cli/mcp_client.h"

#include "neurond/base/limits.h"
#include "neurond/base/out_queue.h"
#include "neurond/base/version.h"
#include "neurond/mcp/revision.h"
#include "neurond/protocol.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

/// Longer than call_timeout_max is by default: the daemon, which knows better, gives up
/// first.
constexpr Millis kCallTimeout{660 * 1000};
constexpr unsigned kMaxDepth = 1000;  // what the daemon lets pass is no worry here

std::string error_text(std::string_view error_object) {
    const auto error = read_error_object(error_object);
    if (!error) {
        return "an error without message";
    }
    return error->message + " (" + std::to_string(error->code) + ")";
}

/// The daemon's own words in the body of a refusal, where there are some.
std::string refusal(const ControlReply& reply) {
    JsonScanner scanner(kMaxDepth);
    const std::string status = "HTTP status " + std::to_string(reply.status);
    if (scanner.finish(reply.body) != Scan::kDone || scanner.envelope().error.empty()) {
        return status;
    }
    return error_text(scanner.envelope().error.in(reply.body)) + ", " + status;
}

}  // namespace

bool read_answer(std::string_view message, uint64_t id, Result<std::string>& answer) {
    JsonScanner scanner(kMaxDepth);
    scanner.finish(message);
    const JsonRpcMessage found = classify(scanner, message);
    if (found.id.in(message) != std::to_string(id)) {
        return false;
    }
    if (found.kind == JsonRpcMessage::Kind::kResult) {
        answer = std::string(found.result.in(message));
        return true;
    }
    if (found.kind == JsonRpcMessage::Kind::kError) {
        answer = Error{error_text(found.error.in(message))};
        return true;
    }
    return false;
}

AnswerFinder::AnswerFinder(uint64_t id)
    : id_(id),
      events_(kMaxControlReplyBytes),
      answer_(Error{"the daemon's answer is not in its reply"}) {}

bool AnswerFinder::feed(std::string_view bytes, bool is_stream) {
    if (!is_stream) {
        body_ += bytes;
        return false;
    }
    while (!found_) {
        const SseStep step = events_.decode(bytes);
        bytes.remove_prefix(step.used);
        if (step.state == Scan::kMore) {
            return false;
        }
        if (step.state == Scan::kBad) {
            answer_ = Error{"an event of the daemon is too large"};
            found_ = true;
        } else if (const BlockRef data = events_.take_data()) {
            found_ = read_answer(data->view(), id_, answer_);
        }
    }
    return true;
}

Result<std::string> AnswerFinder::finish() {
    if (!found_) {
        found_ = read_answer(body_, id_, answer_);
    }
    return answer_;
}

McpClient::~McpClient() {
    if (session_.empty()) {
        return;
    }
    ControlRequest request = post({});
    request.method = "DELETE";
    (void)http_.exchange(request);  // it would expire by itself
}

ControlRequest McpClient::post(std::string_view body) const {
    ControlRequest request;
    request.method = "POST";
    request.target = kMcpPath;
    request.body = body;
    request.fields.emplace_back("Accept", "application/json, text/event-stream");
    if (!session_.empty()) {
        request.fields.emplace_back("Mcp-Session-Id", session_);
        request.fields.emplace_back("MCP-Protocol-Version",
                                    to_string(Revision::k20251125));
    }
    return request;
}

Result<std::string> McpClient::request(std::string_view method,
                                       std::string_view params) {
    const uint64_t id = next_id_++;
    OutQueue out;
    write_request(out, std::to_string(id), method, params);
    const std::string body = out.to_string();
    ControlRequest http = post(body);
    http.timeout = kCallTimeout;
    AnswerFinder finder(id);
    const BodySink sink = [&finder](const ControlReply& head, std::string_view bytes) {
        return !finder.feed(bytes, head.content_type == "text/event-stream");
    };
    const Result<ControlReply> reply = http_.exchange(http, sink);
    if (!reply) {
        return reply.error();
    }
    if (reply->status != 200) {
        return Error{refusal(*reply)};
    }
    if (session_.empty()) {
        session_ = reply->session_id;
    }
    return finder.finish();
}

Status McpClient::open() {
    JsonWriter w;
    w.begin_object();
    w.key("protocolVersion").string(to_string(Revision::k20251125));
    w.key("capabilities").begin_object().end_object();
    w.key("clientInfo").begin_object();
    w.key("name").string("neurond-call").key("version").string(kVersion);
    w.end_object().end_object();
    if (const Result<std::string> result = request("initialize", w.take()); !result) {
        return result.error();
    }
    OutQueue out;
    write_notification(out, "notifications/initialized", std::string_view());
    const std::string body = out.to_string();
    const Result<ControlReply> reply = http_.exchange(post(body));
    if (!reply) {
        return reply.error();
    }
    return reply->status / 100 == 2 ? Status(Ok{}) : Error{refusal(*reply)};
}

Result<std::string> McpClient::call_tool(std::string_view name,
                                         std::string_view arguments) {
    JsonWriter w;
    w.begin_object().key("name").string(name);
    w.key("arguments").raw(arguments).end_object();
    return request("tools/call", w.take());
}

}  // namespace neuron
