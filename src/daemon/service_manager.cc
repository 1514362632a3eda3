// The protocol of sd_notify(3) is one datagram of NAME=value lines; libsystemd is not
// needed for it.

#include "neurond/daemon/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <ctime>

#include "neurond/base/environment.h"
#include "neurond/base/fd.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

/// CLOCK_MONOTONIC in microseconds, which the manager compares with its own.
std::string monotonic_usec() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::to_string(now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
    ServiceManager out;
    out.socket_ = take_variable("NOTIFY_SOCKET");
    const auto usec = parse_u64(take_variable("WATCHDOG_USEC"));
    const std::string pid = take_variable("WATCHDOG_PID");
    if (usec && (pid.empty() || pid == std::to_string(::getpid()))) {
        out.watchdog_ = Millis(*usec / 1000 / 2);  // twice in its time, as systemd advises
    }
    if (out.socket_.size() >= sizeof(sockaddr_un::sun_path)) {
        log_warn("keeper", "NOTIFY_SOCKET: too long, ignored");
        out.socket_.clear();
    }
    return out;
}

void ServiceManager::ready(std::string_view status) const {
    send("READY=1\nSTATUS=" + std::string(status));
}

void ServiceManager::reloading() const {
    send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_usec() + "\nSTATUS=reloading");
}

void ServiceManager::stopping() const {
    send("STOPPING=1\nSTATUS=stopping");
}

void ServiceManager::send(std::string_view message) const {
    if (socket_.empty()) {
        return;
    }
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, socket_.data(), socket_.size());
    if (socket_.front() == '@') {
        to.sun_path[0] = '\0';
    }
    const socklen_t size =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    if (::sendto(fd.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&to), size) < 0) {
        log_debug("keeper", "tell the service manager: %s", std::strerror(errno));
    }
}

}  // namespace neuron
