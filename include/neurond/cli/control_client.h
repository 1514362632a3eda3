#ifndef NEUROND_CLI_CONTROL_CLIENT_H
#define NEUROND_CLI_CONTROL_CLIENT_H

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"
#include "neurond/base/result.h"
#include "neurond/wire/http_body.h"

namespace neuron {

struct ControlRequest {
    std::string_view method = "GET";
    std::string target;
    std::vector<std::pair<std::string_view, std::string>>
        fields;             ///< Host etc. are added
    std::string_view body;  ///< application/json where not empty
    Millis timeout{10000};  ///< longest silence of the daemon
};

struct ControlReply {
    int status = 0;
    std::string content_type;  ///< without parameters, in lower case
    std::string session_id;    ///< Mcp-Session-Id, or empty
    std::string body;          ///< empty where a sink took it
};

/// Takes a body as it comes; false: enough, the rest is not wanted.
using BodySink = std::function<bool(const ControlReply& head, std::string_view bytes)>;

/// A blocking HTTP/1.1 client over the daemon's Unix socket. The connection is kept as
/// long as both sides like, and made anew when it is gone.
class ControlClient {
  public:
    explicit ControlClient(std::string path) : path_(std::move(path)) {}

    const std::string& path() const noexcept { return path_; }

    /// Sends a request and reads the answer, whatever its status. When nobody listens the
    /// error is "neurond is not running (no answer at PATH)".
    Result<ControlReply> exchange(const ControlRequest& request);
    /// The same; a body that comes with status 200 goes to `sink`.
    Result<ControlReply> exchange(const ControlRequest& request, const BodySink& sink);

    /// True if somebody accepts connections at the path.
    bool is_answered();

  private:
    Status connect(Millis timeout);
    Status send(std::string_view bytes);
    Result<size_t> receive(std::string& buffer);
    Result<ControlReply> read_reply(const BodySink& sink);
    Status read_body(std::string& buffer, size_t at, const BodySink& sink,
                     BodyDecoder decoder, ControlReply& reply);

    std::string path_;
    Fd socket_;
    Millis timeout_{0};  ///< of the exchange in hand
};

}  // namespace neuron

#endif
