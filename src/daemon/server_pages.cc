// The admin API of downstreams: how each fares, how it ended, what it said last, and the
// orders of an operator.

#include "neurond/daemon/server_pages.h"

#include <cmath>

#include "neurond/base/text.h"
#include "neurond/protocol.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr const char* kRead = "GET, HEAD";
constexpr std::string_view kServers = "/api/v1/admin/servers/";

int64_t whole_seconds(Millis span) {
    return std::chrono::duration_cast<std::chrono::seconds>(span).count();
}

/// With three decimals: a tenth matters for what died at once.
double exact_seconds(Millis span) {
    return static_cast<double>(span.count()) / 1000;
}

/// ".../servers/NAME" and ".../servers/NAME/history": NAME.
std::string_view name_in(std::string_view path) {
    const std::string_view rest = path.substr(std::min(path.size(), kServers.size()));
    return rest.substr(0, rest.find('/'));
}

HttpReply no_such(std::string_view name) {
    JsonWriter w;
    w.begin_object().key("error").string("no downstream is called " + escape(name, 64));
    return HttpReply::json(404, w.end_object().take());
}

/// The members every list of downstreams has (DESIGN 1.2).
void write_row(JsonWriter& w, const Downstream& each) {
    const bool serves = is_serving(each.state());
    w.key("name").string(each.name());
    w.key("state").string(to_string(each.state()));
    w.key("era").string(each.era());
    w.key("tools").unsigned_integer(each.offer() ? each.offer()->tools().size() : 0);
    w.key("restarts").unsigned_integer(each.upkeep().restarts());
    w.key("uptime_seconds").integer(serves ? whole_seconds(each.uptime()) : 0);
    w.key("last_error").string(each.last_error());
    w.key("pid").integer(each.pid());
}

void write_detail(JsonWriter& w, const Downstream& each) {
    const TimePoint now = monotonic_now();
    const Breaker& breaker = each.upkeep().breaker();
    w.key("reason").string(each.reason());
    w.key("revision").string(each.revision());
    w.key("instances").unsigned_integer(each.instances().size());
    w.key("circuit").string(to_string(breaker.state()));
    w.key("retry_after").number(exact_seconds(breaker.retry_after(now)));
    w.key("next_start_seconds").number(exact_seconds(each.next_start()));
    w.key("alert").boolean(each.upkeep().alarming(now));
    w.key("calls_in_flight").unsigned_integer(each.in_flight());
    w.key("queued").unsigned_integer(each.queued());
    w.key("stderr").begin_array();
    for (const std::string& line : each.tail().lines()) {
        w.string(line);
    }
    w.end_array();
}

HttpReply detail(const Downstream& each) {
    JsonWriter w;
    w.begin_object();
    write_row(w, each);
    write_detail(w, each);
    return HttpReply::json(200, w.end_object().take());
}

HttpReply history(const Downstream& each) {
    JsonWriter w;
    w.begin_array();
    for (const HistoryEntry& entry : each.upkeep().history().entries()) {
        w.begin_object().key("time").string(to_rfc3339(entry.time));
        w.key("uptime_seconds").number(exact_seconds(entry.uptime));
        w.key("status").string(entry.status);
        w.key("next").string(entry.next);
        w.key("reason").string(entry.reason).end_object();
    }
    return HttpReply::json(200, w.end_array().take());
}

HttpReply logs(const Downstream& each) {
    JsonWriter w;
    w.begin_array();
    for (const std::string& line : each.tail().lines()) {
        w.begin_object().key("line").string(line).end_object();
    }
    return HttpReply::json(200, w.end_array().take());
}

}  // namespace

ServerPages::ServerPages(HttpServer& server, DaemonView& view) : view_(view) {
    add(server, kAdminServers, kRead,
        [this](const HttpRequest&) { return list(); });
    add_show(server, "/api/v1/admin/servers/*", detail);
    add_show(server, "/api/v1/admin/servers/*/history", history);
    add_show(server, "/api/v1/admin/servers/*/logs", logs);
    add_order(server, "/api/v1/admin/servers/*/restart", ServerOrder::kRestart);
    add_order(server, "/api/v1/admin/servers/*/enable", ServerOrder::kEnable);
    add_order(server, "/api/v1/admin/servers/*/disable", ServerOrder::kDisable);
}

void ServerPages::add(HttpServer& server, const char* path, const char* methods,
                      Page::Serve serve) {
    pages_.emplace_back(methods, std::move(serve));
    server.add_route(path, kServeAdmin, pages_.back());
}

void ServerPages::add_show(HttpServer& server, const char* path, Show show) {
    add(server, path, kRead, [this, show](const HttpRequest& request) {
        const Downstream* found = find(request);
        return found != nullptr ? show(*found) : no_such(name_in(request.head.path));
    });
}

void ServerPages::add_order(HttpServer& server, const char* path, ServerOrder order) {
    add(server, path, "POST", [this, order](const HttpRequest& request) {
        const Downstream* found = find(request);
        if (found == nullptr) {
            return no_such(name_in(request.head.path));
        }
        view_.order(found->name(), order);
        JsonWriter w;
        w.begin_object().key("name").string(found->name());
        w.key("state").string(to_string(found->state())).end_object();
        return HttpReply::json(202, w.take());
    });
}

const Downstream* ServerPages::find(const HttpRequest& request) const {
    return view_.supervisor().find(name_in(request.head.path));
}

HttpReply ServerPages::list() const {
    JsonWriter w;
    w.begin_array();
    for (const auto& each : view_.supervisor().downstreams()) {
        w.begin_object();
        write_row(w, *each);
        w.end_object();
    }
    return HttpReply::json(200, w.end_array().take());
}

}  // namespace neuron
