#ifndef NEUROND_DAEMON_SERVER_PAGES_H
#define NEUROND_DAEMON_SERVER_PAGES_H

#include <deque>
#include <string_view>

#include "neurond/daemon/view.h"
#include "neurond/front/page.h"

namespace neuron {

/// /api/v1/admin/servers[/NAME[/history|logs|restart|enable|disable]] (DESIGN 1.7).
class ServerPages {
  public:
    ServerPages(HttpServer& server, DaemonView& view);

  private:
    using Show = HttpReply (*)(const Downstream& downstream);

    void add(HttpServer& server, const char* path, const char* methods,
             Page::Serve serve);
    void add_show(HttpServer& server, const char* path, Show show);
    void add_order(HttpServer& server, const char* path, ServerOrder order);
    HttpReply list() const;
    const Downstream* find(const HttpRequest& request) const;

    DaemonView& view_;
    std::deque<Page> pages_;
};

}  // namespace neuron

#endif
