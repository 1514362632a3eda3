#ifndef NEUROND_DAEMON_EVENTS_PAGE_H
#define NEUROND_DAEMON_EVENTS_PAGE_H

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "neurond/base/owned_set.h"
#include "neurond/daemon/view.h"
#include "neurond/front/http_conn.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// GET /api/v1/admin/events: what changes, as server-sent events of one JSON object each
/// (DESIGN 1.7). First the states as they are, then each change of one:
///
///     {"event":"daemon","time":…,"state":"ready"}
///     {"event":"server","time":…,"name":"redis","state":"restarting","reason":"…"}
///     {"event":"catalog","time":…,"tools":12}
///     {"event":"drain","time":…,"calls_in_flight":2}      in a stop
///
/// While nobody listens nothing is looked at. A listener that does not read is dropped.
class EventsPage final : private HttpHandler {
  public:
    EventsPage(EventLoop& loop, HttpServer& server, DaemonView& view);
    ~EventsPage();

    /// At the end of each turn: tells the listeners what is not as it was.
    void on_turn();
    /// From now on tells how many calls are waited for; with the last all streams end.
    void drain();

  private:
    class Listener;
    struct Seen {
        std::string state;
        std::string reason;
    };

    std::optional<HttpReply> on_head(const HttpRequest& request) override;
    bool wants_json() const noexcept override { return false; }
    void on_request(HttpConn& conn, const HttpRequest& request) override;
    void look();
    void count_down();
    void tell(std::string json);
    void tell_server(const std::string& name, const Seen& now);
    void leave(Listener& listener);
    void keep_alive();

    EventLoop& loop_;
    HttpServer& server_;
    DaemonView& view_;
    OwnedSet<Listener> listeners_;
    Listener* only_ = nullptr;  ///< who is being told the states as they are
    std::string daemon_;        ///< what was told last of each
    std::map<std::string, Seen> servers_;
    size_t tools_ = 0;
    size_t calls_ = SIZE_MAX;  ///< in flight, as told last in a drain
    bool draining_ = false;
    Timer alive_timer_;
};

}  // namespace neuron

#endif
