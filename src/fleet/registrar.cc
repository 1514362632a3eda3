// A reload may name another cortexd: the old one is told, and the new one does not wait
// for that.

#include "neurond/fleet/registrar.h"

#include <algorithm>

namespace neuron {

Registrar::Registrar(EventLoop& loop, ResolverCache& names)
    : loop_(loop), names_(names) {}

Registrar::~Registrar() = default;

void Registrar::use(std::optional<MembershipSettings> settings) {
    if (current_ && settings && is_same_membership(current_->settings(), *settings)) {
        current_->change(std::move(*settings));
        return;
    }
    part();
    if (!settings) {
        return;
    }
    current_ = std::make_unique<Membership>(loop_, names_, std::move(*settings));
    if (begun_) {
        current_->join();
    }
}

void Registrar::begin() {
    begun_ = true;
    if (current_) {
        current_->join();
    }
}

void Registrar::leave(std::function<void()> done) {
    begun_ = false;
    part();
    if (leaving_.empty()) {
        done();
        return;
    }
    left_ = std::move(done);
}

std::string Registrar::describe() const {
    return current_ ? current_->describe() : std::string();
}

void Registrar::part() {
    if (current_) {
        Membership& going = *current_;
        leaving_.push_back(std::move(current_));
        going.leave([this, &going] { on_left(&going); });
    }
}

void Registrar::on_left(const Membership* who) {
    const auto found =
        std::find_if(leaving_.begin(), leaving_.end(),
                     [who](const auto& each) { return each.get() == who; });
    loop_.retire(std::move(*found));
    leaving_.erase(found);
    if (leaving_.empty() && left_) {
        std::exchange(left_, nullptr)();
    }
}

}  // namespace neuron
