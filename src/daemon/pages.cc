// Health, metrics and the admin API: what operators and their tools read. The shapes are
// those of requirements C-27 and of the command line.

#include "neurond/daemon/pages.h"

#include <unistd.h>

#include "neurond/base/encode.h"
#include "neurond/base/text.h"
#include "neurond/base/version.h"
#include "neurond/daemon/config_source.h"
#include "neurond/daemon/telemetry.h"
#include "neurond/mcp/list_pages.h"
#include "neurond/mcp/parked_calls.h"
#include "neurond/protocol.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr const char* kRead = "GET, HEAD";

/// Which revisions the clients speak: legacy ones have sessions, or connections of their
/// own; of modern ones there are only calls.
void write_clients(JsonWriter& w, const DaemonView& view) {
    std::map<Revision, size_t> sessions;
    view.sessions().count(sessions);
    for (const LinkClients* each : view.link_clients()) {
        each->count(sessions);
    }
    const std::map<Revision, uint64_t>& calls = view.telemetry().calls();
    w.key("clients").begin_array();
    for (const Revision revision : kRevisions) {
        const auto open = sessions.find(revision);
        const auto made = calls.find(revision);
        if (open == sessions.end() && made == calls.end()) {
            continue;
        }
        w.begin_object().key("revision").string(to_string(revision));
        w.key("era").string(is_legacy(revision) ? "legacy" : "modern");
        w.key("sessions").unsigned_integer(open != sessions.end() ? open->second : 0);
        w.key("calls").unsigned_integer(made != calls.end() ? made->second : 0);
        w.end_object();
    }
    w.end_array();
}

int64_t whole_seconds(TimePoint::duration span) {
    return std::chrono::duration_cast<std::chrono::seconds>(span).count();
}

/// `client=ID` of a query, decoded; nothing without it.
std::optional<std::string> asked_client(std::string_view query) {
    constexpr std::string_view kKey = "client=";
    for (const std::string_view pair : split(query, '&')) {
        if (starts_with(pair, kKey)) {
            return percent_decode(pair.substr(kKey.size()));
        }
    }
    return std::nullopt;
}

/// With a client, what the policy says of it.
void entry_json(JsonWriter& w, const CatalogEntry& entry, const Policy& policy,
                const std::optional<std::string>& client) {
    const JsonView item(entry.item.view());
    w.begin_object().key("name").string(entry.full_name);
    w.key("server").string(entry.downstream);
    w.key("title").string(item.find("title").as_string().value_or(""));
    w.key("description").string(item.find("description").as_string().value_or(""));
    if (client) {
        const PolicyDecision decision = decide(policy, Identity{*client, {}}, entry);
        w.key("decision").string(decision.allowed ? "allowed" : "denied");
        w.key("rule").string(decision.rule);
    }
    w.end_object();
}

}  // namespace

Pages::Pages(HttpServer& server, const Metrics& metrics, DaemonView& view)
    : view_(view), started_(wall_now()), started_monotonic_(monotonic_now()) {
    for (const char* path : {kHealthPath, "/healthz"}) {
        add(server, path, kServeHealth, kRead,
            [this](const HttpRequest& request) { return health(request); });
    }
    for (const char* path : {kLivePath, "/livez"}) {
        add(server, path, kServeHealth, kRead, [](const HttpRequest&) {
            return HttpReply::json(200, R"({"status":"alive"})");
        });
    }
    for (const char* path : {kReadyPath, "/readyz", "/ready"}) {
        add(server, path, kServeHealth, kRead,
            [this](const HttpRequest&) { return ready(); });
    }
    add(server, kMetricsPath, kServeMetrics, kRead, [this, &metrics](const HttpRequest&) {
        view_.refresh_metrics();
        HttpReply reply = HttpReply::json(
            200, metrics.render(view_.config().section("metrics").str("prefix")));
        reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
        return reply;
    });
    add(server, kAdminStatus, kServeAdmin, kRead,
        [this](const HttpRequest&) { return HttpReply::json(200, status_json()); });
    add(server, kAdminConfig, kServeAdmin, kRead, [this](const HttpRequest&) {
        return HttpReply::json(200, settings_json(conf::settings_in_force(
                                        view_.config(), view_.started_with())));
    });
    add_catalog(server, kAdminTools, {ItemKind::kTool});
    add_catalog(server, kAdminPrompts, {ItemKind::kPrompt});
    add_catalog(server, kAdminResources,
                {ItemKind::kResource, ItemKind::kTemplate});
    add_stop(server, kAdminStop, false);
    add_stop(server, kAdminDrain, true);
}

void Pages::add(HttpServer& server, const char* path, Serve what, const char* methods,
                Page::Serve serve) {
    pages_.emplace_back(methods, std::move(serve));
    server.add_route(path, what, pages_.back());
}

