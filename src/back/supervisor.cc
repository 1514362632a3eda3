// The set of downstreams. Each lives its own life; here their offers become one catalog.

#include "neurond/back/supervisor.h"

#include <algorithm>

#include "neurond/base/log.h"
#include "neurond/base/text.h"

namespace neuron {

Supervisor::Supervisor(EventLoop& loop, Children& children, ResolverCache& names,
                       std::string separator, bool describe_prefix,
                       std::string alert_command,
                       SupervisorOwner& owner)
    : loop_(loop),
      children_(children),
      names_(names),
      separator_(std::move(separator)),
      describe_prefix_(describe_prefix),
      alert_(loop, children, std::move(alert_command)),
      owner_(owner),
      catalog_(CatalogBuilder().build(separator_)),
      rebuild_(loop, Phase::kSoon, [this] { rebuild(); }),
      stopped_task_(loop, Phase::kSoon, [this] {
          const auto stopped = std::exchange(stopped_, nullptr);
          if (stopped) {
              stopped();
          }
      }) {}

Supervisor::~Supervisor() = default;

void Supervisor::add(Router& router, DownstreamSettings settings) {
    downstreams_.push_back(std::make_unique<Downstream>(
        loop_, children_, names_, router, std::move(settings),
        static_cast<DownstreamOwner&>(*this)));
}

void Supervisor::start() {
    for (const auto& downstream : downstreams_) {
        downstream->start();
    }
    rebuild();
    if (downstreams_.empty()) {
        owner_.on_all_resolved();
    }
}

void Supervisor::stop(std::function<void()> stopped) {
    stopped_ = std::move(stopped);
    running_ = downstreams_.size();
    if (downstreams_.empty()) {
        stopped_task_.schedule();
    }
    for (const auto& downstream : downstreams_) {
        downstream->stop();
    }
}

void Supervisor::kill() {
    for (const auto& downstream : downstreams_) {
        downstream->kill();
    }
}

bool Supervisor::all_resolved() const {
    return std::all_of(downstreams_.begin(), downstreams_.end(),
                       [](const auto& downstream) { return downstream->resolved(); });
}

size_t Supervisor::healthy() const {
    return static_cast<size_t>(std::count_if(
        downstreams_.begin(), downstreams_.end(), [](const auto& downstream) {
            return downstream->serves();
        }));
}

Downstream* Supervisor::find(std::string_view name) const {
    const auto found =
        std::find_if(downstreams_.begin(), downstreams_.end(),
                     [name](const auto& each) { return each->name() == name; });
    return found == downstreams_.end() ? nullptr : found->get();
}

const Downstream* Supervisor::missing() const {
    const auto found = std::find_if(
        downstreams_.begin(), downstreams_.end(), [](const auto& each) {
            return each->settings().required && !each->serves();
        });
    return found == downstreams_.end() ? nullptr : found->get();
}

void Supervisor::on_alarm(const std::string& server, const std::string& reason) {
    log_critical("supervisor", "%s: alarm: %s", server.c_str(), reason.c_str());
    alert_.run(server, reason);
}

bool Supervisor::has(std::string_view downstream) const {
    return find(downstream) != nullptr;
}

/// The longest configured `NAME<separator>` is the one that was meant.
std::optional<Missing> Supervisor::why_missing(const View& view,
                                               std::string_view name) const {
    const Downstream* best = nullptr;
    for (const auto& each : downstreams_) {
        const std::string plain = each->name() + separator_;
        const bool meant =
            view.space.empty()
                ? starts_with(name, view.strict ? strict_name(plain, false) : plain)
                : each->name() == view.space;
        if (meant && (best == nullptr || each->name().size() > best->name().size())) {
            best = each.get();
        }
    }
    if (best == nullptr || is_serving(best->state()) || best->offer() != nullptr) {
        return std::nullopt;
    }
    const bool starting =
        best->state() == LifeState::kStarting ||
        (best->state() == LifeState::kConfigured && !best->resolved());
    const std::string prefix = best->name() + separator_;
    const std::string full =
        prefix + std::string(view.space.empty() ? name.substr(prefix.size()) : name);
    return Missing{best->unavailable(), full, starting};
}

void Supervisor::want_updates(const std::string& downstream,
                              const std::set<std::string>& uris) {
    for (const auto& each : downstreams_) {
        if (each->name() == downstream) {
            each->want_updates(uris);
        }
    }
}

void Supervisor::on_first_start_resolved() {
    if (all_resolved()) {
        owner_.on_all_resolved();
    }
}

void Supervisor::on_downstream_stopped() {
    if (--running_ == 0) {
        stopped_task_.schedule();
    }
}

void Supervisor::rebuild() {
    CatalogBuilder builder;
    if (describe_prefix_) {
        builder.describe_prefix();
    }
    for (const auto& downstream : downstreams_) {
        if (downstream->state() != LifeState::kDisabled) {
            builder.add_downstream(downstream->name(), downstream->handle(),
                                   downstream->offer(), downstream->exposure());
        }
    }
    std::shared_ptr<const Catalog> next = builder.build(separator_);
    for (const std::string& warning : builder.warnings()) {
        log_warn("catalog", "%s", warning.c_str());
    }
    const bool changed = !next->same_content(*catalog_);
    catalog_ = std::move(next);
    owner_.on_catalog(catalog_, changed);
}

}  // namespace neuron
