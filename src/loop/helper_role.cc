// What the helper processes do: the calls that may block for seconds (getaddrinfo,
// fdatasync, rename), one request after the other, in a process that owns nothing else.

#include <netdb.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "neurond/base/atomic_file.h"
#include "neurond/base/fd.h"
#include "neurond/base/limits.h"
#include "neurond/base/memory_file.h"
#include "neurond/base/text.h"
#include "neurond/loop/helper.h"
#include "neurond/loop/trampoline.h"

namespace neuron {

namespace {

constexpr char kSync = 's';
constexpr char kReplace = 'r';
constexpr char kCopy = 'c';
constexpr char kRemove = 'd';
constexpr char kResolve = 'n';

std::string done(std::string_view text = {}) {
    return "+" + std::string(text);
}
std::string failed(std::string_view why) {
    return "-" + std::string(why);
}

std::string sync_descriptor(const Fd& fd) {
    if (!fd) {
        return failed("sync: no descriptor came with the request");
    }
    // EINVAL: a device or pipe, which has no medium to force anything to
    if (::fdatasync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) {
        return failed(sys_error("fdatasync").message);
    }
    return done();
}

/// "path NUL mode NUL content"; with a descriptor, that has the content.
std::string replace_file(std::string_view request, const Fd& from = {}) {
    const size_t path_end = request.find('\0');
    const size_t mode_end = path_end == std::string_view::npos
                                ? path_end
                                : request.find('\0', path_end + 1);
    if (mode_end == std::string_view::npos) {
        return failed("replace: malformed request");
    }
    Result<std::string> handed(std::string{});
    if (from) {
        handed = text_of_memfd(from);
        if (!handed) {
            return failed(handed.error().message);
        }
    }
    const auto mode = parse_u64(request.substr(path_end + 1, mode_end - path_end - 1));
    const Status written = write_file_atomically(
        std::string(request.substr(0, path_end)),
        from ? std::string_view(*handed) : request.substr(mode_end + 1),
        static_cast<mode_t>(mode.value_or(0600)));
    return written ? done() : failed(written.error().message);
}

std::string remove_file(const std::string& path) {
    return ::unlink(path.c_str()) == 0 || errno == ENOENT
               ? done()
               : failed(sys_error("remove", path).message);
}

std::string resolve(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    if (const int err = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
        err != 0) {
        return failed("resolve " + host + ": " + ::gai_strerror(err));
    }
    std::string lines;
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
        char text[NI_MAXHOST];
        if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0,
                          NI_NUMERICHOST) == 0) {
            lines.append(text).append("\n");
        }
    }
    ::freeaddrinfo(found);
    return done(lines);
}

std::string serve(bool writer, std::string_view request, const Fd& fd) {
    const char verb = request.empty() ? '\0' : request.front();
    if (writer && verb == kSync) {
        return sync_descriptor(fd);
    }
    if (writer && verb == kReplace) {
        return replace_file(request.substr(1));
    }
    if (writer && verb == kCopy) {
        return fd ? replace_file(request.substr(1), fd)
                  : failed("replace: no descriptor came with the request");
    }
    if (writer && verb == kRemove) {
        return remove_file(std::string(request.substr(1)));
    }
    if (!writer && verb == kResolve) {
        return resolve(std::string(request.substr(1)));
    }
    return failed("unknown request");
}

/// Receives one datagram and the descriptor that may come with it; -1 at the end.
ssize_t receive(char* datagram, size_t size, Fd& fd) {
    iovec part{datagram, size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = 0;
    do {
        n = ::recvmsg(STDIN_FILENO, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (n > 0 && header != nullptr && header->cmsg_type == SCM_RIGHTS) {
        int received = -1;
        std::memcpy(&received, CMSG_DATA(header), sizeof received);
        fd.reset(received);
    }
    return n;
}

}  // namespace

std::string writer_sync_request() {
    return std::string(1, kSync);
}

std::string writer_replace_request(std::string_view path, unsigned mode,
                                   std::string_view content) {
    std::string request(1, kReplace);
    request.append(path).append(1, '\0').append(std::to_string(mode)).append(1, '\0');
    return request.append(content);
}

std::string writer_copy_request(std::string_view path, unsigned mode) {
    std::string request = writer_replace_request(path, mode, {});
    request.front() = kCopy;
    return request;
}

std::string writer_remove_request(std::string_view path) {
    return std::string(1, kRemove).append(path);
}

std::string resolver_request(std::string_view host) {
    return std::string(1, kResolve).append(host);
}

int run_helper(std::string_view role) {
    if (role == "start") {
        return run_starter();
    }
    const bool writer = role == "writer";
    ::prctl(PR_SET_NAME, writer ? "neurond-writer" : "neurond-resolv");
    static char datagram[kMaxHelperMessageBytes];
    for (;;) {
        Fd fd;
        const ssize_t n = receive(datagram, sizeof datagram, fd);
        if (n < static_cast<ssize_t>(sizeof(uint64_t))) {
            return 0;  // the daemon has gone, or has no more use for us
        }
        std::string answer(datagram, sizeof(uint64_t));
        answer += serve(
            writer,
            {datagram + sizeof(uint64_t), static_cast<size_t>(n) - sizeof(uint64_t)},
            fd);
        if (::send(STDIN_FILENO, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) {
            return 0;
        }
    }
}

}  // namespace neuron
