#ifndef NEUROND_CLI_MCP_CLIENT_H
#define NEUROND_CLI_MCP_CLIENT_H

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "neurond/base/result.h"
#include "neurond/cli/control_client.h"

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
    AnswerFinder(std::string_view content_type, uint64_t id);
    ~AnswerFinder();
    AnswerFinder(const AnswerFinder&) = delete;
    AnswerFinder& operator=(const AnswerFinder&) = delete;

    /// True once the answer is complete, or nothing can come any more.
    bool feed(std::string_view bytes);
    /// The answer: its raw result, or an error. To be asked when the body is over.
    Result<std::string> finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The result in a JSON-RPC answer to request `id`; an empty text if `message` is another
/// message; an error if it is an error answer.
Result<std::string> read_answer(std::string_view message, uint64_t id);

/// The text of a tool's result for people: text blocks as they are, one line for what is
/// no text, the structured content where there is no block. Ends in a newline.
std::string result_text(std::string_view result);
bool result_is_error(std::string_view result);

}  // namespace neuron

#endif
