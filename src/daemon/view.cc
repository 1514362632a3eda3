// What is lost is told where everything else is: metrics and health show the same numbers.

#include "neurond/daemon/view.h"

#include <algorithm>

#include "neurond/base/log.h"

namespace neuron {

std::map<std::string, size_t> open_connections(const DaemonView& view) {
    std::map<std::string, size_t> out;
    for (const LinkClients* each : view.link_clients()) {
        out[each->door()] += each->size();
    }
    const size_t streams = out["sse"];  // one that has just ended is there no more
    const size_t served = view.server().connections();
    out["http"] = served - std::min(served, streams);
    return out;
}

const char* to_string(DropKind kind) noexcept {
    constexpr const char* kNames[kDropKinds] = {"audit", "log", "metrics"};
    return kNames[static_cast<size_t>(kind)];
}

uint64_t dropped(const DaemonView& view, DropKind kind) {
    switch (kind) {
        case DropKind::kAudit:
            return view.audit().counts().lost;
        case DropKind::kLog:
            return log_dropped_lines();
        case DropKind::kMetrics:
            return view.metrics_file().failures();
    }
    return 0;
}

}  // namespace neuron
