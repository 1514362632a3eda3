// Opening the ways in. The keeper does it, because it is there before a reactor and after.

#include "neurond/daemon/door_sockets.h"

#include <algorithm>

#include "neurond/base/text.h"
#include "neurond/conf/check_listener.h"
#include "neurond/net/address.h"

namespace neuron {

namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kInherited = "systemd:";

}  // namespace

Result<Fd> DoorSockets::take_named(const DoorPlan& plan) {
    const std::string name = plan.address.substr(kInherited.size());
    Fd fd = inherited_.take_named(name);
    if (!fd) {
        return Error{plan.name + ": no socket named " + name +
                     " was handed over (LISTEN_FDNAMES)"};
    }
    const Address address = Address::local_of(fd.get());
    if (plan.local_only && !address.is_unix() && !address.is_loopback()) {
        inherited_.give_back(fd);
        return Error{plan.name + ": " + conf::why_too_reachable(address.to_string(), "")};
    }
    return fd;
}

Result<DoorSockets::Socket> DoorSockets::open_one(
    const DoorPlan& plan, const std::vector<int>& leaving) {
    Socket out;
    out.name = plan.name;
    out.address = plan.address;
    if (starts_with(plan.address, kInherited)) {
        Result<Fd> fd = take_named(plan);
        if (!fd) {
            return fd.error();
        }
        out.plain = std::move(*fd);
        return out;
    }
    const Result<Address> address = Address::parse(plan.address);
    if (!address) {
        return address.error();
    }
    out.plain = inherited_.take_bound(*address);
    if (out.plain) {
        return out;
    }
    if (address->is_unix()) {
        Status opened =
            out.unix.open(plan.address.substr(kUnix.size()), plan.mode, plan.group, owner_);
        return opened ? Result<Socket>(std::move(out)) : opened.error();
    }
    Result<Fd> tcp = listen_tcp(*address, leaving);
    if (!tcp) {
        return tcp.error();
    }
    out.plain = std::move(*tcp);
    return out;
}

bool DoorSockets::is_wanted(const Socket& open, const std::vector<DoorPlan>& plans) {
    return std::any_of(plans.begin(), plans.end(), [&open](const DoorPlan& plan) {
        return open.name == plan.name && open.address == plan.address;
    });
}

bool DoorSockets::has(const DoorPlan& plan) const {
    return std::any_of(sockets_.begin(), sockets_.end(), [&plan](const Socket& open) {
        return open.name == plan.name && open.address == plan.address;
    });
}

Status DoorSockets::open(const std::vector<DoorPlan>& plans) {
    std::deque<Socket> fresh;
    if (Status opened = open_into(fresh, plans); !opened) {
        release(fresh);
        return opened;
    }
    std::move(fresh.begin(), fresh.end(), std::back_inserter(sockets_));
    return Ok{};
}

Status DoorSockets::open_into(std::deque<Socket>& fresh,
                              const std::vector<DoorPlan>& plans) {
    // A port may go from one address to another that contains it.
    std::vector<int> leaving;
    for (const Socket& socket : sockets_) {
        if (!is_wanted(socket, plans) &&
            !Address::local_of(socket.get()).is_unix()) {
            leaving.push_back(socket.get());
        }
    }
    for (const DoorPlan& plan : plans) {
        if (has(plan)) {
            continue;
        }
        Result<Socket> opened = open_one(plan, leaving);
        if (!opened) {
            return opened.error();
        }
        fresh.push_back(std::move(*opened));
    }
    return Ok{};
}

void DoorSockets::release(std::deque<Socket>& sockets) {
    for (Socket& socket : sockets) {
        inherited_.give_back(socket.plain);
    }
    sockets.clear();
}

void DoorSockets::keep(const std::vector<DoorPlan>& plans) {
    std::deque<Socket> wanted;
    std::deque<Socket> others;
    for (Socket& socket : sockets_) {
        (is_wanted(socket, plans) ? wanted : others).push_back(std::move(socket));
    }
    sockets_ = std::move(wanted);
    release(others);
}

std::vector<std::pair<std::string, int>> DoorSockets::all() const {
    std::vector<std::pair<std::string, int>> out;
    for (const Socket& socket : sockets_) {
        out.emplace_back(socket.name, socket.get());
    }
    return out;
}

}  // namespace neuron