void Pages::add_stop(HttpServer& server, const char* path, bool patient) {
    add(server, path, kServeAdmin, "POST", [this, patient](const HttpRequest&) {
        view_.ask_to_stop(patient);
        return HttpReply::json(202, R"({"status":"stopping"})");
    });
}

void Pages::add_catalog(HttpServer& server, const char* path,
                        std::vector<ItemKind> kinds) {
    add(server, path, kServeAdmin, kRead,
        [this, kinds = std::move(kinds)](const HttpRequest& request) {
            return HttpReply::json(200,
                                   catalog_json(kinds, asked_client(request.head.query)));
        });
}

HttpReply Pages::ready() const {
    const bool ready = view_.is_ready();
    JsonWriter w;
    w.begin_object().key("status").string(view_.state());
    if (const Downstream* missing = view_.supervisor().missing();
        !ready && missing != nullptr) {
        w.key("required").string(missing->name());
    }
    w.end_object();
    return HttpReply::json(ready ? 200 : 503, w.take());
}

/// Degraded and starting still answer 200: the daemon itself serves.
HttpReply Pages::health(const HttpRequest& request) const {
    const Supervisor& supervisor = view_.supervisor();
    const bool any = supervisor.downstreams().empty() || supervisor.healthy() > 0;
    return HttpReply::json(any || !view_.is_ready() ? 200 : 503,
                           health_json(request.local || request.known));
}

std::string Pages::health_json(bool detail) const {
    const Supervisor& supervisor = view_.supervisor();
    const size_t total = supervisor.downstreams().size();
    const size_t healthy = supervisor.healthy();
    JsonWriter w;
    w.begin_object().key("status").string(healthy == total ? "healthy"
                                          : healthy > 0    ? "degraded"
                                                           : "unhealthy");
    w.key("version").string(kVersion);
    w.key("uptime_seconds")
        .integer(whole_seconds(monotonic_now() - started_monotonic_));
    w.key("mcp_servers").begin_object().key("total").unsigned_integer(total);
    w.key("healthy").unsigned_integer(healthy);
    if (detail) {
        w.key("list").begin_array();
        for (const auto& each : supervisor.downstreams()) {
            w.begin_object().key("name").string(each->name());
            w.key("state").string(to_string(each->state())).end_object();
        }
        w.end_array();
    }
    const size_t tools = view_.router().rules().catalog->entries().size();
    w.end_object().key("http_sessions").begin_object().key("active");
    w.unsigned_integer(view_.sessions().size()).end_object();
    w.key("tools").begin_object().key("native").integer(0);
    w.key("external").unsigned_integer(tools).key("total").unsigned_integer(tools);
    w.key("namespaces").unsigned_integer(healthy).end_object();
    uint64_t lost = 0;
    for (size_t i = 0; i < kDropKinds; ++i) {
        lost += dropped(view_, static_cast<DropKind>(i));
    }
    w.key("dropped").unsigned_integer(lost);
    w.key("timestamp").string(to_rfc3339(wall_now())).end_object();
    return w.take();
}

std::string Pages::status_json() const {
    const Supervisor& supervisor = view_.supervisor();
    JsonWriter w;
    w.begin_object().key("version").string(kVersion);
    w.key("pid").integer(::getppid());  // the keeper's: the one in the PID file
    w.key("reactor_pid").integer(::getpid());
    w.key("state").string(view_.state());
    w.key("uptime_seconds")
        .integer(whole_seconds(monotonic_now() - started_monotonic_));
    w.key("started").string(to_rfc3339(started_));
    w.key("node_id").string(view_.node_id());
    if (const std::string registration = view_.registrar().describe();
        !registration.empty()) {
        w.key("registration").string(registration);
    }
    w.key("listeners").begin_array();
    for (const std::string& address : view_.server().addresses()) {
        w.string(address);
    }
    w.end_array().key("downstreams").begin_object();
    w.key("total").unsigned_integer(supervisor.downstreams().size());
    w.key("healthy").unsigned_integer(supervisor.healthy()).end_object();
    w.key("tools").unsigned_integer(view_.router().rules().catalog->entries().size());
    w.key("sessions").unsigned_integer(view_.sessions().size());
    write_clients(w, view_);
    size_t connections = 0;
    for (const auto& [door, count] : open_connections(view_)) {
        connections += count;
    }
    w.key("connections").unsigned_integer(connections);
    w.key("calls_in_flight").unsigned_integer(view_.router().in_flight());
    w.key("parked_calls").unsigned_integer(view_.router().parked().parked());
    w.end_object();
    return w.take();
}

std::string Pages::catalog_json(const std::vector<ItemKind>& kinds,
                                const std::optional<std::string>& client) const {
    const Rules& rules = view_.router().rules();
    JsonWriter w;
    w.begin_array();
    for (const ItemKind kind : kinds) {
        for (const CatalogEntry& entry : rules.catalog->entries(kind)) {
            entry_json(w, entry, *rules.policy, client);
        }
    }
    return w.end_array().take();
}

}  // namespace neuron
