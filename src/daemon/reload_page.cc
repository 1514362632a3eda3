// Reloading over the admin API. The answer waits for what has to be started.

#include "neurond/daemon/reload_page.h"

#include "neurond/base/text.h"
#include "neurond/front/page.h"
#include "neurond/protocol.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

void write_names(JsonWriter& w, const char* key, const std::vector<std::string>& names) {
    w.key(key).begin_array();
    for (const std::string& name : names) {
        w.string(name);
    }
    w.end_array();
}

int status_of(ReloadReport::Result result) {
    switch (result) {
        case ReloadReport::Result::kDone:
        case ReloadReport::Result::kPartial:
            return 200;
        case ReloadReport::Result::kInvalid:
            return 422;
        case ReloadReport::Result::kRefused:
            break;
    }
    return 503;
}

bool asks_dry_run(std::string_view query) {
    for (const std::string_view pair : split(query, '&')) {
        if (pair == "dry_run=1" || pair == "dry_run=true" || pair == "dry_run") {
            return true;
        }
    }
    return false;
}

}  // namespace

std::string reload_json(const ReloadReport& report) {
    JsonWriter w;
    w.begin_object().key("result").string(to_string(report.result));
    w.key("dry_run").boolean(report.dry_run);
    write_names(w, "add", report.plan.add);
    write_names(w, "remove", report.plan.remove);
    write_names(w, "change", report.plan.change);
    write_names(w, "keep", report.plan.keep);
    write_names(w, "needs_restart", report.plan.restart);
    w.key("failed").begin_array();
    for (const StagedFailure& each : report.failures) {
        w.begin_object().key("name").string(each.downstream);
        w.key("reason").string(each.reason);
        w.key("old_one_serves").boolean(!each.replaced).end_object();
    }
    w.end_array();
    if (!report.error.empty()) {
        w.key("error").string(report.error);
    }
    return w.end_object().take();
}

ReloadPage::ReloadPage(HttpServer& server, DaemonView& view)
    : server_(server), view_(view) {
    server.add_route(kAdminReload, kServeAdmin, *this);
}

std::optional<HttpReply> ReloadPage::on_head(const HttpRequest& request) {
    return refuse_method(request.head.method, "POST");
}

void ReloadPage::on_request(HttpConn& conn, const HttpRequest& request) {
    view_.ask_to_reload(
        asks_dry_run(request.head.query),
        [this, asker = conn.handle()](const ReloadReport& report) {
            if (HttpConn* waiting = server_.find(asker); waiting != nullptr) {
                waiting->reply(
                    HttpReply::json(status_of(report.result), reload_json(report)));
            }
        });
}

}  // namespace neuron
