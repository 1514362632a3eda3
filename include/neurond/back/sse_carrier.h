#ifndef NEUROND_BACK_SSE_CARRIER_H
#define NEUROND_BACK_SSE_CARRIER_H

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "neurond/back/carrier.h"
#include "neurond/back/http_post.h"
#include "neurond/back/server_stream.h"
#include "neurond/net/http_pool.h"

namespace neuron {

/// HTTP+SSE, the transport of 2024-11-05 (mcp-protocol 2.6): everything the server says
/// comes on one GET stream, whose first event names the place to which messages are
/// POSTed. The end of the stream is the end of the session.
class SseCarrier final : public Carrier,
                         private HttpPostOwner,
                         private ServerStreamOwner {
  public:
    SseCarrier(EventLoop& loop, ResolverCache& names, const HttpTarget& target,
               CarrierOwner& owner);
    ~SseCarrier() override;

    Status start() override;
    void send(OutQueue&& message, const Outgoing& about) override;
    void forget(uint64_t id) override;
    bool congested() const noexcept override;
    void stop() override { end("stopped"); }
    void kill() override { end("killed"); }
    pid_t pid() const noexcept override { return 0; }

  private:
    struct Waiting {
        OutQueue message;
        uint64_t request;  ///< 0 for what is no request
        std::vector<std::pair<std::string, std::string>> fields;
    };

    void on_post_response(HttpPost&, const ResponseHead&) override {}
    void on_post_message(HttpPost&, const JsonScanner&, const Slice&) override {}
    void on_post_failed(HttpPost& post, const RequestFailure& failure) override;
    void on_post_over(HttpPost& post) override;

    HttpHeadWriter stream_head() override;
    void on_stream_message(const JsonScanner& scan, const Slice& text) override;
    void on_stream_event(std::string_view name, std::string_view data) override;
    void on_stream_garbage(const JsonScanner& scan, std::string_view head) override;
    void on_stream_over(int status, const std::string& why) override;

    void pump();
    void end(const std::string& why);

    EventLoop& loop_;
    const HttpTarget& target_;
    CarrierOwner& owner_;
    HttpPool pool_;
    ServerStream stream_;
    std::string endpoint_;  ///< path and query; empty until the server has told
    std::deque<Waiting> waiting_;
    std::unique_ptr<HttpPost> post_;  ///< one at a time keeps messages in order
    uint64_t post_request_ = 0;
    bool ended_ = false;
    std::string why_;
    Task end_task_;
};

}  // namespace neuron

#endif
