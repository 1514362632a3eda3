// The configured thing behind a namespace. It outlives its processes: callers see one
// server that is there, or one clear reason why it is not.

#include "neurond/back/downstream.h"

#include <algorithm>

#include "neurond/back/http_carrier.h"
#include "neurond/back/sse_carrier.h"
#include "neurond/base/glob.h"
#include "neurond/base/log.h"

namespace neuron {

namespace {

InstanceSettings instance_settings(const DownstreamSettings& settings) {
    return {settings.name, settings.start_timeout,
            settings.transport != Transport::kStdio};
}

/// The old transport is of an old revision, and answers nothing it does not know.
Discovery discovery_for(const DownstreamSettings& settings) {
    return settings.transport == Transport::kSse
               ? Discovery(Protocol::kLegacy, true)
               : Discovery(settings.protocol, settings.transport == Transport::kHttp);
}

std::string place_of(const DownstreamSettings& settings) {
    return settings.transport == Transport::kStdio
               ? settings.command.path
               : settings.http.url.scheme + "://" + authority_of(settings.http.url) +
                     settings.http.url.path_and_query;
}

}  // namespace

const char* to_string(DownstreamState state) noexcept {
    switch (state) {
        case DownstreamState::kConfigured:
            return "configured";
        case DownstreamState::kStarting:
            return "starting";
        case DownstreamState::kHealthy:
            return "healthy";
        case DownstreamState::kRestarting:
            return "restarting";
        case DownstreamState::kDisabled:
            return "disabled";
        case DownstreamState::kStopped:
            return "stopped";
    }
    return "";
}

Downstream::Downstream(EventLoop& loop, Children& children, ResolverCache& names,
                       Router& router, DownstreamSettings settings,
                       DownstreamOwner& owner)
    : loop_(loop),
      children_(children),
      names_(names),
      router_(router),
      settings_(std::move(settings)),
      instance_settings_(instance_settings(settings_)),
      discovery_(discovery_for(settings_)),
      owner_(owner),
      registration_(router.parties().answerers, *this),
      pause_(settings_.backoff),
      retry_(loop, [this] { launch(); }),
      refuse_task_(loop, Phase::kSoon, [this] { deliver_refusals(); }),
      pump_task_(loop, Phase::kSoon, [this] { pump(); }) {}

Downstream::~Downstream() = default;

/// The one writer of state_; every change is logged with its reason.
void Downstream::enter(DownstreamState next, const std::string& why) {
    state_ = next;
    log_info("supervisor", "%s: %s (%s)", name().c_str(), to_string(next), why.c_str());
}

void Downstream::start() {
    if (!settings_.enabled) {
        enter(DownstreamState::kDisabled, "enabled = no");
        resolve_first_start();
        return;
    }
    launch();
}

void Downstream::launch() {
    enter(DownstreamState::kStarting, place_of(settings_));
    started_ = loop_.now();
    instance_ = std::make_unique<Instance>(
        loop_, instance_settings_,
        [this](CarrierOwner& owner) { return make_carrier(owner); }, discovery_,
        static_cast<CallSink&>(router_), static_cast<InstanceOwner&>(*this));
    if (Status started = instance_->start(); !started) {
        instance_.reset();
        last_error_ = started.error().message;
        retry_later();
    }
}

std::unique_ptr<Carrier> Downstream::make_carrier(CarrierOwner& owner) {
    switch (settings_.transport) {
        case Transport::kStdio:
            break;
        case Transport::kHttp:
            return std::make_unique<HttpCarrier>(loop_, names_, settings_.http, owner);
        case Transport::kSse:
            return std::make_unique<SseCarrier>(loop_, names_, settings_.http, owner);
    }
    return std::make_unique<StdioProcess>(loop_, children_, tail_, settings_.command,
                                          owner);
}

void Downstream::on_listed(std::shared_ptr<const Offer> offer) {
    offer_ = std::move(offer);
    if (state_ != DownstreamState::kHealthy) {
        const auto took =
            std::chrono::duration_cast<Millis>(loop_.now() - started_).count();
        enter(DownstreamState::kHealthy, std::to_string(offer_->tools().size()) +
                                             " tools, " + std::to_string(took) + " ms");
        pause_ = settings_.backoff;
        last_error_.clear();
        resolve_first_start();
    }
    owner_.on_offer_changed();
    pump_task_.schedule();
}

void Downstream::on_instance_end(const std::string& why, bool again) {
    loop_.retire(std::move(instance_));
    offer_ = nullptr;
    if (state_ == DownstreamState::kStopped) {
        owner_.on_downstream_stopped();
        return;
    }
    if (again) {
        log_info("supervisor", "%s: ended when probed; starting it as a legacy server",
                 name().c_str());
        retry_.arm(Millis{0});
        return;
    }
    last_error_ = why;
    retry_later();
}

void Downstream::retry_later() {
    enter(DownstreamState::kRestarting,
          last_error_ + "; next start in " + std::to_string(pause_.count()) + " ms");
    ++restarts_;
    retry_.arm(pause_);
    pause_ = std::min(pause_ * 2, settings_.backoff_max);
    fail_queue(unavailable());
    owner_.on_offer_changed();
    resolve_first_start();
}

void Downstream::resolve_first_start() {
    if (!std::exchange(resolved_, true)) {
        owner_.on_first_start_resolved();
    }
}

void Downstream::stop() {
    retry_.cancel();
    enter(DownstreamState::kStopped, "stopping");
    fail_queue(unavailable());
    if (instance_) {
        instance_->stop("is being stopped");
    } else {
        owner_.on_downstream_stopped();
    }
}

void Downstream::kill() {
    if (instance_) {
        instance_->kill();
    }
}

std::string Downstream::revision() const {
    return state_ == DownstreamState::kHealthy && instance_
               ? std::string(to_string(instance_->hello().revision))
               : std::string();
}

OwnError Downstream::unavailable() const {
    std::string why = to_string(state_);
    if (!last_error_.empty()) {
        why += ": " + last_error_;
    }
    return {JsonRpcError::kInternal,
            "Downstream '" + name() + "' is not available: " + why,
            "unavailable",
            name(),
            {}};
}

// --- calls ---------------------------------------------------------------------------

void Downstream::take(Call& call) {
    const bool ready = instance_ && instance_->ready();
    if (state_ != DownstreamState::kHealthy || !(ready || renewing())) {
        refuse(call, unavailable());
        return;
    }
    if (ready && queue_.empty() && instance_->in_flight() < settings_.max_in_flight &&
        !instance_->congested()) {
        instance_->send(call);
        return;
    }
    if (queue_.size() >= settings_.queue) {
        refuse(call, {JsonRpcError::kInternal,
                      "Downstream '" + name() + "' is busy: its queue is full", "busy",
                      name(), 1});
        return;
    }
    queue_.push_back(call.handle);
}

void Downstream::cancel(Call& call, CancelReason reason) {
    if (call.stage == Call::Stage::kSent) {
        if (instance_) {
            instance_->cancel(call, reason);
        }
        return;
    }
    const auto found = std::find(queue_.begin(), queue_.end(), call.handle);
    if (found != queue_.end()) {
        queue_.erase(found);
    }
}

void Downstream::on_instance_room() {
    if (!queue_.empty()) {
        pump_task_.schedule();
    }
}

bool Downstream::requeue(CallHandle handle) {
    Call* call = router_.find_call(handle);
    if (call == nullptr) {
        return true;  // nobody waits for it any more
    }
    if (std::exchange(call->repeated, true)) {
        return false;
    }
    call->stage = Call::Stage::kQueued;
    queue_.push_front(handle);
    return true;
}

/// Sends what waits, in order, as far as the instance takes it.
void Downstream::pump() {
    while (!queue_.empty() && instance_ && instance_->ready() &&
           instance_->in_flight() < settings_.max_in_flight &&
           !instance_->congested()) {
        Call* call = router_.find_call(queue_.front());
        queue_.pop_front();
        if (call != nullptr) {
            instance_->send(*call);
        }
    }
}

/// Answers later: a call is never answered inside take().
void Downstream::refuse(Call& call, OwnError error) {
    refused_.emplace_back(call.handle, std::move(error));
    refuse_task_.schedule();
}

void Downstream::deliver_refusals() {
    std::vector<std::pair<CallHandle, OwnError>> refused;
    refused.swap(refused_);
    for (auto& [call, error] : refused) {
        router_.on_answer(call, Answer::failure(std::move(error)));
    }
}

void Downstream::fail_queue(const OwnError& error) {
    for (const CallHandle call : queue_) {
        refused_.emplace_back(call, error);
    }
    queue_.clear();
    refuse_task_.schedule();
}

Millis Downstream::call_timeout(const std::string& own_name) const {
    for (const auto& [glob, timeout] : settings_.timeouts) {
        if (glob_matches(glob, own_name)) {
            return timeout;
        }
    }
    return settings_.call_timeout;
}

}  // namespace neuron
