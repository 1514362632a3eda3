#ifndef NEUROND_DAEMON_RELOAD_PAGE_H
#define NEUROND_DAEMON_RELOAD_PAGE_H

#include <optional>
#include <string>

#include "neurond/daemon/view.h"
#include "neurond/front/http_server.h"

namespace neuron {

/// POST /api/v1/admin/reload[?dry_run=1]: answers when the reload is over. 200 with what
/// was done (or would be), 422 when the configuration is not good, 503 while the daemon
/// is stopping.
class ReloadPage final : public HttpHandler {
  public:
    ReloadPage(HttpServer& server, DaemonView& view);

    std::optional<HttpReply> on_head(const HttpRequest& request) override;
    bool wants_json() const noexcept override { return false; }
    void on_request(HttpConn& conn, const HttpRequest& request) override;

  private:
    HttpServer& server_;
    DaemonView& view_;
};

/// The members `result` (success, partial, invalid, refused), `dry_run`, `add`, `remove`,
/// `change`, `keep`, `needs_restart`, `failed` and, where there is one, `error`.
std::string reload_json(const ReloadReport& report);

}  // namespace neuron

#endif
