// The one fork of the program: a daemon of the old school leaves its starter behind.

#include "neurond/daemon/daemonize.h"

#include <fcntl.h>
#include <unistd.h>

namespace neuron {

std::optional<int> daemonize(std::optional<Fd>& starter) {
    constexpr int kExitFailed = 1;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return kExitFailed;
    }
    Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) {
        return kExitFailed;
    }
    if (pid == 0) {
        ::setsid();
        // Whoever reads our standard output waits for its end; the log is on stderr.
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        ::dup2(null.get(), STDIN_FILENO);
        ::dup2(null.get(), STDOUT_FILENO);
        starter.emplace(std::move(write_end));
        return std::nullopt;
    }
    write_end.reset();
    char verdict = '-';
    const ssize_t n = ::read(read_end.get(), &verdict, 1);
    return n == 1 && verdict == '+' ? 0 : kExitFailed;
}

}  // namespace neuron
