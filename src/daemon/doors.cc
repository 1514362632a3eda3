// Which sockets a reactor serves, from the first ones to those a reload brings and takes.

#include "neurond/daemon/doors.h"

#include <algorithm>
#include <utility>

namespace neuron {

Doors::Doors(EventLoop& loop, HttpServer& server, Router& router,
             Subscriptions& subscriptions)
    : loop_(loop),
      server_(server),
      router_(router),
      subscriptions_(subscriptions),
      drained_task_(loop, Phase::kSoon, [this] { check_drained(); }) {}

Doors::~Doors() = default;

void Doors::open(const std::string& name, Fd socket, DoorSettings settings,
                 LinkSettings lines) {
    Door& door = doors_[name];
    if (!Address::local_of(socket.get()).is_unix() || settings.control) {
        door.number = server_.add_listener(std::move(socket), std::move(settings));
        return;
    }
    lines.strict_names = settings.strict_names;
    door.lines =
        std::make_unique<UnixDoor>(loop_, std::move(socket), std::move(settings),
                                   server_, router_, subscriptions_, lines);
}

void Doors::change(const std::string& name, DoorSettings settings, LinkSettings lines) {
    const auto found = doors_.find(name);
    if (found == doors_.end()) {
        return;
    }
    lines.strict_names = settings.strict_names;
    if (found->second.lines != nullptr) {
        found->second.lines->change(std::move(settings), lines);
    } else {
        server_.change_door(found->second.number, std::move(settings));
    }
}

void Doors::close(const std::string& name) {
    auto found = doors_.extract(name);
    if (found.empty()) {
        return;
    }
    if (found.mapped().lines != nullptr) {
        drain_one(std::move(found.mapped().lines));
    } else {
        server_.close_door(found.mapped().number);
    }
}

void Doors::drain_one(std::unique_ptr<UnixDoor> door) {
    UnixDoor& going = *door;
    closing_.push_back(std::move(door));
    going.drain([this, &going] {
        const auto gone =
            std::find_if(closing_.begin(), closing_.end(),
                         [&going](const auto& each) { return each.get() == &going; });
        loop_.retire(std::move(*gone));
        closing_.erase(gone);
        drained_task_.schedule();
    });
}

void Doors::judge_again() {
    for (auto& [name, door] : doors_) {
        if (door.lines != nullptr) {
            door.lines->clients().judge_again(server_);
        }
    }
}

std::vector<std::string> Doors::names() const {
    std::vector<std::string> out;
    for (const auto& [name, door] : doors_) {
        out.push_back(name);
    }
    return out;
}

void Doors::add_link_clients(std::vector<const LinkClients*>& out) const {
    for (const auto& [name, door] : doors_) {
        if (door.lines != nullptr) {
            out.push_back(&door.lines->clients());
        }
    }
    for (const auto& door : closing_) {
        out.push_back(&door->clients());
    }
}

void Doors::drain(std::function<void()> drained) {
    drained_ = std::move(drained);
    for (auto& [name, door] : doors_) {
        if (door.lines != nullptr) {
            drain_one(std::move(door.lines));
        }
    }
    drained_task_.schedule();
}

void Doors::check_drained() {
    if (closing_.empty() && drained_) {
        std::exchange(drained_, nullptr)();
    }
}

}  // namespace neuron
