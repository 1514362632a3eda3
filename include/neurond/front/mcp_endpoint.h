#ifndef NEUROND_FRONT_MCP_ENDPOINT_H
#define NEUROND_FRONT_MCP_ENDPOINT_H

#include <memory>
#include <string>
#include <string_view>

#include "neurond/base/owned_set.h"
#include "neurond/front/http_server.h"
#include "neurond/front/mcp_streams.h"
#include "neurond/mcp/door_legacy.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/session.h"

namespace neuron {

/// MCP over Streamable HTTP for legacy clients: POST, GET and DELETE on one path
/// (mcp-protocol 2.2 to 2.5). Which request this is and whose session it belongs to is
/// decided here; what it means in mcp/door_legacy.
class McpEndpoint final : public HttpHandler, private StreamOwner {
  public:
    McpEndpoint(EventLoop& loop, HttpServer& server, Router& router,
                SessionStore& sessions, Millis keepalive);
    ~McpEndpoint();

    /// The catalog has changed: every session with an open stream is told.
    void announce_tools_changed();
    /// Ends the streams that wait for news; answers in hand are still written.
    void drain();

    std::optional<HttpReply> on_head(const HttpRequest& request) override;
    bool wants_json() const noexcept override { return true; }
    void on_request(HttpConn& conn, const HttpRequest& request) override;

  private:
    struct Post;  ///< one POST while it is being read

    void on_post(HttpConn& conn, const HttpRequest& request);
    void on_get(HttpConn& conn, const HttpRequest& request);
    void on_delete(HttpConn& conn, const HttpRequest& request);

    void take_message(Post& post, const JsonScanner& scan, const Slice& text);
    void take_request(Post& post, const JsonRpcMessage& message,
                      const JsonScanner& scan, const Slice& text);
    void take_notification(Post& post, const JsonRpcMessage& message,
                           const JsonScanner& scan, const Slice& text);
    void take_batch(Post& post);
    void initialize(Post& post, std::string_view id_raw, const JsonScanner& scan,
                    const Slice& text);
    void refuse(Post& post, int status, JsonRpcError code, std::string_view message,
                std::string_view id_raw = {}, std::string_view data = {});
    void call(Post& post, CallRequest request, std::string_view id_raw);
    bool find_session(Post& post);
    PostExchange& exchange_of(Post& post);
    void finish_post(Post& post);

    Session* session_of(const HttpRequest& request, HttpReply& otherwise);
    void cancel(const Session& session, std::string_view id_raw);
    void on_exchange_done(PostExchange& exchange) override;
    void on_stream_gone(EventStream& stream) override;
    void release_stream(Handle<Session> handle);
    void end_session(Session& session);
    void sweep();

    EventLoop& loop_;
    HttpServer& server_;
    Router& router_;
    SessionStore& sessions_;
    Millis keepalive_;
    uint64_t stream_count_ = 0;
    OwnedSet<PostExchange> exchanges_;
    OwnedSet<EventStream> streams_;
    Timer sweep_;
};

}  // namespace neuron

#endif
