// The machine as a configuration sees it: files, patterns, environment. All of it blocks
// and is called before anything is served.

#include "neurond/conf/files.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "neurond/base/cgroup_place.h"
#include "neurond/base/fd.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

constexpr const char* kOwnPrefix = "NEUROND_";

Result<std::string> read_all(int fd, const std::string& path, size_t max_bytes) {
    std::string text;
    char chunk[16 * 1024];
    for (;;) {
        const ssize_t n = ::read(fd, chunk, sizeof chunk);
        if (n == 0) {
            return text;
        }
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return sys_error("read", path);
        }
        text.append(chunk, static_cast<size_t>(n));
        if (text.size() > max_bytes) {
            return Error{"read " + path + ": longer than " + std::to_string(max_bytes) +
                         " bytes"};
        }
    }
}

/// `flags` may hold O_NONBLOCK: opening a FIFO then waits for nobody.
Result<FileText> read_file(const std::string& path, bool must_be_regular, int flags,
                           size_t max_bytes) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | flags));
    if (!file) {
        return sys_error("open", path);
    }
    struct stat about = {};
    if (::fstat(file.get(), &about) != 0) {
        return sys_error("stat", path);
    }
    const bool regular = S_ISREG(about.st_mode);
    if (S_ISDIR(about.st_mode) || (must_be_regular && !regular)) {
        return Error{"read " + path + ": not a regular file"};
    }
    auto text = read_all(file.get(), path, max_bytes);
    if (!text) {
        return text.error();
    }
    return FileText{std::move(*text), regular && (about.st_mode & S_IROTH) != 0};
}

/// A directory that is not there matches nothing; one that cannot be read is an error.
int glob_stops_at(const char* /*path*/, int err) {
    return err == ENOENT || err == ENOTDIR ? 0 : 1;
}

}  // namespace

Result<FileText> RealFiles::read_config(const std::string& path) {
    return read_file(path, false, 0, kMaxConfigBytes);
}

Result<FileText> RealFiles::read_secret(const std::string& path) {
    return read_file(path, true, O_NONBLOCK, kMaxSecretBytes);
}

Result<std::vector<std::string>> RealFiles::expand(const std::string& pattern) {
    glob_t found = {};
    const int failed = ::glob(pattern.c_str(), GLOB_NOSORT, glob_stops_at, &found);
    std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    const int err = errno;
    ::globfree(&found);
    if (failed != 0 && failed != GLOB_NOMATCH) {
        return sys_error("list", pattern, err);
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::optional<std::string> RealFiles::variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::vector<std::string> RealFiles::own_variables() {
    std::vector<std::string> names;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (starts_with(text, kOwnPrefix)) {
            names.emplace_back(text.substr(0, text.find('=')));
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

Status RealFiles::check_executable(const std::string& path) {
    struct stat about = {};
    if (::stat(path.c_str(), &about) != 0 || ::access(path.c_str(), X_OK) != 0) {
        return sys_error("execute", path);
    }
    if (!S_ISREG(about.st_mode)) {
        return Error{"execute " + path + ": not a regular file"};
    }
    return Ok{};
}

Status RealFiles::check_directory(const std::string& path) {
    struct stat about = {};
    if (::stat(path.c_str(), &about) != 0) {
        return sys_error("enter", path);
    }
    return S_ISDIR(about.st_mode) ? Status(Ok{}) : sys_error("enter", path, ENOTDIR);
}

Status RealFiles::check_group(const std::string& name) {
    const Result<uint32_t> id = group_id(name);
    return id ? Status(Ok{}) : Status(id.error());
}

Status RealFiles::check_user(const std::string& name) {
    const passwd* found = ::getpwnam(name.c_str());
    if (found == nullptr) {
        return Error{"find user " + escape(name, 64) + ": there is none"};
    }
    if (found->pw_uid != ::geteuid() && ::geteuid() != 0) {
        return Error{"change to user " + name + ": only root may"};
    }
    return Ok{};
}

Status RealFiles::check_cgroup(const std::string& controller) {
    const Result<std::string> own = own_cgroup_dir();
    return own ? check_cgroup_at(*own, controller) : Status(own.error());
}

Result<uint32_t> group_id(const std::string& name) {
    if (const auto number = parse_u64(name); number && *number < UINT32_MAX) {
        return static_cast<uint32_t>(*number);
    }
    const group* found = ::getgrnam(name.c_str());
    if (found == nullptr) {
        return Error{"find group " + escape(name, 64) + ": there is none"};
    }
    return static_cast<uint32_t>(found->gr_gid);
}

}  // namespace neuron::conf
