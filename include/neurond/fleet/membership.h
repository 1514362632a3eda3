#ifndef NEUROND_FLEET_MEMBERSHIP_H
#define NEUROND_FLEET_MEMBERSHIP_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/loop/event_loop.h"
#include "neurond/net/http_pool.h"
#include "neurond/net/http_target.h"

namespace neuron {

/// Where a node is registered, and what is told there about it.
struct MembershipSettings {
    HttpTarget cortexd;   ///< the path of its url goes before that of the API
    std::string node_id;
    std::string address;  ///< where clients reach this node: a name or an IP address …
    uint16_t port = 0;    ///< … and a port
    std::vector<std::string> capabilities;  ///< names of downstreams
    Millis heartbeat_interval{30 * 1000};
};

/// The same place and the same node: what else differs can be told there.
bool is_same_membership(const MembershipSettings& a, const MembershipSettings& b);

/// One node at one cortexd: registered, kept alive by heartbeats, deregistered at the end.
/// One request at a time, over one kept connection. Whatever cortexd does or fails to do
/// is logged and tried again, and concerns nobody else.
///
///     kIdle ──join()──> kRegistering ──2xx──> kMember ──interval──> kBeating ──> kMember
///                         │     ▲  ▲                                   │
///                      failure backoff  └──────── 404, 410 ───────────┘
///                         ▼     │
///                        kPausing         each ──leave()──> kLeaving ──> kGone
class Membership final : private HttpExchange {
  public:
    Membership(EventLoop& loop, ResolverCache& names, MembershipSettings settings);
    ~Membership();

    /// Once.
    void join();
    /// To settings of the same membership. What cortexd was told is told anew if it is not
    /// true any more.
    void change(MembershipSettings settings);
    /// No heartbeat any more; deregisters if cortexd may know of us, and waits a few
    /// seconds for it at most. `done` comes from the loop, or at once; then it is gone.
    void leave(std::function<void()> done);

    const MembershipSettings& settings() const noexcept { return settings_; }
    /// For people: "registered", "not registered: why".
    std::string describe() const;

  private:
    enum class State {
        kIdle,
        kRegistering,
        kMember,
        kBeating,
        kPausing,
        kLeaving,
        kGone
    };

    void on_response(const ResponseHead& head) override;
    void on_content(std::string_view) override {}
    void on_complete() override;
    void on_failed(const HttpFailure& failure) override;
    void on_timer();

    void enter(State next);
    void post(State purpose, const char* path, std::string body, Millis patience);
    void register_node();
    void beat();
    void accepted();
    void failed(const std::string& why);
    void complain(const std::string& why);
    void gone();
    bool asking() const noexcept;

    MembershipSettings settings_;
    State state_ = State::kIdle;
    Timer timer_;  ///< of the request that is open, else until the next one
    HttpPool pool_;
    int status_ = 0;       ///< of the response that is coming
    bool known_ = false;   ///< cortexd may have heard of us
    bool stale_ = false;   ///< what it has heard is not true any more
    unsigned failures_ = 0;  ///< in a row
    std::string trouble_;    ///< the last one, as the log has it
    std::function<void()> left_;
};

}  // namespace neuron

#endif
