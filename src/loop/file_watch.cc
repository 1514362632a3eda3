// Watching directories for changes of the files in them.

#include "neurond/loop/file_watch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <set>

namespace neuron {

namespace {

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                             IN_DELETE | IN_ATTRIB;

std::string directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// Where the path lies and, behind symbolic links, where the file does.
std::set<std::string> directories_of(const std::vector<std::string>& paths) {
    std::set<std::string> out;
    for (const std::string& path : paths) {
        out.insert(directory_of(path));
        if (char* real = ::realpath(path.c_str(), nullptr); real != nullptr) {
            out.insert(directory_of(real));
            std::free(real);
        }
    }
    return out;
}

}  // namespace

FileWatch::FileWatch(EventLoop& loop, Millis quiet, std::function<void()> changed)
    : loop_(loop),
      quiet_(quiet),
      changed_(std::move(changed)),
      timer_(loop, [this] { changed_(); }) {}

FileWatch::~FileWatch() = default;

Status FileWatch::watch(const std::vector<std::string>& paths) {
    if (paths.empty()) {
        timer_.cancel();
        watch_.reset();
        watched_.clear();
        fd_.reset();
        return Ok{};
    }
    if (!fd_) {
        fd_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
        if (!fd_) {
            return sys_error("inotify_init1");
        }
        watch_ = std::make_unique<Watch>(loop_, fd_.get(),
                                         static_cast<EventHandler&>(*this));
        watch_->set(EPOLLIN);
    }
    std::map<std::string, int> next;
    for (const std::string& directory : directories_of(paths)) {
        const int number = ::inotify_add_watch(fd_.get(), directory.c_str(), kEvents);
        if (number >= 0) {
            next.emplace(directory, number);
        }
    }
    std::set<int> wanted;  // two names of one directory have one number
    for (const auto& [directory, number] : next) {
        wanted.insert(number);
    }
    for (const auto& [directory, number] : watched_) {
        if (wanted.count(number) == 0) {
            ::inotify_rm_watch(fd_.get(), number);
        }
    }
    watched_ = std::move(next);
    return Ok{};
}

/// False where all that has happened is that a directory is watched no more.
bool FileWatch::read_events() const {
    alignas(inotify_event) char bytes[4096];
    bool any = false;
    for (ssize_t n; (n = ::read(fd_.get(), bytes, sizeof bytes)) > 0;) {
        for (ssize_t at = 0; at < n;) {
            inotify_event event;
            std::memcpy(&event, bytes + at, sizeof event);
            any = any || (event.mask & IN_IGNORED) == 0;
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
    return any;
}

void FileWatch::on_ready(uint32_t) {
    if (!read_events()) {
        return;
    }
    if (!timer_.armed()) {
        first_ = loop_.now();
    }
    if (!timer_.armed() || loop_.now() - first_ < quiet_ * (kMaxQuiets - 1)) {
        timer_.arm(quiet_);
    }
}

}  // namespace neuron
