// Three places for a line. What they have in common is that the daemon never waits for
// them.

#include "neurond/base/log_target.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace neuron {

namespace {

constexpr char kSyslogPath[] = "/dev/log";

Result<Fd> open_syslog() {
    Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, kSyslogPath, sizeof kSyslogPath);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        return sys_error("connect", kSyslogPath);
    }
    return fd;
}

}  // namespace

Status LogOutput::open(const LogTarget& target) {
    Fd fresh;
    if (target.kind == LogTarget::Kind::kFile ||
        target.kind == LogTarget::Kind::kSyslog) {
        Result<Fd> opened = target.kind == LogTarget::Kind::kFile
                                ? open_to_append(target.path, kLogFileMode,
                                                 target.owner)
                                : open_syslog();
        if (!opened) {
            return opened.error();
        }
        fresh = std::move(*opened);
    }
    fd_ = std::move(fresh);
    target_ = target;
    mid_line_ = false;
    return Ok{};
}

int LogOutput::fd() const noexcept {
    return fd_ ? fd_.get() : STDERR_FILENO;
}

bool LogOutput::is_writable() const {
    pollfd where = {fd(), POLLOUT, 0};
    return ::poll(&where, 1, 0) == 1 && (where.revents & POLLOUT) != 0;
}

/// A syslog daemon that was restarted has another socket at the same place.
bool LogOutput::connect_syslog() {
    Result<Fd> fresh = open_syslog();
    if (fresh) {
        fd_ = std::move(*fresh);
    }
    return static_cast<bool>(fresh);
}

bool LogOutput::write(std::string line) {
    if (target_.kind == LogTarget::Kind::kNowhere) {
        return true;
    }
    if (!is_writable()) {
        error_ = EAGAIN;
        return false;
    }
    if (mid_line_) {
        line.insert(line.begin(), '\n');
    }
    ssize_t n = 0;
    bool again = target_.kind == LogTarget::Kind::kSyslog;
    do {
        n = ::write(fd(), line.data(), line.size());
    } while (n < 0 &&
             (errno == EINTR || (std::exchange(again, false) && connect_syslog())));
    error_ = n < 0 ? errno : ENOSPC;
    if (n > 0) {
        mid_line_ = static_cast<size_t>(n) < line.size();
    }
    return n > 0 && !mid_line_;
}

std::string LogOutput::loss() const {
    return error_ == EAGAIN ? "the reader is too slow" : std::strerror(error_);
}

}  // namespace neuron
