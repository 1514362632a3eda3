// Opening the ways in. The keeper does it, because it is there before a reactor and after.

#include "neurond/daemon/door_sockets.h"

#include <fcntl.h>

#include <algorithm>

#include "neurond/base/text.h"
#include "neurond/conf/check_listener.h"
#include "neurond/net/address.h"

namespace neuron {

namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kInherited = "systemd:";

}  // namespace

/// One that nobody has; else a copy of one whose door is about to be closed. `out` has none
/// where there is no such socket.
Status DoorSockets::take_inherited(const DoorPlan& plan, const std::vector<int>& leaving,
                                   Socket& out) {
    const bool named = starts_with(plan.address, kInherited);
    const std::string name = named ? plan.address.substr(kInherited.size()) : "";
    const Result<Address> address = named ? Address() : Address::parse(plan.address);
    if (!address) {
        return address.error();
    }
    out.plain = named ? inherited_.take_named(name) : inherited_.take_bound(*address);
    for (size_t i = 0; i < leaving.size() && !out.plain; ++i) {
        const int fd = leaving[i];
        if (named ? inherited_.is_named(fd, name)
                  : inherited_.is_one(fd) &&
                        Address::local_of(fd).to_string() == address->to_string()) {
            out.plain = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
            out.lender = fd;
        }
    }
    return Ok{};
}

/// Whose address we did not choose.
Result<DoorSockets::Socket> DoorSockets::check_inherited(const DoorPlan& plan,
                                                         Socket taken) {
    if (!taken.plain) {
        return Error{plan.name + ": no socket named " +
                     plan.address.substr(kInherited.size()) +
                     " was handed over (LISTEN_FDNAMES)"};
    }
    const Address address = Address::local_of(taken.plain.get());
    if (plan.local_only && !address.is_unix() && !address.is_loopback()) {
        inherited_.give_back(taken.plain);
        return Error{plan.name + ": " + conf::why_too_reachable(address.to_string(), "")};
    }
    return taken;
}

Result<DoorSockets::Socket> DoorSockets::open_one(
    const DoorPlan& plan, const std::vector<int>& leaving) {
    Socket out;
    out.name = plan.name;
    out.address = plan.address;
    if (Status taken = take_inherited(plan, leaving, out); !taken) {
        return taken.error();
    }
    if (starts_with(plan.address, kInherited)) {
        return check_inherited(plan, std::move(out));
    }
    if (out.plain) {
        return out;
    }
    const Result<Address> address = Address::parse(plan.address);
    if (address->is_unix()) {
        Status opened =
            out.unix.open(plan.address.substr(kUnix.size()), plan.mode, plan.group, owner_);
        return opened ? Result<Socket>(std::move(out)) : opened.error();
    }
    std::vector<int> beside = leaving;
    beside.erase(std::remove_if(
                     beside.begin(), beside.end(),
                     [](int fd) { return Address::local_of(fd).is_unix(); }),
                 beside.end());
    Result<Fd> tcp = listen_tcp(*address, beside);
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
        if (!is_wanted(socket, plans)) {
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
        const int lender = opened->lender;
        if (lender >= 0 &&
            std::any_of(fresh.begin(), fresh.end(), [lender](const Socket& other) {
                return other.lender == lender;
            })) {
            return Error{plan.name + ": its socket goes to another listener"};
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
    for (Socket& kept : sockets_) {  // what is inherited is known by its number
        for (Socket& other : others) {
            if (other.plain && other.plain.get() == kept.lender) {
                kept.plain = std::move(other.plain);
                kept.lender = -1;
            }
        }
    }
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
