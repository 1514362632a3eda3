#ifndef NEUROND_BACK_HTTP_CARRIER_H
#define NEUROND_BACK_HTTP_CARRIER_H

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "neurond/back/carrier.h"
#include "neurond/back/http_post.h"
#include "neurond/back/resumed_answer.h"
#include "neurond/back/server_stream.h"
#include "neurond/base/owned_set.h"
#include "neurond/net/http_pool.h"

namespace neuron {

/// Streamable HTTP (2025-03-26 and later): each message is a POST of its own. In the
/// legacy revisions a session may bind them together, and a GET stream carries what
/// belongs to no request; in the modern one there is neither.
///
/// A server that cannot be reached while nothing else is in flight has ended.
class HttpCarrier final : public Carrier,
                          private HttpPostOwner,
                          private ResumedAnswerOwner,
                          private ServerStreamOwner {
  public:
    HttpCarrier(EventLoop& loop, ResolverCache& names, const HttpTarget& target,
                CarrierOwner& owner);
    ~HttpCarrier() override;

    Status start() override { return Ok{}; }
    void send(OutQueue&& message, const Outgoing& about) override;
    void forget(uint64_t id) override;
    void set_aside(uint64_t id, bool aside) override;
    bool congested() const noexcept override { return pool_.full(); }
    bool overloaded() const noexcept override { return pool_.backed_up(); }
    /// Ends the session, for which it waits a second.
    void stop() override;
    void kill() override;
    pid_t pid() const noexcept override { return 0; }

  private:
    struct Held {
        HttpJob job;
        HttpPost* post;
    };

    void on_post_response(HttpPost& post, const ResponseHead& head) override;
    void on_post_message(HttpPost& post, const JsonScanner& scan,
                         const Slice& text) override;
    void on_post_failed(HttpPost& post, const RequestFailure& failure) override;
    void on_post_cut(HttpPost& post, const std::string& last_id,
                     std::optional<uint64_t> retry) override;
    void on_post_over(HttpPost& post) override;

    void on_resumed_message(ResumedAnswer& answer, const JsonScanner& scan,
                            const Slice& text) override;
    void on_resume_failed(ResumedAnswer& answer, const std::string& why) override;

    HttpHeadWriter stream_head() override;
    void on_stream_open(bool resumed) override;
    void on_stream_message(const JsonScanner& scan, const Slice& text) override;
    void on_stream_event(std::string_view, std::string_view) override {}
    void on_stream_garbage(const JsonScanner& scan, std::string_view head) override;
    void on_stream_over(int status, const std::string& why) override;

    HttpHeadWriter post_head(const Outgoing& about) const;
    /// What of that head is nobody else's business.
    std::vector<std::string> secrets_of(const Outgoing& about) const;
    HttpPost& add_post(HttpPost::Expect expect);
    void drop(HttpPost& post);
    void drop_resumed(uint64_t request);
    bool idle() const noexcept { return requests_.empty() && resumed_.empty(); }
    void drop_all();
    void initialized();
    void end(const std::string& why);

    EventLoop& loop_;
    const HttpTarget& target_;
    CarrierOwner& owner_;
    HttpPool pool_;
    ServerStream stream_;
    OwnedSet<HttpPost> posts_;
    std::unordered_map<uint64_t, HttpPost*> requests_;  ///< not answered yet
    /// Not answered yet, and their POST is over.
    std::unordered_map<uint64_t, std::unique_ptr<ResumedAnswer>> resumed_;
    std::string session_;   ///< what the server calls ours; empty = none
    std::string revision_;  ///< for streams: what was sent last
    const HttpPost* initializing_ = nullptr;  ///< brings the session id
    const HttpPost* initialized_ = nullptr;   ///< what follows waits for its 202
    std::vector<Held> held_;
    const HttpPost* farewell_ = nullptr;  ///< the DELETE
    bool stopping_ = false;
    bool ended_ = false;
    std::string why_;
    Timer farewell_timer_;
    Task end_task_;
};

}  // namespace neuron

#endif
