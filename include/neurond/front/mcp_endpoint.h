#ifndef NEUROND_FRONT_MCP_ENDPOINT_H
#define NEUROND_FRONT_MCP_ENDPOINT_H

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/front/http_server.h"
#include "neurond/front/stream_table.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/session.h"

namespace neuron {

struct McpSettings {
    Millis keepalive{15000};    ///< between comments on a silent stream
    /// Header fields that a call keeps because some downstream wants them, besides those
    /// of its trace; each leg takes its own of them.
    std::vector<std::string> forward_headers;
};

/// MCP over Streamable HTTP, both eras: POST, GET and DELETE (mcp-protocol 2.2 to 2.7).
/// Which era a request belongs to, which session and which view is decided here; what it
/// means, in the doors of mcp. In two files: mcp_endpoint.cc how a request is read,
/// mcp_endpoint_serve.cc what it does.
class McpEndpoint final : public HttpHandler {
  public:
    McpEndpoint(EventLoop& loop, HttpServer& server, Router& router,
                SessionStore& sessions, Subscriptions& subscriptions,
                McpSettings settings);
    ~McpEndpoint();

    /// For requests that come from now on.
    void change(McpSettings settings) {
        streams_.set_keepalive(settings.keepalive);
        settings_ = std::move(settings);
    }
    /// Ends the streams that wait for news; answers in hand are still written.
    void drain();

    std::optional<HttpReply> on_head(const HttpRequest& request) override;
    bool wants_json() const noexcept override { return true; }
    void on_request(HttpConn& conn, const HttpRequest& request) override;

  private:
    /// One POST while it is read. Its answer is either `reply`, or an exchange's.
    struct Post {
        HttpConn& conn;
        const HttpRequest& request;
        Accepts accepts;
        Session* session = nullptr;
        std::unique_ptr<PostExchange> exchange;
        std::optional<HttpReply> reply;
        View view;
        bool batch = false;
        bool listening = false;  ///< its answer is a stream of news
    };

    std::optional<View> view_of(const HttpRequest& request) const;

    void on_post(HttpConn& conn, const HttpRequest& request);
    void on_get(HttpConn& conn, const HttpRequest& request);
    void on_delete(HttpConn& conn, const HttpRequest& request);

    void take_message(Post& post, const JsonScanner& scan, const Slice& text);
    void take_request(Post& post, const JsonRpcMessage& message,
                      const JsonScanner& scan, const Slice& text);
    void serve(Post& post, const Door& door, DoorRequest asked,
               std::string_view id_raw);
    void keep_fields(const HttpFields& fields, CallRequest& request) const;
    bool params_agree(Post& post, const CallRequest& request, std::string_view id_raw);
    void take_notification(Post& post, const JsonRpcMessage& message,
                           const JsonScanner& scan, const Slice& text);
    void take_reply(const Post& post, std::string_view id_raw, const InputReply& reply);
    void take_batch(Post& post);
    Millis charge_batch(const Post& post, JsonView elements);
    void initialize(Post& post, std::string_view id_raw, const JsonScanner& scan,
                    const Slice& text);
    void refuse(Post& post, int status, JsonRpcError code, std::string_view message,
                std::string_view id_raw = {}, std::string_view data = {});
    void audit_refused(const Post& post, std::string_view method, std::string_view target,
                       size_t bytes_in);
    Requester requester(const Post& post, const Door& door, ClientCaps caps) const;
    void list(Post& post, const Door& door, const DoorRequest& asked,
              std::string_view id_raw);
    void listen(Post& post, const DoorRequest& asked, std::string_view id_raw);
    void subscribe(Post& post, const DoorRequest& asked, std::string_view id_raw);
    void call(Post& post, const Door& door, CallRequest request,
              std::string_view id_raw);
    void say(Post& post, OutQueue&& answer);
    bool find_session(Post& post);
    PostExchange& exchange_of(Post& post, const Door& door);
    void finish_post(Post& post);

    Session* session_of(const HttpRequest& request, HttpReply& otherwise);
    void adopt(Session& session, const HttpRequest& request);
    void end_session(Session& session);
    void sweep();

    EventLoop& loop_;
    HttpServer& server_;
    Router& router_;
    SessionStore& sessions_;
    McpSettings settings_;
    bool draining_ = false;
    StreamTable streams_;
    Timer sweep_;
};

}  // namespace neuron

#endif
