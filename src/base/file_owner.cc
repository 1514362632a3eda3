// What root makes for a process that may not make it, or could not use it.

#include "neurond/base/file_owner.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace neuron {

Result<Fd> open_to_append(const std::string& path, mode_t mode,
                          const std::optional<FileOwner>& owner) {
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK;
    Fd fd;
    if (owner) {
        fd.reset(::open(path.c_str(), kFlags | O_EXCL, mode));
        if (fd && ::fchown(fd.get(), owner->uid, owner->gid) != 0) {
            return sys_error("change the owner of", path);
        }
    }
    if (!fd) {
        fd.reset(::open(path.c_str(), kFlags, mode));
    }
    return fd ? Result<Fd>(std::move(fd)) : sys_error("open", path);
}

}  // namespace neuron
