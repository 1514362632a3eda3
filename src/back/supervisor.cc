// The set of downstreams. Each lives its own life; here their offers become one catalog.

#include "neurond/back/supervisor.h"

#include <algorithm>

#include "neurond/base/log.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

/// It may offer something soon.
bool is_starting(const Downstream& server) {
    return server.state() == LifeState::kStarting ||
           (server.state() == LifeState::kConfigured && !server.resolved());
}

}  // namespace

Supervisor::Supervisor(EventLoop& loop, Children& children, ResolverCache& names,
                       SupervisorSettings settings, SupervisorOwner& owner)
    : loop_(loop),
      children_(children),
      names_(names),
      settings_(std::move(settings)),
      alert_(loop, children, settings_.alert_command),
      owner_(owner),
      catalog_(CatalogBuilder().build(settings_.separator)),
      rebuild_(loop, Phase::kSoon, [this] { rebuild(); }),
      own_lists_(loop, Phase::kSoon, [this] { owner_.on_own_lists_changed(); }),
      stopped_task_(loop, Phase::kSoon, [this] {
          const auto stopped = std::exchange(stopped_, nullptr);
          if (stopped) {
              stopped();
          }
      }),
      staged_task_(loop, Phase::kSoon, [this] { check_staged(); }),
      leave_task_(loop, Phase::kSoon, [this] { stop_leavers(); }) {}

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
    unstage();
    stopped_ = std::move(stopped);
    running_ = downstreams_.size() + leaving_.size();
    if (running_ == 0) {
        stopped_task_.schedule();
    }
    for (const auto& downstream : leaving_) {
        downstream->stop();
    }
    for (const auto& downstream : downstreams_) {
        downstream->stop();
    }
}

void Supervisor::kill() {
    for (const auto* others : {&staged_, &leaving_}) {
        for (const auto& downstream : *others) {
            downstream->kill();
        }
    }
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
        const std::string plain = each->name() + settings_.separator;
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
    const std::string prefix = best->name() + settings_.separator;
    const std::string full =
        prefix + std::string(view.space.empty() ? name.substr(prefix.size()) : name);
    return Missing{best->unavailable(), full, is_starting(*best)};
}

/// A URI does not say whose it is; who had listed it does.
std::optional<Missing> Supervisor::why_missing_uri(const std::string& uri) const {
    for (const auto& each : downstreams_) {
        const Offer* had = each->last_offer().get();
        if (each->offer() == nullptr && had != nullptr && each->exposure().shows(uri) &&
            had->of(ItemKind::kResource).names.count(uri) != 0) {
            return Missing{each->unavailable(), uri, is_starting(*each)};
        }
    }
    return std::nullopt;
}

void Supervisor::want_updates(const ResourcePlace& place,
                              const std::set<std::string>& uris) {
    if (Downstream* server = find(place.downstream); server != nullptr) {
        server->want_updates(place.instance, uris);
    }
}

void Supervisor::on_first_start_resolved() {
    if (staging_) {
        staged_task_.schedule();
    }
    if (all_resolved()) {
        owner_.on_all_resolved();
    }
}

void Supervisor::on_downstream_stopped(Downstream& downstream) {
    const auto left =
        std::find_if(leaving_.begin(), leaving_.end(),
                     [&](const auto& each) { return each.get() == &downstream; });
    if (left != leaving_.end()) {
        const std::string name = downstream.name();
        loop_.retire(std::move(*left));
        leaving_.erase(left);
        owner_.on_left(name);
    }
    if (running_ > 0 && --running_ == 0) {
        stopped_task_.schedule();
    }
}

void Supervisor::rebuild() {
    CatalogBuilder builder;
    if (settings_.describe_prefix) {
        builder.describe_prefix();
    }
    for (const auto& downstream : downstreams_) {
        if (downstream->state() != LifeState::kDisabled) {
            builder.add_downstream(downstream->name(), downstream->handle(),
                                   downstream->offer(), downstream->exposure());
        }
    }
    std::shared_ptr<const Catalog> next = builder.build(settings_.separator);
    for (const std::string& warning : builder.warnings()) {
        log_warn("catalog", "%s", warning.c_str());
    }
    const bool changed = !next->same_content(*catalog_);
    catalog_ = std::move(next);
    owner_.on_catalog(catalog_, changed);
}

