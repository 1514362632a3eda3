// Single instance by flock: a lock cannot be stale.

#include "neurond/daemon/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "neurond/base/log.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kMaxShown = 32;

/// What stands in it.
std::string text_of(const Fd& fd) {
    char text[kMaxShown];
    const ssize_t n = ::pread(fd.get(), text, sizeof text, 0);
    const std::string out(text, n > 0 ? static_cast<size_t>(n) : 0);
    return escape(out.substr(0, out.find('\n')), kMaxShown);
}

}  // namespace

Status PidFile::acquire(const std::string& path) {
    for (;;) {
        Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
        if (!fd) {
            return sys_error("open", path);
        }
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            const std::string pid = text_of(fd);
            return Error{"neurond is already running (pid " +
                             (pid.empty() ? "unknown" : pid) +
                             "); see 'neurond status', or end it by 'neurond stop'",
                         0};
        }
        struct stat locked {};
        struct stat named {};
        if (::fstat(fd.get(), &locked) != 0 || ::stat(path.c_str(), &named) != 0 ||
            locked.st_ino != named.st_ino) {
            continue;  // it was removed between open and lock: that lock means nothing
        }
        if (const std::string pid = text_of(fd); !pid.empty()) {
            log_info("keeper", "replacing the stale PID file %s (pid %s)", path.c_str(),
                     pid.c_str());
        }
        const std::string text = std::to_string(::getpid()) + "\n";
        if (::ftruncate(fd.get(), 0) != 0 ||
            ::pwrite(fd.get(), text.data(), text.size(), 0) !=
                static_cast<ssize_t>(text.size())) {
            return sys_error("write", path);
        }
        path_ = path;
        fd_ = std::move(fd);
        return Ok{};
    }
}

void PidFile::remove() {
    if (fd_) {
        ::unlink(path_.c_str());
        fd_.reset();
    }
}

}  // namespace neuron
