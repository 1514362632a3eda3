// Counting, with a bound on everything that becomes a label.

#include "neurond/daemon/telemetry.h"

#include <ctime>
#include <iterator>

#include "neurond/base/crypto.h"
#include "neurond/base/log.h"
#include "neurond/base/version.h"
#include "neurond/daemon/process_stats.h"
#include "neurond/mcp/parked_calls.h"

namespace neuron {

namespace {

constexpr std::string_view kResults[] = {"success", "error", "blocked", "cancelled",
                                         "timeout"};
constexpr const char* kOther = "other";

const std::vector<double>& call_bounds() {
    static const std::vector<double> bounds = {
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
    return bounds;
}

const std::vector<double>& overhead_bounds() {
    static const std::vector<double> bounds = {0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                               0.0025,  0.005,  0.01,    0.025,  0.1};
    return bounds;
}

double listed_bytes(const Catalog& catalog) {
    size_t bytes = 0;
    for (size_t kind = 0; kind < kItemKindCount; ++kind) {
        for (const CatalogEntry& entry : catalog.entries(static_cast<ItemKind>(kind))) {
            bytes += entry.item.view().size();
        }
    }
    return static_cast<double>(bytes);
}

size_t index_of(std::string_view result) {
    for (size_t i = 0; i < std::size(kResults); ++i) {
        if (kResults[i] == result) {
            return i;
        }
    }
    return 1;
}

}  // namespace

Telemetry::Telemetry(Metrics& metrics, const DaemonView& view)
    : metrics_(metrics),
      view_(view),
      overhead_(metrics.histogram("neurond_overhead_seconds",
                                  "neurond's own share of a call, before it is sent.",
                                  overhead_bounds())),
      loop_lag_(metrics.histogram(
          "neurond_loop_lag_seconds",
          "How long turns of the event loop took: what came meanwhile had to wait.",
          overhead_bounds())) {
    metrics
        .gauge("neurond_build_info", "Versions; always 1.",
               {{"version", kVersion}, {"openssl", openssl_version()}})
        .set(1);
    metrics.gauge("neurond_start_time_seconds", "When this reactor started.")
        .set(static_cast<double>(std::time(nullptr)));
    add_process_metrics(metrics);
    metrics.gauge("process_start_time_seconds", "When this process started.")
        .set(static_cast<double>(std::time(nullptr)));
    add_gauges();
    add_handshakes();
    add_counters();
}

void Telemetry::add_gauges() {
    Metrics& metrics = metrics_;
    const DaemonView& view = view_;
    metrics.gauge("neurond_ready", "1 when ready, else 0.").set_source([&view] {
        return view.is_ready() ? 1.0 : 0.0;
    });
    metrics.gauge("neurond_sessions", "Open sessions.", {{"door", "http"}})
        .set_source([&view] { return static_cast<double>(view.sessions().size()); });
    metrics
        .gauge("neurond_parked_calls", "Calls that wait for their clients to come back.")
        .set_source([&view] {
            return static_cast<double>(view.router().parked().parked());
        });
    metrics.gauge("neurond_catalog_tools", "Tools in the merged catalog.")
        .set_source([&view] {
            return static_cast<double>(view.router().rules().catalog->entries().size());
        });
    metrics
        .gauge("neurond_catalog_bytes", "Size of all that the merged catalog lists.")
        .set_source([&view] { return listed_bytes(*view.router().rules().catalog); });
    metrics.gauge("neurond_buffer_bytes", "Capacity of all message buffers.")
        .set_source([] { return static_cast<double>(Block::total_bytes()); });
}

/// What others count, and this only shows.
void Telemetry::add_counters() {
    const auto add = [this](const char* name, const char* help, const char* label,
                            const char* value, auto count) {
        metrics_.counter(name, help, {{label, value}}).set_source([this, count] {
            return static_cast<double>(count(view_));
        });
    };
    constexpr const char* kBytes = "neurond_bytes_total";
    constexpr const char* kBytesHelp = "Bytes from and to clients, those inside TLS.";
    add(kBytes, kBytesHelp, "direction", "in",
        [](const DaemonView& view) { return view.server().byte_counts().in; });
    add(kBytes, kBytesHelp, "direction", "out",
        [](const DaemonView& view) { return view.server().byte_counts().out; });
    constexpr const char* kAudit = "neurond_audit_records_total";
    constexpr const char* kAuditHelp = "Records of the audit; error: not written.";
    add(kAudit, kAuditHelp, "result", "success",
        [](const DaemonView& view) { return view.audit().counts().written; });
    add(kAudit, kAuditHelp, "result", "error",
        [](const DaemonView& view) { return view.audit().counts().lost; });
    for (size_t i = 0; i < kDropKinds; ++i) {
        add("neurond_dropped_total", "What was to be told and was lost.", "what",
            to_string(static_cast<DropKind>(i)), [i](const DaemonView& view) {
                return dropped(view, static_cast<DropKind>(i));
            });
    }
    for (const Refusal why :
         {Refusal::kInvalid, Refusal::kMissing, Refusal::kForbidden}) {
        add("neurond_auth_failures_total", "Requests of callers who were not let in.",
            "reason", to_string(why), [why](const DaemonView& view) {
                return view.server().refusals().count(why);
            });
    }
    count_denied("default", 0);
    count_denied("", 0);
}

/// At nought from the start, where it can be: an increase from nothing is none.
void Telemetry::count_denied(const std::string& rule, uint64_t times) {
    metrics_
        .counter("neurond_policy_denied_total",
                 "Requests refused by policy, by the rule that did it.", {{"rule", rule}})
        .add(times);
}

void Telemetry::add_handshakes() {
    const auto add = [this](const char* result, const char* resumed,
                            uint64_t TlsCounts::*count) {
        metrics_
            .counter("neurond_tls_handshakes_total", "Handshakes of clients.",
                     {{"result", result}, {"resumed", resumed}})
            .set_source([this, count] {
                return static_cast<double>(view_.server().tls_counts().*count);
            });
    };
    add("success", "no", &TlsCounts::full);
    add("success", "yes", &TlsCounts::resumed);
    add("error", "no", &TlsCounts::failed);
}

void Telemetry::set_certificates(
    const std::map<std::string, std::time_t>& certificates) {
    constexpr const char* kName = "neurond_certificate_expiry_timestamp_seconds";
    metrics_.remove(kName, {});
    for (const auto& [file, end] : certificates) {
        metrics_.gauge(kName, "When a certificate of ours ends.", {{"file", file}})
            .set(static_cast<double>(end));
    }
}

void Telemetry::refresh_doors() {
    for (const auto& [door, count] : open_connections(view_)) {
        metrics_.gauge("neurond_connections", "Open connections.", {{"door", door}})
            .set(static_cast<double>(count));
    }
    std::map<std::string, size_t> sessions;
    for (const LinkClients* each : view_.link_clients()) {
        sessions[each->door()] += each->sessions();
    }
    for (const auto& [door, count] : sessions) {
        metrics_.gauge("neurond_sessions", "Open sessions.", {{"door", door}})
            .set(static_cast<double>(count));
    }
}

void Telemetry::refresh() {
    refresh_doors();
    for (const auto& [client, times] : view_.router().rates().limited()) {
        Counter& counter =
            metrics_.counter("neurond_rate_limited_total",
                             "Requests refused by limits.rate.", {{"client", client}});
        counter.add(times - counter.value());
    }
    for (const auto& each : view_.supervisor().downstreams()) {
        const MetricLabels labels = {{"downstream", each->name()}};
        metrics_.gauge("neurond_downstream_up", "1 when healthy, else 0.", labels)
            .set(is_serving(each->state()) ? 1 : 0);
        refresh_upkeep(*each);
        metrics_
            .gauge("neurond_calls_in_flight", "Calls a server is working on.", labels)
            .set(static_cast<double>(each->in_flight()));
        metrics_.gauge("neurond_queue_length", "Calls waiting for a server.", labels)
            .set(static_cast<double>(each->queued()));
    }
}

void Telemetry::forget(const std::string& downstream) {
    constexpr const char* kFamilies[] = {
        "neurond_downstream_up",   "neurond_downstream_state", "neurond_calls_in_flight",
        "neurond_queue_length",    "neurond_breaker_state",    "neurond_alert",
        "neurond_calls_total",     "neurond_call_duration_seconds",
    };
    begin_anew(downstream);
    for (const char* family : kFamilies) {
        metrics_.remove(family, {{"downstream", downstream}});
    }
    const auto known = downstreams_.find(downstream);
    if (known != downstreams_.end()) {
        tools_ -= known->second.tools.size() - known->second.tools.count(kOther);
        downstreams_.erase(known);
    }
}

void Telemetry::begin_anew(const std::string& downstream) {
    metrics_.remove("neurond_downstream_restarts_total", {{"downstream", downstream}});
}

void Telemetry::refresh_upkeep(const Downstream& each) {
    const Upkeep& upkeep = each.upkeep();
    for (size_t i = 0; i < kLifeStates; ++i) {
        const auto state = static_cast<LifeState>(i);
        metrics_
            .gauge("neurond_downstream_state", "1 for the state it is in, else 0.",
                   {{"downstream", each.name()}, {"state", to_string(state)}})
            .set(each.state() == state ? 1 : 0);
    }
    for (size_t i = 0; i < kEndCauses; ++i) {
        const auto cause = static_cast<EndCause>(i);
        if (upkeep.restarts(cause) > 0) {
            Counter& counter = metrics_.counter(
                "neurond_downstream_restarts_total", "Starts after an end, by its reason.",
                {{"downstream", each.name()}, {"reason", to_string(cause)}});
            counter.add(upkeep.restarts(cause) - counter.value());
        }
    }
    const MetricLabels labels = {{"downstream", each.name()}};
    metrics_
        .gauge("neurond_breaker_state", "0: closed, 1: open, 2: half-open.", labels)
        .set(static_cast<double>(upkeep.breaker().state()));
    metrics_
        .gauge("neurond_alert", "1 while it crashes too often ([alert] crashes).",
               labels)
        .set(upkeep.alarming(monotonic_now()) ? 1 : 0);
}

Telemetry::PerDownstream& Telemetry::downstream(const std::string& name) {
    PerDownstream& out = downstreams_[name];
    if (out.duration == nullptr) {
        out.duration = &metrics_.histogram("neurond_call_duration_seconds",
                                           "From request to answer.", call_bounds(),
                                           {{"downstream", name}});
    }
    return out;
}

/// Looked up once for each tool and result; a tool over the bound counts as "other".
Counter& Telemetry::counter(const Call& call, std::string_view result) {
    const std::string& server = call.entry->downstream;
    PerDownstream& per = downstream(server);
    // Of other methods only the method is told: of URIs there is no end.
    const bool is_tool = call.request.kind == CallKind::kTool;
    const std::string& name = is_tool ? call.entry->own_name : call.request.method;
    auto tool = per.tools.find(name);
    if (tool == per.tools.end()) {
        const bool full = tools_ >= max_tools_;
        tool = per.tools.try_emplace(full ? kOther : name).first;
        tools_ += full ? 0 : 1;
    }
    const size_t index = index_of(result);
    Counter*& known = tool->second.results[index];
    if (known == nullptr) {
        known = &metrics_.counter("neurond_calls_total", "Calls by how they ended.",
                                  {{"downstream", server},
                                   {"method", call.request.method},
                                   {"tool", is_tool ? tool->first : ""},
                                   {"result", std::string(kResults[index])}});
    }
    return *known;
}

void Telemetry::on_call_done(const Call& call, const CallEnd& end) {
    log_call(call, end, request_log_);
    ++calls_[call.request.revision];
    if (end.result == "blocked") {
        count_denied(call.rule, 1);
    }
    if (call.entry == nullptr) {
        return;  // it named no tool there is
    }
    counter(call, end.result).add();
    downstream(call.entry->downstream).duration->observe(end.when - call.received);
    if (call.stage == Call::Stage::kSent) {
        overhead_.observe(call.sent - call.received);
    }
}

}  // namespace neuron
