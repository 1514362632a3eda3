#ifndef NEUROND_DAEMON_PAGES_H
#define NEUROND_DAEMON_PAGES_H

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/metrics.h"
#include "neurond/daemon/view.h"
#include "neurond/front/page.h"

namespace neuron {

/// The paths that are answered at once: /health…, /metrics, /api/v1/admin/… (DESIGN 1.7).
class Pages {
  public:
    Pages(HttpServer& server, const Metrics& metrics, DaemonView& view);

  private:
    void add(HttpServer& server, const char* path, Serve what, const char* methods,
             Page::Serve serve);
    void add_stop(HttpServer& server, const char* path, bool patient);
    /// Lists what the catalog has of these kinds; with ?client=ID what of it is allowed.
    void add_catalog(HttpServer& server, const char* path, std::vector<ItemKind> kinds);
    HttpReply health(const HttpRequest& request) const;
    HttpReply ready() const;
    std::string status_json() const;
    std::string catalog_json(const std::vector<ItemKind>& kinds,
                             const std::optional<std::string>& client) const;
    std::string health_json(bool detail) const;

    DaemonView& view_;
    WallTime started_;
    TimePoint started_monotonic_;
    std::deque<Page> pages_;
};

}  // namespace neuron

#endif