// --- another set ---------------------------------------------------------------------

void Supervisor::stage(Router& router, std::vector<DownstreamSettings> fresh) {
    staging_ = true;
    for (DownstreamSettings& settings : fresh) {
        staged_.push_back(std::make_unique<Downstream>(
            loop_, children_, names_, router, std::move(settings),
            static_cast<DownstreamOwner&>(*this)));
    }
    for (const auto& downstream : staged_) {
        downstream->start_afresh();
    }
    staged_task_.schedule();
}

void Supervisor::check_staged() {
    const bool all =
        std::all_of(staged_.begin(), staged_.end(),
                    [](const auto& downstream) { return downstream->resolved(); });
    if (staging_ && all) {
        staging_ = false;
        owner_.on_staged();
    }
}

/// Nobody has heard of them yet, so they have no calls.
void Supervisor::unstage() {
    staging_ = false;
    for (auto& downstream : std::exchange(staged_, {})) {
        leaving_.push_back(std::move(downstream));
        leaving_.back()->stop();
    }
}

/// Null when there is none of this name.
std::unique_ptr<Downstream> Supervisor::take_running(const std::string& name) {
    for (auto& each : downstreams_) {
        if (each != nullptr && each->name() == name) {
            return std::move(each);
        }
    }
    return nullptr;
}

/// The staged one of this name or the one that runs; the other one leaves.
std::unique_ptr<Downstream> Supervisor::choose(const std::string& name,
                                               std::vector<StagedFailure>& failures) {
    std::unique_ptr<Downstream> old = take_running(name);
    const auto staged =
        std::find_if(staged_.begin(), staged_.end(), [&name](const auto& each) {
            return each != nullptr && each->name() == name;
        });
    if (staged == staged_.end()) {
        return old;
    }
    std::unique_ptr<Downstream> fresh = std::move(*staged);
    const bool works = fresh->serves() || fresh->state() == LifeState::kDisabled;
    if (!works) {
        const bool stays = old != nullptr && old->serves();
        failures.push_back({name, fresh->last_error(), !stays});
        if (stays) {
            leave(std::move(fresh));
            return old;
        }
    }
    if (old != nullptr) {
        fresh->inherit(*old);
        leave(std::move(old));
    }
    return fresh;
}

std::vector<StagedFailure> Supervisor::settle(const Router& router,
                                              SupervisorSettings settings,
                                              const std::vector<std::string>& order) {
    router_ = &router;
    settings_ = std::move(settings);
    alert_.set_path(settings_.alert_command);
    std::vector<StagedFailure> failures;
    std::vector<std::unique_ptr<Downstream>> next;
    for (const std::string& name : order) {
        if (auto chosen = choose(name, failures); chosen != nullptr) {
            next.push_back(std::move(chosen));
        }
    }
    for (auto& each : downstreams_) {
        if (each != nullptr) {
            leave(std::move(each));
        }
    }
    downstreams_ = std::move(next);
    staged_.clear();
    for (const auto& each : downstreams_) {
        if (each->state() == LifeState::kFailed) {
            each->obey(ServerOrder::kRestart);  // what was wrong may be mended
        }
    }
    rebuild_.cancel();
    rebuild();
    leave_task_.schedule();
    if (all_resolved()) {
        owner_.on_all_resolved();
    }
    return failures;
}

void Supervisor::leave(std::unique_ptr<Downstream> downstream) {
    log_info("supervisor", "%s: leaves once its calls are over (%zu in flight)",
             downstream->name().c_str(), downstream->in_flight() + downstream->queued());
    leaving_.push_back(std::move(downstream));
}

void Supervisor::on_call_over() {
    if (!leaving_.empty()) {
        leave_task_.schedule();
    }
}

/// A call that is being recorded belongs to it as much as one that it works on.
void Supervisor::stop_leavers() {
    for (const auto& each : leaving_) {
        if (each->state() != LifeState::kStopped && router_ != nullptr &&
            !router_->has_calls_for(each->handle())) {
            each->stop();
        }
    }
}

}  // namespace neuron
