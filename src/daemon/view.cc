// What is lost is told where everything else is: metrics and health show the same numbers.

#include "neurond/daemon/view.h"

#include "neurond/base/log.h"

namespace neuron {

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
