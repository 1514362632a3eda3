#ifndef NEUROND_FRONT_SSE_LINK_H
#define NEUROND_FRONT_SSE_LINK_H

#include <functional>
#include <string>
#include <string_view>

#include "neurond/front/http_server.h"
#include "neurond/net/link.h"

namespace neuron {

/// The link of a 2024-11-05 client over HTTP (mcp-protocol 2.6): what it is told goes out
/// as events on the answer to its GET, what it says comes in POSTs of their own, which the
/// door hands on by take(). It lasts as long as that GET.
class SseLink final : public Link, private HttpWaiter {
  public:
    /// Opens the stream on `conn` and tells the client to POST to `endpoint`. `gone` is
    /// called when there is nothing to take() any more.
    SseLink(EventLoop& loop, HttpServer& server, HttpConn& conn,
            std::string_view endpoint, Millis keepalive, std::function<void()> gone,
            LinkOwner& owner);

    /// Whether take() may be called now: not of a client that does not read.
    bool takes() const noexcept { return !paused_ && !ended_; }
    void take(const JsonScanner& scan, const Slice& text) {
        owner_.on_message(scan, text);
    }

    void send(OutQueue&& message) override;
    bool congested() const noexcept override;
    void end_output() override { finish("ended"); }
    void close(std::string reason) override;
    void finish(std::string reason) override;
    void pause_input() override { paused_ = true; }
    void resume_input() override { paused_ = false; }
    uint64_t written() const noexcept override;

  private:
    void on_conn_gone() override;
    void on_peer_end() override;
    void on_output_room() override { owner_.on_output_room(); }
    void on_keepalive();
    void end(std::string reason);

    HttpServer& server_;
    Handle<HttpConn> conn_;
    Millis keepalive_;
    std::function<void()> gone_;
    LinkOwner& owner_;
    bool paused_ = false;
    bool ended_ = false;
    std::string reason_;
    Timer keepalive_timer_;
    Task closed_task_;
};

}  // namespace neuron

#endif
