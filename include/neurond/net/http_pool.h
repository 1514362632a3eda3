#ifndef NEUROND_NET_HTTP_POOL_H
#define NEUROND_NET_HTTP_POOL_H

#include <deque>
#include <functional>
#include <vector>

#include "neurond/base/limits.h"
#include "neurond/base/owned_set.h"
#include "neurond/net/http_client_conn.h"
#include "neurond/net/http_exchange.h"
#include "neurond/net/http_target.h"
#include "neurond/net/resolver_cache.h"

namespace neuron {

/// The connections to one server: at most `max_connections` busy at a time, and a few more
/// for urgent jobs; what does not fit waits in order. Up to `idle_connections` are kept for
/// the next job. Those that are set aside come on top.
class HttpPool final : private HttpClientConnOwner {
  public:
    /// `room` is called, from the loop, when a connection has become free.
    HttpPool(EventLoop& loop, ResolverCache& names, const HttpTarget& target,
             std::function<void()> room);
    ~HttpPool();

    /// The exchange stays until its last callback, or until it is cancelled.
    void start(HttpJob job);
    /// No callback comes any more. What had been sent of it is cut off.
    void cancel(const HttpExchange& exchange);
    /// What is asked on this exchange is answered when people please, or no more: its
    /// connection is not one of the `max_connections`. Who comes back may find them busy.
    void set_aside(const HttpExchange& exchange, bool aside);
    /// Another job that is not urgent would have to wait.
    bool full() const noexcept;
    /// So much waits that more urgent jobs would only pile up.
    bool backed_up() const noexcept {
        return waiting_.size() >= target_.max_connections + kMaxOpenQuestions;
    }

  private:
    void on_conn_idle(HttpClientConn& conn) override;
    void on_conn_repeat(HttpJob&& job) override;
    void on_conn_end(HttpClientConn& conn) override;

    bool place(HttpJob& job);
    void occupy(HttpClientConn& conn, bool urgent);
    void free(HttpClientConn& conn);
    void wait(HttpJob job);
    void bury(HttpClientConn& conn);
    void pump();

    EventLoop& loop_;
    ResolverCache& names_;
    const HttpTarget& target_;
    OwnedSet<HttpClientConn> conns_;
    std::vector<HttpClientConn*> idle_;  ///< of conns_; the last was used last
    std::deque<HttpJob> waiting_;        ///< urgent ones first
    size_t ordinary_ = 0;  ///< connections busy with jobs that are not urgent
    size_t aside_ = 0;     ///< connections busy, but set aside
    std::function<void()> room_;
    Task pump_task_;
};

}  // namespace neuron

#endif
