// Texts without a name on any disk, for messages that carry descriptors.

#include "neurond/base/memory_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace neuron {

Result<Fd> text_to_memfd(const char* name, std::string_view text) {
    Fd fd(::memfd_create(name, MFD_CLOEXEC));
    if (!fd) {
        return sys_error("memfd_create");
    }
    while (!text.empty()) {
        const ssize_t n = ::write(fd.get(), text.data(), text.size());
        if (n <= 0) {
            return sys_error("write", name);
        }
        text.remove_prefix(static_cast<size_t>(n));
    }
    return fd;
}

Result<std::string> text_of_memfd(const Fd& fd) {
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
        return sys_error("stat", "what was handed over");
    }
    std::string text(static_cast<size_t>(info.st_size), '\0');
    const ssize_t n = ::pread(fd.get(), text.data(), text.size(), 0);
    if (n != static_cast<ssize_t>(text.size())) {
        return sys_error("read", "what was handed over");
    }
    return text;
}

}  // namespace neuron
