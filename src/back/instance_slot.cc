// One instance after another in the same place. Callers see a server that is there, that
// will be there in a moment, or one clear reason why it is not.

#include "neurond/back/instance_slot.h"

#include <algorithm>

#include "neurond/base/log.h"

namespace neuron {

namespace {

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

InstanceSlot::InstanceSlot(SlotContext& context, SlotOwner& owner, unsigned number,
                           ClientCaps caps)
    : context_(context),
      owner_(owner),
      number_(number),
      label_(context.settings.name + (number == 0 ? "" : "#" + std::to_string(number))),
      caps_(caps),
      discovery_(context.discovery),
      pause_(context.settings.backoff),
      last_used_(context.loop.now()),
      retry_(context.loop, [this] { launch(); }) {}

InstanceSlot::~InstanceSlot() = default;

/// The one writer of state_; every change is logged with its reason.
void InstanceSlot::enter(DownstreamState next, const std::string& why) {
    state_ = next;
    log_info("supervisor", "%s: %s (%s)", label_.c_str(), to_string(next), why.c_str());
}

void InstanceSlot::start() {
    if (state_ != DownstreamState::kConfigured) {
        return;
    }
    if (!context_.settings.enabled) {
        enter(DownstreamState::kDisabled, "enabled = no");
        owner_.on_slot_down(*this);
        return;
    }
    launch();
}

void InstanceSlot::launch() {
    enter(DownstreamState::kStarting, place_of(context_.settings));
    started_ = context_.loop.now();
    instance_ = std::make_unique<Instance>(
        context_.loop, context_.instance,
        [this](CarrierOwner& owner) { return context_.carrier(owner, tail_); },
        discovery_, caps_, static_cast<CallSink&>(context_.router),
        static_cast<InstanceOwner&>(*this));
    if (Status started = instance_->start(); !started) {
        instance_.reset();
        last_error_ = started.error().message;
        retry_later();
    }
}

void InstanceSlot::on_listed(std::shared_ptr<const Offer> offer) {
    offer_ = std::move(offer);
    if (state_ != DownstreamState::kHealthy) {
        const auto took =
            std::chrono::duration_cast<Millis>(context_.loop.now() - started_).count();
        enter(DownstreamState::kHealthy, std::to_string(offer_->tools().size()) +
                                             " tools, " + std::to_string(took) + " ms");
        pause_ = context_.settings.backoff;
        last_error_.clear();
        context_.discovery = discovery_;
    }
    owner_.on_slot_listed(*this);
    owner_.on_slot_room();
}

void InstanceSlot::on_instance_end(const std::string& why, bool again) {
    context_.loop.retire(std::move(instance_));
    offer_ = nullptr;
    if (state_ == DownstreamState::kStopped) {
        owner_.on_slot_stopped(*this);
        return;
    }
    if (again) {
        log_info("supervisor", "%s: ended when probed; starting it as a legacy server",
                 label_.c_str());
        retry_.arm(Millis{0});
        return;
    }
    last_error_ = why;
    retry_later();
}

void InstanceSlot::retry_later() {
    enter(DownstreamState::kRestarting,
          last_error_ + "; next start in " + std::to_string(pause_.count()) + " ms");
    retry_.arm(pause_);
    pause_ = std::min(pause_ * 2, context_.settings.backoff_max);
    fail_queue(unavailable());
    owner_.on_slot_down(*this);
}

void InstanceSlot::stop(const std::string& why) {
    if (state_ == DownstreamState::kStopped) {
        return;
    }
    retry_.cancel();
    enter(DownstreamState::kStopped, why);
    fail_queue(unavailable());
    if (instance_) {
        instance_->stop("is being stopped");
    } else {
        owner_.on_slot_stopped(*this);
    }
}

void InstanceSlot::kill() {
    if (instance_) {
        instance_->kill();
    }
}

const ServerHello* InstanceSlot::hello() const noexcept {
    return state_ == DownstreamState::kHealthy && instance_ ? &instance_->hello() : nullptr;
}

OwnError InstanceSlot::unavailable() const {
    std::string why = to_string(state_);
    if (!last_error_.empty()) {
        why += ": " + last_error_;
    }
    const std::string& name = context_.settings.name;
    return {JsonRpcError::kInternal,
            "Downstream '" + name + "' is not available: " + why,
            "unavailable",
            name,
            {}};
}

// --- calls ---------------------------------------------------------------------------

bool InstanceSlot::takes_calls() const noexcept {
    if (state_ == DownstreamState::kStarting) {
        return true;
    }
    return state_ == DownstreamState::kHealthy && instance_ &&
           (instance_->ready() || instance_->renewing());
}

bool InstanceSlot::can_send() const {
    return instance_ && instance_->ready() && !instance_->congested() &&
           owner_.may_send();
}

void InstanceSlot::take(Call& call) {
    last_used_ = context_.loop.now();
    call.instance = number_;
    if (sends_now()) {
        instance_->send(call);
    } else {
        queue_.push_back(call.handle);
    }
}

void InstanceSlot::cancel(Call& call, CancelReason reason) {
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

bool InstanceSlot::requeue(CallHandle handle) {
    Call* call = context_.router.find_call(handle);
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

void InstanceSlot::pump() {
    while (!queue_.empty() && can_send()) {
        Call* call = context_.router.find_call(queue_.front());
        queue_.pop_front();
        if (call != nullptr) {
            instance_->send(*call);
        }
    }
}

void InstanceSlot::fail_queue(const OwnError& error) {
    for (const CallHandle call : queue_) {
        context_.refusals.fail(call, error);
    }
    queue_.clear();
}

}  // namespace neuron
