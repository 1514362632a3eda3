// A child's stderr: free text for people, at whatever rate the child likes.

#include "neurond/back/stderr_drain.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

/// More than is shown, so that a secret is known where a line is cut.
constexpr size_t kTakenBytes = 4 * kStderrLineBytes;

}  // namespace

void StderrTail::add(std::string line) {
    lines_.push_back(std::move(line));
    if (lines_.size() > kStderrTailLines) {
        lines_.pop_front();
    }
}

StderrDrain::StderrDrain(EventLoop& loop, std::string server, Fd fd, StderrTail& tail)
    : loop_(loop),
      server_(std::move(server)),
      fd_(std::move(fd)),
      tail_(tail),
      watch_(loop, fd_.get(), *this),
      limiter_(kStderrLogLinesPerSecond) {
    watch_.set(EPOLLIN);
}

void StderrDrain::on_ready(uint32_t) {
    if (!read_some()) {
        watch_.set(0);
    }
}

/// False at the end of the pipe.
bool StderrDrain::read_some() {
    char bytes[16 * 1024];
    const ssize_t n = ::read(fd_.get(), bytes, sizeof bytes);
    if (n > 0) {
        take({bytes, static_cast<size_t>(n)});
        return true;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

void StderrDrain::drain_rest() {
    // Bounded: a grandchild may hold the pipe and go on writing for ever.
    for (size_t rest = kReadBudgetBytes; rest > 0;) {
        char bytes[16 * 1024];
        const ssize_t n = ::read(fd_.get(), bytes, std::min(rest, sizeof bytes));
        if (n <= 0) {
            break;
        }
        take({bytes, static_cast<size_t>(n)});
        rest -= static_cast<size_t>(n);
    }
    line_done();
    report_withheld();
    watch_.set(0);
}

void StderrDrain::take(std::string_view bytes) {
    for (const char c : bytes) {
        if (c == '\n') {
            line_done();
        } else if (line_.size() < kTakenBytes) {
            line_ += c;
        }
    }
}

void StderrDrain::line_done() {
    if (!line_.empty()) {
        const bool cut = line_.size() == kTakenBytes;
        const std::string line = escape(
            cut ? mask_cut_secrets(line_) : mask_secrets(line_), kStderrLineBytes);
        log(line);
        tail_.add(line);
        line_.clear();
    }
}

void StderrDrain::log(const std::string& line) {
    if (limiter_.allow(loop_.now())) {
        report_withheld();
        log_child_line(server_, line);
    }
}

void StderrDrain::report_withheld() {
    const uint64_t withheld = limiter_.take_withheld();
    if (withheld > 0) {
        log_warn("supervisor", "%s: %llu stderr lines were not logged", server_.c_str(),
                 static_cast<unsigned long long>(withheld));
    }
}

}  // namespace neuron
