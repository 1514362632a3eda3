#ifndef NEUROND_CLI_MCP_CLIENT_H
#define NEUROND_CLI_MCP_CLIENT_H

#include <cstdint>
#include <string>
#include <string_view>

#include "neurond/base/result.h"
#include "neurond/cli/control_client.h"
#include "neurond/wire/sse.h"

namespace neuron {

/// A small MCP client (revision 2025-11-25, Streamable HTTP) over the control socket: one
/// session, one request at a time, no capabilities.
class McpClient {
  public:
    /// `http` is borrowed.
    explicit McpClient(ControlClient& http) : http_(http) {}
    /// Ends the session, if there is one.
    ~McpClient();
    McpClient(const McpClient&) = delete;
    McpClient& operator=(const McpClient&) = delete;

    /// initialize and notifications/initialized.
    Status open();
    /// Calls a tool; `arguments` is a JSON object. Returns the raw result, or fails with
    /// the message of the error the daemon answered and its code.
    Result<std::string> call_tool(std::string_view name, std::string_view arguments);

  private:
    Result<std::string> request(std::string_view method, std::string_view params);
    ControlRequest post(std::string_view body) const;

    ControlClient& http_;
    std::string session_;
    uint64_t next_id_ = 1;
};

/// Looks for the answer to one request in a body as it comes: one JSON object, or a stream
/// of events among which it is.
class AnswerFinder {
  public:
    explicit AnswerFinder(uint64_t id);

    /// True once nothing more is needed. `is_stream`: the body is an event stream.
    bool feed(std::string_view bytes, bool is_stream);
    /// The raw result, or why there is none. To be asked when the body is over.
    Result<std::string> finish();

  private:
    bool take(std::string_view message);

    uint64_t id_;
    std::string body_;  // of an answer that is no stream
    SseDecoder events_;
    Result<std::string> answer_;
    bool found_ = false;
};

/// Whether `message` is the answer to request `id`; if so, `answer` is its raw result, or
/// the error it tells: "MESSAGE (CODE)".
bool read_answer(std::string_view message, uint64_t id, Result<std::string>& answer);

}  // namespace neuron

#endif
