// Files as wholes. A state file that is half written is worse than none, so the new one is
// complete and on the medium before it gets the name.

#include "neurond/base/atomic_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "neurond/base/fd.h"

namespace neuron {

namespace {

Status write_all(int fd, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t n = ::write(fd, content.data(), content.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return sys_error("write", path, n < 0 ? errno : ENOSPC);
        }
        content.remove_prefix(static_cast<size_t>(n));
    }
    return Ok{};
}

/// Content first, then mode, then the medium, then the name.
Status fill_and_rename(int fd, const std::string& temp, std::string_view content,
                       mode_t mode, const std::string& path) {
    if (Status s = write_all(fd, content, temp); !s) {
        return s;
    }
    if (::fchmod(fd, mode) != 0) {
        return sys_error("change mode of", temp);
    }
    if (::fsync(fd) != 0) {
        return sys_error("sync", temp);
    }
    if (::rename(temp.c_str(), path.c_str()) != 0) {
        return sys_error("rename to", path);
    }
    return Ok{};
}

Status sync_directory_of(const std::string& path) {
    const std::string dir = path.substr(0, path.find_last_of('/') + 1);
    const Fd fd(
        ::open(dir.empty() ? "." : dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) {
        return sys_error("sync directory of", path);
    }
    return Ok{};
}

Status make_directory(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0) {
        return Ok{};
    }
    const int why = errno;
    struct stat found;
    // Not only after EEXIST: on a read-only file system mkdir may say EROFS first.
    if (::stat(path.c_str(), &found) == 0) {
        if (S_ISDIR(found.st_mode)) {
            return Ok{};
        }
        return sys_error("make directory", path, ENOTDIR);
    }
    return sys_error("make directory", path, why);
}

}  // namespace

Status write_file_atomically(const std::string& path, std::string_view content,
                             mode_t mode) {
    std::string temp = path + ".XXXXXX";
    const Fd file(::mkostemp(temp.data(), O_CLOEXEC));
    if (!file) {
        return sys_error("create", temp);
    }
    if (Status s = fill_and_rename(file.get(), temp, content, mode, path); !s) {
        ::unlink(temp.c_str());
        return s;
    }
    return sync_directory_of(path);
}

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
    // Without O_NONBLOCK the open of a FIFO would wait for its writer.
    const Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file) {
        return sys_error("open", path);
    }
    struct stat about;
    if (::fstat(file.get(), &about) != 0) {
        return sys_error("stat", path);
    }
    if (!S_ISREG(about.st_mode)) {
        return Error{"read " + path + ": not a regular file"};
    }
    constexpr size_t kStepBytes = 64 * 1024;
    std::string content;
    for (;;) {  // until the end, not until st_size: files of /proc claim to be empty
        const size_t size = content.size();
        const size_t step = std::min(kStepBytes, max_bytes - size + 1);
        content.resize(size + step);
        ssize_t n = 0;
        do {
            n = ::read(file.get(), content.data() + size, step);
        } while (n < 0 && errno == EINTR);
        if (n < 0) {
            return sys_error("read", path);
        }
        content.resize(size + static_cast<size_t>(n));
        if (n == 0) {
            return content;
        }
        if (content.size() > max_bytes) {
            return Error{"read " + path + ": larger than " + std::to_string(max_bytes) +
                         " bytes"};
        }
    }
}

Status make_directories(const std::string& path, mode_t mode) {
    for (size_t end = path.find('/', 1); end != std::string::npos;
         end = path.find('/', end + 1)) {
        if (Status s = make_directory(path.substr(0, end), mode); !s) {
            return s;
        }
    }
    return make_directory(path, mode);
}

}  // namespace neuron
