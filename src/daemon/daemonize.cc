// The one fork of the program: a daemon of the old school leaves its starter behind.

#include "neurond/daemon/daemonize.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "neurond/base/log.h"

namespace neuron {

namespace {

constexpr int kExitFailed = 1;

struct Pipe {
    Fd read_end;
    Fd write_end;
};

std::optional<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return std::nullopt;
    }
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// Of what the daemon says; false at its end.
bool pass_on(const Fd& said) {
    char text[4096];
    const ssize_t n = ::read(said.get(), text, sizeof text);
    for (ssize_t done = 0; done < n;) {
        const ssize_t more =
            ::write(STDERR_FILENO, text + done, static_cast<size_t>(n - done));
        if (more < 0 && errno != EINTR) {
            break;
        }
        done += more > 0 ? more : 0;
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

/// All that was said before the verdict comes before it.
int await_verdict(const Fd& verdict, Fd said) {
    for (;;) {
        pollfd fds[] = {{verdict.get(), POLLIN, 0}, {said ? said.get() : -1, POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0 && errno != EINTR) {
            return kExitFailed;
        }
        if (fds[1].revents != 0) {
            if (!pass_on(said)) {
                said.reset();
            }
        } else if (fds[0].revents != 0) {
            char word = '-';
            return ::read(verdict.get(), &word, 1) == 1 && word == '+' ? 0 : kExitFailed;
        }
    }
}

void become_daemon(const Fd* said) {
    ::setsid();
    // Whoever reads our standard output waits for its end.
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup2(null.get(), STDIN_FILENO);
    ::dup2(null.get(), STDOUT_FILENO);
    if (said != nullptr) {
        ::dup2(said->get(), STDERR_FILENO);
    }
}

}  // namespace

bool stderr_has_reader() {
    struct stat about;
    if (::fstat(STDERR_FILENO, &about) != 0 || stderr_is_journal()) {
        return false;
    }
    return S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode) ||
           ::isatty(STDERR_FILENO) != 0;
}

void let_go_of_stderr() {
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup2(null.get(), STDERR_FILENO);
}

std::optional<int> daemonize(std::optional<Fd>& starter, bool relay) {
    std::optional<Pipe> verdict = make_pipe();
    std::optional<Pipe> said = relay ? make_pipe() : Pipe{};
    if (!verdict || !said) {
        return kExitFailed;
    }
    const pid_t pid = ::fork();
    if (pid < 0) {
        return kExitFailed;
    }
    if (pid == 0) {
        become_daemon(relay ? &said->write_end : nullptr);
        starter.emplace(std::move(verdict->write_end));
        return std::nullopt;
    }
    verdict->write_end.reset();
    said->write_end.reset();
    return await_verdict(verdict->read_end, std::move(said->read_end));
}

}  // namespace neuron
